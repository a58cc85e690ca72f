"""The reader whose patience ends: lines, blocks, limits, and a server that trickles."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from ticketd.wire.patience import SLOWEST, PatientReader

Pair = tuple[PatientReader, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        yield PatientReader(ours, 5), theirs


def test_lines_and_blocks(pair: Pair) -> None:
    reader, theirs = pair
    theirs.sendall(b"one\r\ntwo\nabcdefgh")
    theirs.shutdown(socket.SHUT_WR)
    assert [reader.readline(), reader.readline()] == [b"one\r\n", b"two\n"]
    assert reader.waiting()
    assert reader.read(3) == b"abc"
    assert reader.readline(2) == b"de"
    assert reader.readline() == b"fgh"
    assert not reader.waiting()
    assert reader.readline() == reader.read(9) == b""


def test_a_line_is_read_no_further_than_its_limit(pair: Pair) -> None:
    reader, theirs = pair
    theirs.sendall(b"x" * 100)
    assert reader.readline(10) == b"x" * 10


def test_looking_never_waits(pair: Pair) -> None:
    reader, theirs = pair
    assert reader.look() is False
    theirs.sendall(b"x")
    assert reader.look() is True
    assert reader.waiting()
    theirs.close()
    with pytest.raises(EOFError):
        reader.look()


def test_a_trickle_is_given_up_but_a_long_answer_is_not(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, theirs = pair
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr("ticketd.wire.patience.time", SimpleNamespace(monotonic=lambda: now.seconds))
    reader.begin()
    theirs.sendall(b"some bytes")
    now.seconds = 4.9
    assert reader.read(10) == b"some bytes"
    theirs.sendall(b"x" * SLOWEST)
    assert reader.read(SLOWEST) == b"x" * SLOWEST
    now.seconds = 5.9  # five seconds, and one for what has come
    theirs.sendall(b"more")
    assert reader.read(4) == b"more"
    now.seconds = 6.1
    with pytest.raises(TimeoutError, match="too long"):
        reader.readline()
    reader.begin()
    theirs.sendall(b"\n")
    assert reader.readline() == b"\n"


def test_an_answer_has_only_so_many_lines(pair: Pair) -> None:
    reader, theirs = pair
    reader.lines_left = 2
    theirs.sendall(b"1\n2\n3\n")
    assert [reader.readline(), reader.readline()] == [b"1\n", b"2\n"]
    with pytest.raises(ConnectionError, match="too many lines"):
        reader.readline()
