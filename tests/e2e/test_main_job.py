"""The main job with the real program on real servers: as a daemon, and as ``run --once``."""

import random
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix

from .world import World, quoted, text_of

pytestmark = pytest.mark.server

FIRE = "Hello,\n\nmy printer is on fire. What shall I do?\n\nJane\n"


@pytest.fixture
def world(dovecot: Dovecot, postfix: Postfix, tmp_path: Path) -> World:
    return World(dovecot, postfix, tmp_path)


def top_posted(answer: str, mail: EmailMessage) -> str:
    return f"{answer}\n\nOn Mon, 23 Nov 2026 at 09:01, {mail['From']} wrote:\n{quoted(mail)}\n"


def bottom_posted(answer: str, mail: EmailMessage) -> str:
    return f"On Mon, 23 Nov 2026 at 09:01, {mail['From']} wrote:\n{quoted(mail)}\n\n{answer}\n"


def html_only(answer: str, mail: EmailMessage) -> str:
    paragraphs = "".join(f"<div>{line or '<br>'}</div>" for line in answer.splitlines())
    body = "<br>".join(text_of(mail).splitlines())
    return (
        f'<html><body><div dir="ltr">{paragraphs}</div><br><div class="gmail_quote">'
        f'<div class="gmail_attr">On Mon, 23 Nov 2026, {mail["From"].partition("<")[0]} wrote:<br></div>'
        f'<blockquote class="gmail_quote">{body}</blockquote></div></body></html>'
    )


STYLES: dict[str, Callable[[str, EmailMessage], str]] = {
    "top": top_posted,
    "bottom": bottom_posted,
    "html": html_only,
}


@pytest.mark.parametrize("style", STYLES)
def test_once_from_first_mail_to_reopening(world: World, style: str) -> None:
    first = world.write("jane", "Printer on fire", FIRE)
    world.send(first)
    world.ticketd("run", "--once")
    (ticket,) = world.json("list")
    assert (ticket["status"], ticket["priority"], ticket["assignee"]) == ("open", "normal", None)
    assert ticket["requester"]["address"] == world.address("jane")

    told = world.await_mail("anna", 1)
    world.await_mail("bob", 1)
    assert world.address("jane") not in f"{told['From']} {told['To']} {told['Cc']} {told['Reply-To']}"
    assert "my printer is on fire" in text_of(told)
    answer = "Hello Jane,\n\nplease pour water on it.\n\nAnna"
    world.send(
        world.write("anna", f"Re: {told['Subject']}", STYLES[style](answer, told), told, html=style == "html")
    )
    world.ticketd("run", "--once")

    got = world.await_mail("jane", 1)
    assert text_of(got).rstrip().removesuffix("--").rstrip() == answer
    assert got["From"] == f"Anna at Example Support <{world.address('desk')}>"
    assert got["Subject"] == "Re: Printer on fire"
    assert got["In-Reply-To"] == first["Message-ID"]
    assert first["Message-ID"] in got["References"]
    assert got["Auto-Submitted"] is None
    assert world.address("anna") not in got.as_string()
    (ticket,) = world.json("list", "pending")
    assert ticket["assignee"] == world.address("anna")

    world.send(world.write("jane", "Re: Printer on fire", top_posted("Thank you, it is out.", got), got))
    world.ticketd("run", "--once")
    told = world.await_mail("anna", 2)
    assert len(world.inbox("bob")) == 1
    assert world.json("show", "1")["status"] == "open"

    world.send(
        world.write("anna", f"Re: {told['Subject']}", top_posted("#solved\n\nGlad to hear it.", told), told)
    )
    world.ticketd("run", "--once")
    got = world.await_mail("jane", 2)
    assert "#" not in text_of(got)
    assert world.json("show", "1")["status"] == "solved"

    world.send(world.write("jane", "Re: Printer on fire", "It burns again!", got))
    world.ticketd("run", "--once")
    whole = world.json("show", "1")
    assert whole["status"] == "open"
    assert [one["kind"] for one in whole["messages"]] == [
        "customer",
        "reply",
        "customer",
        "reply",
        "customer",
    ]
    assert world.json("status")["healthy"]


def test_the_daemon_does_the_same_and_stops_when_asked(world: World) -> None:
    daemon = world.start()
    try:
        world.send(world.write("jane", "Printer on fire", FIRE))
        told = world.await_mail("anna", 1)
        world.send(world.write("anna", f"Re: {told['Subject']}", top_posted("Pour water.", told), told))
        got = world.await_mail("jane", 1)
        world.send(world.write("jane", "Re: Printer on fire", "Thank you!", got))
        world.await_mail("anna", 2)
        assert world.json("list")[0]["status"] == "open"
        world.ticketd("run", status=78)
    finally:
        status = world.stop(daemon)
    assert status == 0


def test_two_customers_with_one_subject_are_two_tickets(world: World) -> None:
    world.send(world.write("jane", "Printer on fire", FIRE), world.write("lee", "Printer on fire", FIRE))
    world.ticketd("run", "--once")
    assert len(world.json("list")) == 2


def test_two_hundred_mails_of_forty_conversations_in_random_order(world: World) -> None:
    mails = []
    for talk in range(40):
        earlier: list[str] = []
        for turn in range(5):
            mail = world.write("jane", f"Talk {talk}", f"Turn {turn} of talk {talk}")
            mail.replace_header("From", f"Customer {talk} <customer{talk}@example.org>")
            if earlier:
                mail["In-Reply-To"] = earlier[-1]
                mail["References"] = " ".join(earlier)
            earlier.append(mail["Message-ID"])
            mails.append(mail)
    random.Random(2).shuffle(mails)
    world.send(*mails)
    world.ticketd("run", "--once")
    tickets = world.json("list", "all", "--limit", "300")
    assert len(tickets) == 40
    assert {len(world.json("show", str(one["id"]))["messages"]) for one in tickets[:5]} == {5}
    assert {row["outcome"] for row in world.json("ledger")} == {"ticket"}


def test_a_manual_ticket_mails_the_customer(world: World) -> None:
    made = world.ticketd(
        "new",
        *("--requester", world.address("jane"), "--name", "Jane", "--subject", "Your order"),
        *(
            "--priority",
            "urgent",
            "--assign",
            "anna",
            "--status",
            "pending",
            "--note",
            "she called",
            "--as",
            "bob",
        ),
        text="Hello Jane,\n\nyour order is on its way.\n",
    )
    assert made.strip() == "#1"
    world.ticketd("run", "--once")
    got = world.await_mail("jane", 1)
    assert got["From"].startswith("Bob at Example Support")
    assert "she called" not in got.as_string()
    told = world.await_mail("anna", 1)
    assert "your order is on its way" in text_of(told)
    whole = world.json("show", "1")
    assert (whole["channel"], whole["status"], whole["priority"]) == ("manual", "pending", "urgent")
    assert whole["assignee"] == world.address("anna")
    world.send(world.write("jane", "Re: Your order", "Thank you", got))
    world.ticketd("run", "--once")
    assert world.json("show", "1")["status"] == "open"


def test_a_wrong_password_and_an_unreachable_server_lose_nothing(world: World) -> None:
    world.send(world.write("jane", "Printer on fire", FIRE))
    good = world.config.read_text()
    world.config.write_text(good.replace('password = "correct-horse"', 'password = "wrong"'))
    world.ticketd("run", "--once", status=75)
    world.config.write_text(good.replace("port = ", "port = 1 # "))
    world.ticketd("run", "--once", status=75)
    world.config.write_text(good.replace("[mailboxes.imap]", '[mailboxes.imap]\n  folder = "Nowhere"'))
    world.ticketd("run", "--once", status=75)
    world.config.write_text(good)
    world.ticketd("run", "--once")
    assert len(world.json("list")) == 1


def test_on_postgresql_as_well(dovecot: Dovecot, postfix: Postfix, tmp_path: Path, pg_url: str) -> None:
    world = World(dovecot, postfix, tmp_path, database=pg_url.replace("+psycopg", ""))
    world.send(world.write("jane", "Printer on fire", FIRE))
    world.ticketd("run", "--once")
    told = world.await_mail("anna", 1)
    world.send(world.write("anna", f"Re: {told['Subject']}", top_posted("Pour water.", told), told))
    world.ticketd("run", "--once")
    world.await_mail("jane", 1)
    assert world.json("list", "pending")[0]["assignee"] == world.address("anna")
    assert len(world.json("list", "all", "--search", "printer")) == 1
