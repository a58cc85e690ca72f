"""Feed changed mails of the corpus to the reader: ``python tests/fuzz_parse.py [SECONDS [SEED]]``.

Not collected by pytest. A mail that breaks a promise (an exception, two seconds, text that cannot be
stored) is written to ``fuzz-finds`` beside the working directory, and the exit status is 1.
"""

import random
import sys
import time
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from ticketd.decide.excerpts.excerpt import excerpt
from ticketd.decide.excerpts.forwarded import find_forwarded
from ticketd.decide.judging.classify import classify
from ticketd.decide.reading.htmltext import sanitise
from ticketd.decide.reading.parse import parse, peek

CORPUS = Path(__file__).parent / "mail"
FINDS = Path("fuzz-finds")
SECONDS_A_MAIL = 2.0
TOKENS = (
    b"\r\n",
    b"\n\n",
    b"\r",
    b"\0",
    b"\xff",
    b"=?utf-8?q?",
    b"?=",
    b"=?x?b?",
    b"--",
    b"--=_edge\r\n",
    b"--=_edge--",
    b"Content-Type: multipart/mixed; boundary=x\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"From: a@b, c@d\r\n",
    b"Content-Disposition: attachment; filename*0*=",
    b"<",
    b">",
    b'"',
    b"(" * 50,
    b"<div>" * 50,
    b"begin 644 x\n",
    b"\x1b$B",
    b"+ADw-",
    b"\xed\xa0\x80",
)


def mutated(dice: random.Random, mails: list[bytes]) -> bytes:
    """A mail of the corpus with a few things done to it."""
    mail = bytearray(dice.choice(mails)[:200_000])
    for _ in range(dice.randint(1, 8)):
        at, end = sorted(dice.randrange(len(mail) + 1) for _ in range(2))
        match dice.randrange(6):
            case 0:
                mail[at:at] = dice.choice(TOKENS)
            case 1:
                mail[at : at + dice.randint(1, 4)] = dice.randbytes(dice.randint(0, 4))
            case 2:
                del mail[at : min(end, at + 200)]
            case 3:
                mail[at:at] = mail[at : min(end, at + 2000)] * dice.randint(1, 20)
            case 4:
                other = dice.choice(mails)
                start = dice.randrange(len(other) + 1)
                mail[at:at] = other[start : start + 2000]
            case _:
                del mail[at:]
    return bytes(mail)


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if is_dataclass(value):
        return [text for each in fields(value) for text in strings(getattr(value, each.name))]
    if isinstance(value, tuple):
        return [text for item in value for text in strings(item)]
    return []


def check(mail: bytes) -> None:
    """Hold one mail to the reader's promises."""
    began = time.process_time()
    message = parse(mail)
    verdict = classify(message)
    peek(mail[:10_000])
    sanitise(message.html or "")
    new = (excerpt(message.text, message.html), excerpt(message.text, message.html, agent=True))
    forwarded = find_forwarded(message)
    took = time.process_time() - began
    if took > SECONDS_A_MAIL:
        raise AssertionError(f"took {took:.1f} s of CPU")
    for text in strings((message, verdict, new, forwarded)):
        text.encode("utf-8")
        if "\0" in text:
            raise AssertionError("NUL in a text")


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()
    dice = random.Random(seed)
    mails = [path.read_bytes() for path in sorted(CORPUS.rglob("*.eml"))]
    until, tried, found = time.monotonic() + seconds, 0, 0
    while time.monotonic() < until:
        mail = mutated(dice, mails)
        tried += 1
        try:
            check(mail)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a find
            found += 1
            FINDS.mkdir(exist_ok=True)
            path = FINDS / f"{seed}-{tried}.eml"
            path.write_bytes(mail)
            print(f"{path}: {type(error).__name__}: {error}")
    print(f"{tried} mails tried with seed {seed}, {found} finds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
