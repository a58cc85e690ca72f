"""A generated mailbox of customers' mails: several shapes, invented content, the same every time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

START = datetime(2026, 11, 2, 7, 0, tzinfo=UTC)
ANSWERS = 0.3  # of the mails carry an earlier conversation on
_THINGS = ("invoice", "printer", "parcel", "password", "order", "screen", "delivery", "contract", "refund")
_TROUBLES = ("is missing", "does not work", "came twice", "is wrong", "is late", "was changed", "is on fire")
_NAMES = ("Jane", "Lee", "Amir", "Olga", "Chen", "Paul", "Rosa", "Ivan", "Noor", "Emil", "Müller", "Søren")
_SAYING = """we have been waiting since last week and nobody in our office can work with it any more please
tell me what to do next because the manual says something else than your letter did I tried the second way
that your colleague described on the phone but it ended with the same message on Tuesday morning there were
three of them today there is only one left thank you"""
_WORDS = _SAYING.split()


@dataclass
class Conversation:
    """What one customer has written so far."""

    name: str
    address: str
    subject: str
    ids: list[str] = field(default_factory=list)
    last: str = ""


def mails(count: int, desk: str, seed: int = 1) -> Iterator[bytes]:
    """``count`` mails to ``desk``, in the order they were written."""
    draw = random.Random(seed)
    open_ones: list[Conversation] = []
    for number in range(count):
        if open_ones and draw.random() < ANSWERS:
            conversation = draw.choice(open_ones[-50:])
        else:
            conversation = _new_conversation(draw, number)
            open_ones.append(conversation)
        yield _mail(draw, conversation, number, desk)


def _new_conversation(draw: random.Random, number: int) -> Conversation:
    name = f"{draw.choice(_NAMES)} {draw.choice(_NAMES)}son"
    subject = f"The {draw.choice(_THINGS)} {draw.choice(_TROUBLES)} ({number})"
    return Conversation(name, f"customer{number}@customers{number % 40}.example", subject)


def _mail(draw: random.Random, conversation: Conversation, number: int, desk: str) -> bytes:
    mail = EmailMessage(policy=SMTP)
    at = START + timedelta(seconds=37 * number)
    _add_trace(draw, mail, conversation, at)
    mail["From"] = f'"{conversation.name}" <{conversation.address}>'
    mail["To"] = f"Example Support <{desk}>"
    mail["Subject"] = ("Re: " if conversation.ids else "") + conversation.subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{number}.{draw.getrandbits(64):x}@{conversation.address.partition('@')[2]}>"
    if conversation.ids:
        mail["In-Reply-To"] = conversation.ids[-1]
        mail["References"] = " ".join(conversation.ids)
    text = _text(draw, conversation)
    _fill(draw, mail, text)
    if draw.random() < 0.1:
        _attach(draw, mail)
    conversation.ids.append(mail["Message-ID"])
    conversation.last = text
    return mail.as_bytes()


def _add_trace(draw: random.Random, mail: EmailMessage, conversation: Conversation, at: datetime) -> None:
    """What servers write on the way: half of most real headers."""
    domain = conversation.address.partition("@")[2]
    mail["Return-Path"] = f"<{conversation.address}>"
    for hop in range(3):
        mail["Received"] = (
            f"from relay{hop}.{domain} (relay{hop}.{domain} [192.0.2.{draw.randrange(1, 255)}])"
            f" by mx{hop}.example.com (Mailer) with ESMTPS id {draw.getrandbits(60):X}"
            f" for <support@example.com>; {format_datetime(at)}"
        )
    seal = f"{draw.getrandbits(1024):x}"
    mail["DKIM-Signature"] = (
        f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=one; h=from:to:subject:date; b={seal}"
    )
    mail["X-Mailer"] = "Invented Mail 4.2"


def _text(draw: random.Random, conversation: Conversation) -> str:
    """New words, a greeting, a signature; in an answer most people leave the old mail below."""
    paragraphs = "\n\n".join(_paragraph(draw) for _ in range(draw.randrange(2, 7)))
    text = f"Hello,\n\n{paragraphs}\n\nKind regards\n{conversation.name}\n"
    if draw.random() < 0.5:
        text += f"\n-- \n{conversation.name}, Example Trading\nPhone 0123 456{draw.randrange(1000):03d}\n"
    if conversation.last and draw.random() < 0.8:
        quoted = "\n".join(f"> {line}".rstrip() for line in conversation.last.split("\n")[:80])
        text += (
            f"\nOn Mon, 2 Nov 2026 at 09:12, {conversation.name} <{conversation.address}> wrote:\n{quoted}\n"
        )
    return text


def _paragraph(draw: random.Random) -> str:
    words = draw.choices(_WORDS, k=draw.randrange(30, 90))
    if draw.random() < 0.15:
        words.insert(5, "— größer als vorher —")
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) > 70:
            lines.append(line.strip())
            line = ""
        line += f" {word}"
    return "\n".join([*lines, line.strip()])


def _fill(draw: random.Random, mail: EmailMessage, text: str) -> None:
    shape = draw.random()
    if shape < 0.35:
        mail.set_content(text)
    elif shape < 0.85:
        mail.set_content(text)
        mail.add_alternative(_html(text), subtype="html")
    else:
        mail.set_content(_html(text), subtype="html")


def _html(text: str) -> str:
    """As clients write it: a style sheet, and a block with a style of its own for every line."""
    style = (
        "p.MsoNormal, li.MsoNormal { margin: 0; font-size: 11.0pt; font-family: Calibri, sans-serif; }\n" * 5
    )
    lines = "\n".join(
        f'<p class="MsoNormal" style="margin:0"><span lang="EN-GB">{line or "&nbsp;"}</span></p>'
        for line in text.replace("<", "&lt;").split("\n")
    )
    return f"<html><head><style>{style}</style></head><body>{lines}</body></html>"


def _attach(draw: random.Random, mail: EmailMessage) -> None:
    size = draw.randrange(8_000, 66_000)
    kind, name = draw.choice([("pdf", "invoice.pdf"), ("png", "screen.png"), ("zip", "logs.zip")])
    maintype = "image" if kind == "png" else "application"
    mail.add_attachment(draw.randbytes(size), maintype=maintype, subtype=kind, filename=name)


def big_mail(desk: str, size: int) -> bytes:
    """One mail of about ``size`` bytes, nearly all of it one attachment."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Jane <jane@customers.example>"
    mail["To"] = desk
    mail["Subject"] = "The film of the fire"
    mail["Date"] = format_datetime(START)
    mail["Message-ID"] = f"<big.{size}@customers.example>"
    mail.set_content("It is attached.\n")
    content = random.Random(size).randbytes(size * 73 // 100)  # base64 with its line ends adds 37 %
    mail.add_attachment(content, maintype="video", subtype="mp4", filename="fire.mp4")
    return mail.as_bytes()
