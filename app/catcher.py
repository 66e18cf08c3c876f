"""The demo's mail catcher: an SMTP server on this machine that delivers into a folder.

Each accepted mail becomes one .eml file, with its envelope in front as X-Envelope-From and
X-Envelope-To; `app.outbox` shows them. Nothing leaves the machine.
"""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

KEEP = 500


class Catcher:
    """aiosmtpd's handler: keeps the newest 500 mails, whatever their size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = bytes(envelope.original_content or b"")
        front = f"X-Envelope-From: {_line(envelope.mail_from or '')}\r\n"
        front += f"X-Envelope-To: {', '.join(map(_line, envelope.rcpt_tos))}\r\n"
        self.keep(front.encode() + content)
        return "250 2.0.0 caught"

    def keep(self, mail: bytes) -> None:
        """Write one mail, complete or not at all; let go of the oldest beyond 500."""
        self.count += 1
        name = f"{time.time_ns() // 1000:016d}-{self.count:06d}"  # sorts by arrival
        draft = self.folder / f"{name}.part"
        draft.write_bytes(mail)
        draft.rename(self.folder / f"{name}.eml")
        if self.count % 50 == 0:
            for old in sorted(self.folder.glob("*.eml"))[:-KEEP]:
                old.unlink(missing_ok=True)


def controller(folder: Path, *, port: int) -> Controller:
    """The server, not yet started."""
    return Controller(
        Catcher(folder),
        hostname="127.0.0.1",
        port=port,
        data_size_limit=0,
        decode_data=False,
        server_hostname="catcher.localhost",
        ident="Pressrum mail catcher",
    )


def run(folder: Path, *, port: int) -> None:
    """Catch mail until SIGTERM or SIGINT. Raises OSError when the port is taken."""
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    server = controller(folder, port=port)
    server.start()
    stop.wait()
    server.stop()


def _line(text: str) -> str:
    return " ".join(text.split())
