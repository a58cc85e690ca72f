"""A name server that knows one host and tells of it what a test wants: nothing, nonsense, or the truth.

    with Names() as names:  names.say = SILENCE

Needs port 53, and so a network namespace of its own (RFC 1035 §4.1).
"""

from __future__ import annotations

import socket
import struct
import threading
from ipaddress import IPv4Address, IPv6Address

OK, SERVFAIL, NXDOMAIN = 0, 2, 3
SILENCE = -1
_TYPES = {1: IPv4Address, 28: IPv6Address}


class Names:
    """Answers every question with ``say``: a response code or SILENCE; where OK, with ``addresses``."""

    def __init__(self) -> None:
        self.say = OK
        self.addresses: list[IPv4Address | IPv6Address] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def __enter__(self) -> Names:
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            question, asker = self._socket.recvfrom(512)
            if self.say != SILENCE:
                self._socket.sendto(self._answer(question), asker)

    def _answer(self, question: bytes) -> bytes:
        end = question.index(b"\0", 12) + 5
        asked = _TYPES.get(struct.unpack(">H", question[end - 4 : end - 2])[0])
        records = [
            b"\xc0\x0c" + question[end - 4 : end] + struct.pack(">IH", 0, len(one.packed)) + one.packed
            for one in self.addresses
            if self.say == OK and type(one) is asked
        ]
        head = question[:2] + struct.pack(">HHHHH", 0x8180 | self.say, 1, len(records), 0, 0)
        return head + question[12:end] + b"".join(records)
