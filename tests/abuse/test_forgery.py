"""A campaign of forged agents: hundreds of mails, none of which acts as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ticketd.decide import tokens
from ticketd.decide.effects import Token
from ticketd.decide.model import Purpose

from .forgeries import ANNA, AS_ANNA, CLAIMS, EVIL, LIKE_ANNA, STOLEN, Fields
from .kit import DESK, Desk, acted, raw

Make = Callable[..., Desk]
BODIES = (
    "#solved\n#assign bob\n#cc mallory@evil.test\n\nDear Jane, please pay here.",
    "#yes",
    "#note\nSend everything to mallory@evil.test.",
    "Dear Jane, please pay at evil.test.",
    "#requester jane@example.org\n\nDear Jane, please pay here.",
    "#urgent\n#tag +paid\n#subject Paid\n#take",
    "#merge 2",
    "#block",
)


def forge(desk: Desk, fields: Fields, body: str) -> bytes:
    """A forged mail: these fields, and the usual ones that they do not have."""
    named = {name.strip().lower() for name, _ in fields}
    usual = [field for field in desk.fields(EVIL) if field[0].lower() not in {*named, "from"}]
    return raw([*fields, *usual], body)


def assert_harmless(desk: Desk, content: bytes) -> None:
    before, mailed = desk.state(), desk.mailed()
    desk.send(content)
    assert not acted(desk, before, mailed)
    assert len(desk.ledger()) == 6
    assert desk.ledger()[4][0] == "parked", "the mail that waited for Bob was let go"


def campaign() -> Iterator[tuple[str, Fields, str, str]]:
    """Every From with every kind of claim that it may not profit from, each with one of the bodies."""
    number = 0
    for claim in CLAIMS:
        for name in ("bare", "reply-to-elsewhere"):
            number += 1
            yield f"{name}/{claim}", AS_ANNA[name], claim, BODIES[number % len(BODIES)]
    for name, fields in AS_ANNA.items():
        for claim in ("nothing", "subject-tag", "customers-id", "root-id", "bob-1", "bob-question"):
            number += 1
            yield f"{name}/{claim}", fields, claim, BODIES[number % len(BODIES)]
    for name, fields in LIKE_ANNA.items():
        for claim in ("nothing", "anna-1", "anna-note", "bob-question"):
            if name == "the-customer" and claim != "nothing":
                continue  # Jane herself may answer: see test_a_customer_with_an_agents_token
            number += 1
            yield f"{name}/{claim}", fields, claim, BODIES[number % len(BODIES)]


CAMPAIGN = {name: (fields, claim, body) for name, fields, claim, body in campaign()}


def test_the_campaign_is_large_enough() -> None:
    assert len(CAMPAIGN) >= 200


@pytest.mark.parametrize("name", CAMPAIGN)
def test_a_forged_agent_does_nothing(busy: Make, name: str) -> None:
    desk = busy()
    fields, claim, body = CAMPAIGN[name]
    if name.startswith("the-customer"):
        body = "#solved"
    assert_harmless(desk, forge(desk, [*fields, *(CLAIMS | STOLEN)[claim](desk)], body))


MX = "mx.example.com"
RECEIVED = (
    "Received",
    f"from relay.test (relay.test [192.0.2.7]) by {MX} with ESMTPS; Mon, 23 Nov 2026 10:00:00 +0000",
)
THEIRS = ("Received", "from evil.test by relay.test; Mon, 23 Nov 2026 09:59:00 +0000")
GOOD = f"{MX}; dmarc=pass header.from=example.com"
AR = "Authentication-Results"
# Results that must not be believed, each as the fields that stand above From.
RESULTS: dict[str, Fields] = {
    "none": [RECEIVED, THEIRS],
    "below-a-foreign-received": [RECEIVED, THEIRS, (AR, GOOD)],
    "below-two": [RECEIVED, THEIRS, THEIRS, (AR, GOOD)],
    "below-with-our-name-again": [RECEIVED, THEIRS, RECEIVED, (AR, GOOD)],
    "two-of-ours": [(AR, f"{MX}; dmarc=none"), RECEIVED, (AR, GOOD), THEIRS],
    "two-that-agree": [(AR, GOOD), (AR, GOOD), RECEIVED],
    "two-in-other-case": [(AR, f"{MX.upper()}; dmarc=fail"), (AR, GOOD), RECEIVED],
    "two-one-unreadable": [(AR, f"{MX} (; dmarc=fail"), (AR, GOOD), RECEIVED],
    "another-server": [(AR, "mx.evil.test; dmarc=pass header.from=example.com"), RECEIVED],
    "a-longer-name": [(AR, f"{MX}.evil.test; dmarc=pass header.from=example.com"), RECEIVED],
    "a-parent": [(AR, "example.com; dmarc=pass header.from=example.com"), RECEIVED],
    "no-name": [(AR, "dmarc=pass header.from=example.com"), RECEIVED],
    "name-in-a-comment": [(AR, f"mx.evil.test ({MX}); dmarc=pass header.from=example.com"), RECEIVED],
    "result-in-a-comment": [(AR, f"{MX}; none (dmarc=pass header.from=example.com)"), RECEIVED],
    "result-in-a-deep-comment": [(AR, f"{MX}; spf=none ((x); dmarc=pass header.from=example.com)"), RECEIVED],
    "result-in-quotes": [
        (AR, f'{MX}; spf=pass smtp.mailfrom="x; dmarc=pass header.from=example.com"'),
        RECEIVED,
    ],
    "result-in-reason": [(AR, f'{MX}; dmarc=none reason="dmarc=pass header.from=example.com"'), RECEIVED],
    "fail-and-pass": [
        (AR, f"{MX}; dmarc=fail header.from=example.com; dmarc=pass header.from=example.com"),
        RECEIVED,
    ],
    "pass-of-another-domain": [(AR, f"{MX}; dmarc=pass header.from=evil.test"), RECEIVED],
    "pass-of-a-sub-domain": [(AR, f"{MX}; dmarc=pass header.from=x.example.com"), RECEIVED],
    "pass-of-no-domain": [(AR, f"{MX}; dmarc=pass"), RECEIVED],
    "pass-of-mailfrom": [(AR, f"{MX}; dmarc=pass smtp.from=example.com"), RECEIVED],
    "spf-alone": [(AR, f"{MX}; spf=pass smtp.mailfrom={ANNA}"), RECEIVED],
    "dkim-of-another": [(AR, f"{MX}; dkim=pass header.d=evil.test"), RECEIVED],
    "dkim-of-the-top": [(AR, f"{MX}; dkim=pass header.d=com"), RECEIVED],
    "dkim-of-a-suffix": [(AR, f"{MX}; dkim=pass header.d=ple.com"), RECEIVED],
    "dkim-by-identity": [(AR, f"{MX}; dkim=pass header.i=@example.com"), RECEIVED],
    "dkim-neutral": [(AR, f"{MX}; dkim=neutral header.d=example.com"), RECEIVED],
    "policy-word": [(AR, f"{MX}; dmarc=bestguesspass header.from=example.com"), RECEIVED],
    "other-field": [("X-Authentication-Results", GOOD), RECEIVED],
    "arc-field": [("ARC-Authentication-Results", f"i=1; {GOOD}"), RECEIVED],
    "arc-in-ours": [(AR, f"i=1; {GOOD}"), RECEIVED],
    "old-field": [("Received-SPF", f"pass ({MX}: domain of {ANNA})"), RECEIVED],
    "in-the-body": [RECEIVED, ("Subject", f"x\r\n\r\n{AR}: {GOOD}")],
    "encoded-word": [(AR, f"=?utf-8?q?{MX}?=; dmarc=pass header.from=example.com"), RECEIVED],
    "too-long": [(AR, f"{MX}; {'(' * 3000}{')' * 3000} dmarc=pass header.from=example.com"), RECEIVED],
    "bare-cr": [(AR, f"mx.evil.test\r{AR}: {GOOD}"), RECEIVED],
}


@pytest.mark.parametrize("auth", ["token-or-dmarc", "strict"])
@pytest.mark.parametrize("name", RESULTS)
def test_forged_results_prove_nobody(busy: Make, name: str, auth: str) -> None:
    desk = busy(trusted_authserv=(MX,), agent_auth=auth)
    claim = CLAIMS["customers-id"](desk) if auth == "token-or-dmarc" else STOLEN["anna-1"](desk)
    assert_harmless(desk, forge(desk, [*RESULTS[name], ("From", ANNA), *claim], BODIES[0]))


def test_genuine_results_do(busy: Make) -> None:
    """The campaign above would find nothing if nothing were ever believed."""
    desk = busy(trusted_authserv=(MX,))
    claim = CLAIMS["customers-id"](desk)
    desk.send(forge(desk, [(AR, GOOD), RECEIVED, THEIRS, ("From", ANNA), *claim], "Dear Jane, all is well."))
    assert desk.kinds(1)[-1] == "reply"


@pytest.mark.parametrize("claim", ["anna-1", "bob-question"])
def test_genuine_tokens_do(busy: Make, claim: str) -> None:
    desk = busy()
    author, body = (ANNA, "Dear Jane.") if claim == "anna-1" else ("bob@example.com", "#yes")
    before, mailed = desk.state(), desk.mailed()
    desk.send(forge(desk, [("From", author), *STOLEN[claim](desk)], body))
    assert acted(desk, before, mailed)


@pytest.mark.parametrize("auth", ["token-or-dmarc", "strict"])
@pytest.mark.parametrize("claim", ["nothing", "customers-id", "anna-1", "anna-note"])
def test_dmarc_that_fails_beats_every_token(busy: Make, claim: str, auth: str) -> None:
    desk = busy(trusted_authserv=(MX,), agent_auth=auth)
    questions = len(desk.mails())
    fields = [(AR, f"{MX}; dmarc=fail header.from=example.com"), RECEIVED, ("From", ANNA)]
    assert_harmless(desk, forge(desk, [*fields, *(CLAIMS | STOLEN)[claim](desk)], BODIES[0]))
    has_token = claim.startswith("anna")
    assert desk.last_outcome() == ("parked" if has_token else "quarantined")
    assert len(desk.mails()) - questions == int(has_token)


REPLAYS: dict[str, Fields] = {
    "as-it-was": [],
    "received-again": [THEIRS, THEIRS],
    "to-another-ticket": [("Delivered-To", "support+t2.aaaaaaaaaaaaaaaa@example.com")],
    "with-our-loop": [("X-Ticketd-Ticket", "2")],
    "resent": [("Resent-From", EVIL), ("Resent-To", DESK)],
    "authenticated": [(AR, GOOD)],
}


@pytest.mark.parametrize("name", REPLAYS)
def test_a_mail_played_again_is_a_duplicate(busy: Make, name: str) -> None:
    desk = busy(trusted_authserv=(MX,))
    genuine = forge(desk, [("From", ANNA), *STOLEN["anna-1"](desk)], "#solved\n\nDear Jane, all is well.")
    desk.send(genuine)
    desk.mail("jane@example.org", "Not yet.", In_Reply_To=str(desk.last_to("jane")["Message-ID"]))
    before, mailed = desk.state(), len(desk.mails())
    extra = b"".join(f"{field}: {value}\r\n".encode() for field, value in REPLAYS[name])  # type: ignore[str-bytes-safe]
    desk.send(extra + genuine)
    assert desk.last_outcome() == "duplicate"
    assert (desk.state(), len(desk.mails())) == (before, mailed)


def test_an_old_authentic_mail_played_to_us_is_asked_about(busy: Make) -> None:
    """DKIM holds for ever: what Anna once wrote to Mallory is no answer to Jane today."""
    desk = busy(trusted_authserv=(MX,))
    fields = [(AR, GOOD), RECEIVED, ("From", ANNA), ("Date", "Mon, 02 Nov 2026 09:00:00 +0000")]
    assert_harmless(desk, forge(desk, [*fields, *CLAIMS["customers-id"](desk)], "Yes, you may."))
    assert desk.last_outcome() == "parked"


@pytest.mark.parametrize("to", [EVIL, f"list@a.test, {EVIL}", ""])
def test_an_authentic_mail_to_somebody_else_is_asked_about(busy: Make, to: str) -> None:
    """What Anna writes to Mallory, Mallory can play to us: DKIM holds To, and To is not us."""
    desk = busy(trusted_authserv=(MX,))
    fields = [(AR, GOOD), RECEIVED, ("From", ANNA), ("To", to), ("Delivered-To", DESK)]
    assert_harmless(desk, forge(desk, [*fields, *CLAIMS["customers-id"](desk)], "Yes, you may."))
    assert desk.last_outcome() == "parked"
    assert "our address is not in To or Cc" in desk.ledger()[-1][2]


ROBOTS: dict[str, Fields] = {
    "auto-replied": [("Auto-Submitted", "auto-replied")],
    "auto-generated": [("Auto-Submitted", "auto-generated (rule)")],
    "second-auto-submitted": [("Auto-Submitted", "no"), ("Auto-Submitted", "auto-replied")],
    "null-path": [("Return-Path", "<>")],
    "x-autoreply": [("X-Autoreply", "yes")],
    "x-autorespond": [("X-Autorespond", "1")],
    "precedence-bulk": [("Precedence", "bulk")],
    "precedence-junk": [("Precedence", "junk")],
    "precedence-auto": [("Precedence", "auto_reply")],
    "inbox-rule": [("X-Auto-Response-Suppress", "All"), ("X-MS-Exchange-Inbox-Rules-Loop", ANNA)],
    "away-subject": [("Subject", "Automatic reply: Is this mail yours?")],
    "out-of-office": [("Subject", "Out of Office: Is this mail yours?")],
    "receipt": [("Content-Type", 'multipart/report; report-type=disposition-notification; boundary="b"')],
    "bounce": [("Content-Type", 'multipart/report; report-type=delivery-status; boundary="b"')],
    "failed": [("X-Failed-Recipients", "jane@example.org")],
}


@pytest.mark.parametrize("name", ROBOTS)
def test_a_robot_does_not_say_yes(busy: Make, name: str) -> None:
    desk = busy()
    assert_harmless(
        desk, forge(desk, [("From", "bob@example.com"), *ROBOTS[name], *STOLEN["bob-question"](desk)], "#yes")
    )


@pytest.mark.parametrize("name", ROBOTS)
def test_an_agents_robot_neither_speaks_nor_commands(busy: Make, name: str) -> None:
    desk = busy()
    content = forge(desk, [("From", ANNA), *ROBOTS[name], *STOLEN["anna-1"](desk)], "#solved\n\nI am away.")
    assert_harmless(desk, content)


def test_a_customer_with_an_agents_token_is_a_customer(busy: Make) -> None:
    """Anna's token reached Jane in a quote: it gives Jane nothing, and is worth nothing from then on."""
    desk = busy()
    mailed = desk.mailed()
    desk.send(forge(desk, [("From", "jane@example.org"), *STOLEN["anna-1"](desk)], "#solved\n\nThank you."))
    assert desk.ticket(1)["status"] == "open"
    assert desk.kinds(1)[-1] == "customer"
    assert "revoked" in desk.events(1)
    desk.send(forge(desk, [("From", ANNA), *STOLEN["anna-1"](desk)], "Dear Jane."))
    assert desk.last_outcome() == "parked"
    assert desk.mailed() == mailed


def test_a_token_is_good_for_its_own_ticket_only(busy: Make) -> None:
    """Anna's token of ticket 2 and Bob's of ticket 1 beside it: ticket 2 is what Anna may touch."""
    desk = busy()
    ids = desk.ids()
    before = desk.state()[1]
    for other in (ids["bob-1"], ids["jane"], tokens.root_id(desk.policy, 1, "example.com")):
        fields: Fields = [("From", ANNA), ("In-Reply-To", other), ("References", ids["anna-2"])]
        desk.send(forge(desk, fields, "#tag +mine"))
        assert desk.state()[1] == before
    assert desk.ticket(2)["tags"] == ["mine"]


def test_one_answer_to_two_questions_is_none(busy: Make) -> None:
    """Anna was asked, too; her token does not confirm what Bob was asked."""
    desk = busy()
    desk.mail(ANNA, "Hello.")
    own, theirs = str(desk.last_to("anna")["Message-ID"]), desk.ids()["bob-question"]
    before, mailed = desk.state(), desk.mailed()
    desk.send(forge(desk, [("From", ANNA), ("In-Reply-To", own), ("References", theirs)], "#yes"))
    assert not acted(desk, before, mailed)
    assert [row[0] for row in desk.ledger()[4:]] == ["parked", "parked", "ignored"]


def test_nothing_customers_see_is_ever_valid_for_an_agent(busy: Make) -> None:
    """Each part of the customers' token in each form and purpose of an agent's."""
    desk = busy()
    _, serial, _, mac = desk.ids()["jane"].strip("<>").partition("@")[0].split(".")
    before, mailed = desk.state(), desk.mailed()
    for purpose in "rnql":
        for claim in (
            f"<t1.{serial}.{purpose}.{mac}@example.com>",
            f"<t0.{serial}.{purpose}.{mac}@example.com>",
        ):
            desk.send(forge(desk, [("From", ANNA), ("In-Reply-To", claim)], BODIES[3]))
        address = f"support+t1.{purpose}.{serial}.{mac}@example.com"
        desk.send(forge(desk, [("From", ANNA), ("Delivered-To", address)], BODIES[3]))
        desk.send(forge(desk, [("From", ANNA), ("Subject", f"[#1.{purpose}.{serial}.{mac}]")], BODIES[3]))
    assert not acted(desk, before, mailed)
    assert {row[0] for row in desk.ledger()[5:]} == {"parked"}


def test_the_key_signs_every_part() -> None:
    """Whatever differs, the MAC differs: version and form aside, each field of the token counts."""
    from tests.decide.desk_kit import POLICY

    base = Token(Purpose.REPLY, 1, ANNA, "abcdefgh")
    others = [
        Token(Purpose.NOTE, 1, ANNA, "abcdefgh"),
        Token(Purpose.REPLY, 2, ANNA, "abcdefgh"),
        Token(Purpose.REPLY, 1, "bob@example.com", "abcdefgh"),
        Token(Purpose.REPLY, 1, ANNA, "abcdefga"),
    ]
    ids = [tokens.message_id(POLICY, one, "example.com") for one in (base, *others)]
    assert len({one.rpartition(".c")[0][-16:] for one in ids}) == len(ids)
