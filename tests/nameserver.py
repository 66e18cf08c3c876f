"""A small real DNS server on loopback, over UDP and TCP, that says what it is told to say."""

from __future__ import annotations

import socketserver
import struct
import threading
from typing import Any, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class NameServer:
    """`records` maps (name, kind) to texts as in a zone file. Names in `silent` get SERVFAIL."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.silent: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self._udp, self._tcp = self._on_one_port()
        self.address = f"127.0.0.1:{self._udp.server_address[1]}"

    def __enter__(self) -> NameServer:
        for server in (self._udp, self._tcp):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()

    def say(self, name: str, kind: str, *values: str) -> None:
        """Answer questions for a name; TXT values are given without quotes."""
        if kind == "TXT":
            values = tuple(_strings(value) for value in values)
        self.records[name.lower(), kind] = list(values)

    def answer(self, wire: bytes, *, tcp: bool) -> bytes:
        asked = dns.message.from_wire(wire)
        question = asked.question[0]
        name = question.name.to_text().rstrip(".").lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        answer = dns.message.make_response(asked, recursion_available=True)
        if name in self.silent:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif found := self.records.get((name, kind)):
            answer.answer.append(
                dns.rrset.from_text_list(question.name, 60, "IN", kind, found)  # type: ignore[arg-type]
            )
        elif not any(known == name for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        text = answer.to_wire(max_size=65535)
        if not tcp and len(text) > 512:
            short = dns.message.make_response(asked, recursion_available=True)
            short.flags |= dns.flags.TC
            return short.to_wire()
        return text

    def _on_one_port(
        self,
    ) -> tuple[socketserver.ThreadingUDPServer, socketserver.ThreadingTCPServer]:
        """A number that is free for UDP may be somebody else's for TCP; then another is tried."""
        while True:
            udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), self._handler(tcp=False))
            try:
                return udp, socketserver.ThreadingTCPServer(
                    ("127.0.0.1", udp.server_address[1]), self._handler(tcp=True)
                )
            except OSError:
                udp.server_close()

    def _handler(self, *, tcp: bool) -> type[socketserver.BaseRequestHandler]:
        server = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                if not tcp:
                    data, socket = cast(Any, self.request)
                    socket.sendto(server.answer(data, tcp=False), self.client_address)
                    return
                (size,) = struct.unpack("!H", self.request.recv(2))
                text = server.answer(self.request.recv(size), tcp=True)
                self.request.sendall(struct.pack("!H", len(text)) + text)

        return Handler


def _strings(text: str) -> str:
    """A TXT value as quoted strings of at most 255 characters."""
    return " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))
