"""A real, small IMAP server on loopback (RFC 3501 as far as reading a mailbox needs it)."""

from __future__ import annotations

import re
import socketserver
import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Mail:
    uid: int
    raw: bytes
    flags: set[str] = field(default_factory=set)


class ImapServer:
    """One mailbox, INBOX, of the user `bounces` with the password `secret`.

    `hangs_up_on` names a command at which it closes the connection without an answer.
    """

    def __init__(self, *, uidplus: bool = True) -> None:
        self.mails: list[Mail] = []
        self.capabilities = "IMAP4rev1" + (" UIDPLUS" if uidplus else "")
        self.hangs_up_on = ""
        self.fetched: list[str] = []
        owner = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                owner.serve(self.rfile, self.wfile)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self) -> ImapServer:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, *raws: bytes, flags: str = "") -> None:
        for raw in raws:
            uid = max([mail.uid for mail in self.mails], default=0) + 1
            self.mails.append(Mail(uid, raw.replace(b"\n", b"\r\n"), set(flags.split())))

    def serve(self, reader: Any, writer: Any) -> None:
        writer.write(b"* OK ready\r\n")
        for line in reader:
            tag, _, rest = line.decode(errors="replace").strip().partition(" ")
            command = rest.upper()
            if self.hangs_up_on and command.startswith(self.hangs_up_on):
                return
            answer = self.answer(rest, command, writer)
            writer.write(f"{tag} {answer}\r\n".encode())
            if command == "LOGOUT":
                return

    def answer(self, rest: str, command: str, writer: Any) -> str:
        if command == "CAPABILITY":
            writer.write(f"* CAPABILITY {self.capabilities}\r\n".encode())
        elif command.startswith("LOGIN"):
            if rest.split(" ", 1)[1] != 'bounces "secret"':
                return "NO wrong"
        elif command.startswith("SELECT"):
            if "INBOX" not in rest:
                return "NO no such folder"
            writer.write(f"* {len(self.mails)} EXISTS\r\n".encode())
        elif command.startswith("UID SEARCH"):
            found = [mail.uid for mail in self.mails if not mail.flags & {r"\Seen", r"\Deleted"}]
            writer.write(("* SEARCH " + " ".join(map(str, found)) + "\r\n").encode())
        elif command.startswith("UID FETCH"):
            self.fetched.append(rest)
            mail = self.by_uid(rest.split()[2])
            most = re.search(r"<0\.(\d+)>", rest)
            assert most is not None
            raw = mail.raw[: int(most[1])]
            head = f"* {mail.uid} FETCH (UID {mail.uid} BODY[]<0> {{{len(raw)}}}\r\n"
            writer.write(head.encode() + raw + b")\r\n")
        elif command.startswith("UID STORE"):
            self.by_uid(rest.split()[2]).flags |= set(re.findall(r"\\\w+", rest))
        elif command.startswith("UID EXPUNGE"):
            wanted = {int(uid) for uid in rest.split()[2].split(",")}
            self.mails = [
                mail
                for mail in self.mails
                if not (mail.uid in wanted and r"\Deleted" in mail.flags)
            ]
        elif command.startswith("EXPUNGE"):
            raise AssertionError("would remove what somebody else has marked as deleted")
        elif command == "LOGOUT":
            writer.write(b"* BYE\r\n")
        return "OK done"

    def by_uid(self, uid: str) -> Mail:
        return next(mail for mail in self.mails if mail.uid == int(uid))
