"""IMAP against servers that lie, refuse, throttle and talk nonsense (faults.md F3, F7, F8, F12; §1.1)."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from tests.servers.scripted_imap import CLOSE, HANG, Lines, ScriptedImaps
from tests.wire.bearer import Bearer
from ticketd.errors import LoginRefused, Unavailable
from ticketd.wire import FolderMissing, Refused, Server
from ticketd.wire.fetch import Fetched
from ticketd.wire.imap import ImapConnection

ARRIVED = 'INTERNALDATE "01-Nov-2026 10:00:00 +0100"'


def reach(port: int, **changes: object) -> Server:
    values = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "username": "support",
        "password": lambda: "secret",
        "timeout": 5.0,
    }
    return Server(**(values | changes))  # type: ignore[arg-type]


def sized(*sizes: tuple[int, int]) -> Lines:
    """The answer to a question about sizes: pairs of UID and bytes."""
    said = [f"* {uid} FETCH (UID {uid} RFC822.SIZE {size} {ARRIVED})" for uid, size in sizes]
    return [*said, "OK done"]


def given(uid: int, content: bytes, item: str = "BODY[]") -> bytes:
    return b"* %d FETCH (UID %d %s {%d}\r\n%s)" % (uid, uid, item.encode(), len(content), content)


def fetched(scripted_imap: ScriptedImaps, rules: dict[str, Lines | list[Lines]], *uids: int) -> list[Fetched]:
    with ImapConnection.connect(reach(scripted_imap(rules).port)) as imap:
        imap.select("INBOX")
        return list(imap.fetch(uids, max_size=3_000_000))


BODIES, SIZES = "UID FETCH 1:2,4 (UID BODY.PEEK[]", "(UID RFC822.SIZE"


# Logging in


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        ("* BYE too busy", "ended the connection: too busy"),
        ("* BYE [UNAVAILABLE] later", "ended the connection: .*later"),
        ("220 mail.example.org ESMTP", "ended the connection: "),
        ("* OK " + "x" * 1_000_100, "line of more than 1000000 bytes"),
    ],
)
def test_a_bad_greeting(scripted_imap: ScriptedImaps, greeting: str, reason: str) -> None:
    with pytest.raises(Unavailable, match=reason):
        ImapConnection.connect(reach(scripted_imap({}, greeting).port))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("NO [AUTHENTICATIONFAILED] no", LoginRefused),
        ("NO LOGIN failed", LoginRefused),
        ("NO [ALERT] log in by web first", LoginRefused),
        ("NO [ALERT] Too many simultaneous connections", Unavailable),
        ("NO [UNAVAILABLE] directory is down", Unavailable),
        ("NO [INUSE] locked", Unavailable),
        ("NO [LIMIT] too many", Unavailable),
        (CLOSE, Unavailable),
    ],
)
def test_whose_trouble_a_refused_login_is(
    scripted_imap: ScriptedImaps, answer: str, kind: type[Exception]
) -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 port \d+ ") as caught:
        ImapConnection.connect(reach(scripted_imap({"AUTHENTICATE": [answer]}).port))
    assert type(caught.value) is kind


def test_login_where_plain_is_not_offered(scripted_imap: ScriptedImaps) -> None:
    server = scripted_imap({"CAPABILITY": ["* CAPABILITY IMAP4rev1", "OK"], "LOGIN": ["OK in"]})
    ImapConnection.connect(reach(server.port, username='a "b"\\c', password=lambda: "gehéim")).close()
    assert 'LOGIN "a \\"b\\"\\\\c" "gehéim"' in server.commands


def test_login_disabled_and_starttls_missing(scripted_imap: ScriptedImaps) -> None:
    server = scripted_imap({"CAPABILITY": ["* CAPABILITY IMAP4rev1 LOGINDISABLED", "OK"]})
    with pytest.raises(LoginRefused, match="LOGINDISABLED"):
        ImapConnection.connect(reach(server.port))
    with pytest.raises(Unavailable, match="does not offer STARTTLS"):
        ImapConnection.connect(reach(server.port, security="starttls"))
    assert not any(command.startswith(("LOGIN", "AUTHENTICATE")) for command in server.commands)


@pytest.mark.parametrize("said", ["NO not now", CLOSE, "OK go on\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN"])
def test_starttls_never_falls_back_to_plain_text(scripted_imap: ScriptedImaps, said: str) -> None:
    offer: Lines = ["* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN", "OK"]
    server = scripted_imap({"CAPABILITY": offer, "STARTTLS": [said]})
    with pytest.raises(Unavailable):
        ImapConnection.connect(reach(server.port, security="starttls"))
    assert not any(command.startswith("AUTHENTICATE") for command in server.commands)


def test_a_preauthenticated_greeting_cannot_strip_starttls(scripted_imap: ScriptedImaps) -> None:
    with pytest.raises(Unavailable, match="skips the login and with it STARTTLS"):
        ImapConnection.connect(reach(scripted_imap({}, "* PREAUTH hello").port, security="starttls"))


@pytest.mark.parametrize(
    ("offered", "sent"),
    [
        ("AUTH=PLAIN AUTH=XOAUTH2", b"user=support\1auth=Bearer tok=en\1\1"),
        ("AUTH=OAUTHBEARER", b"n,a=support,\1auth=Bearer tok=en\1\1"),
    ],
)
@pytest.mark.parametrize("answer", ["OK in", "NO expired"])
def test_a_token_is_sent_as_the_server_knows_it(
    scripted_imap: ScriptedImaps, offered: str, sent: bytes, answer: str
) -> None:
    server = scripted_imap(
        {"CAPABILITY": [f"* CAPABILITY IMAP4rev1 {offered}", "OK"], "AUTHENTICATE": [answer]}
    )
    welcome = nullcontext() if answer == "OK in" else pytest.raises(LoginRefused, match="expired")
    with welcome:
        ImapConnection.connect(reach(server.port, oauth=Bearer("tok=en"))).close()
    assert server.secrets == [sent]


@pytest.mark.parametrize("second", ["OK in", "NO expired too"])
def test_a_token_refused_is_tried_once_more_with_a_new_one(scripted_imap: ScriptedImaps, second: str) -> None:
    rules: dict[str, Lines | list[Lines]] = {
        "CAPABILITY": ["* CAPABILITY IMAP4rev1 AUTH=XOAUTH2", "OK"],
        "AUTHENTICATE": [["NO expired"], [second]],
    }
    server = scripted_imap(rules)
    with nullcontext() if second == "OK in" else pytest.raises(LoginRefused, match="expired too"):
        ImapConnection.connect(reach(server.port, oauth=Bearer("old", "new"))).close()
    assert [b"Bearer old" in server.secrets[0], b"Bearer new" in server.secrets[1]] == [True, True]


# Answers that are not what they should be


def test_no_to_select(scripted_imap: ScriptedImaps) -> None:
    rules: dict[str, Lines | list[Lines]] = {
        "SELECT": [["NO [UNAVAILABLE] index is broken"], ["NO computer says no"], ["NO [NONEXISTENT] what?"]],
        "LIST": ['* LIST () "/" INBOX', "OK"],
    }
    with ImapConnection.connect(reach(scripted_imap(rules).port)) as imap:
        for kind in (Unavailable, Refused, FolderMissing):
            with pytest.raises(Unavailable) as caught:
                imap.select("INBOX")
            assert type(caught.value) is kind


@pytest.mark.parametrize("answer", [["OK but nothing"], ["* 3 EXISTS", "* OK [UIDVALIDITY x] what", "OK"]])
def test_select_without_facts(scripted_imap: ScriptedImaps, answer: Lines) -> None:
    with (
        ImapConnection.connect(reach(scripted_imap({"SELECT": answer}).port)) as imap,
        pytest.raises(Unavailable, match="not IMAP"),
    ):
        imap.select("INBOX")


def test_a_folder_that_may_only_be_read_can_be_read(scripted_imap: ScriptedImaps) -> None:
    facts = [
        "* 3 EXISTS",
        "* OK [UIDVALIDITY 7] ok",
        "* OK [UIDNEXT 9] ok",
        "OK [READ-ONLY] look but do not touch",
    ]
    rules: dict[str, Lines | list[Lines]] = {
        "SELECT": facts,
        "EXAMINE": facts,
        "UID STORE": ["NO you may not"],
    }
    with ImapConnection.connect(reach(scripted_imap(rules).port)) as imap:
        assert imap.select("INBOX").uidnext == 9
        with pytest.raises(Refused, match="you may not"):
            imap.mark_seen([1])


def test_search_answers_in_parts_and_with_duplicates(scripted_imap: ScriptedImaps) -> None:
    rules: dict[str, Lines | list[Lines]] = {
        "UID SEARCH": ["* SEARCH 5 3 5", "* SEARCH 9 (MODSEQ 12)", "* SEARCH", "OK"]
    }
    with ImapConnection.connect(reach(scripted_imap(rules).port)) as imap:
        imap.select("INBOX")
        assert imap.uids_after(3) == [5, 9]


def test_an_endless_search_answer_is_not_read(scripted_imap: ScriptedImaps) -> None:
    with ImapConnection.connect(
        reach(scripted_imap({"UID SEARCH": ["* SEARCH" + " 1" * 600_000, "OK"]}).port)
    ) as imap:
        imap.select("INBOX")
        with pytest.raises(Unavailable, match="line of more than"):
            imap.all_uids()


def test_no_to_a_batch_asks_one_by_one(scripted_imap: ScriptedImaps) -> None:
    got = fetched(
        scripted_imap,
        {
            "UID FETCH 1,2,4 (UID RFC822.SIZE": sized((1, 3), (2, 3), (4, 3)),
            "UID FETCH 1,2,4 (UID BODY": ["NO some of them are broken"],
            "UID FETCH 1 (UID BODY": [given(1, b"one"), "OK"],
            "UID FETCH 2 (UID BODY": ["NO this one is broken"],
            "UID FETCH 4 (UID BODY": [given(4, b"fou"), "OK"],
        },
        1,
        2,
        4,
    )
    assert [each.content for each in got] == [b"one", None, b"fou"]
    assert "this one is broken" in str(got[1].refused)
    assert not got[1].vanished


def test_throttling_is_not_one_mails_fault(scripted_imap: ScriptedImaps) -> None:
    rules: dict[str, Lines | list[Lines]] = {
        "UID FETCH 1,2 (UID RFC822.SIZE": sized((1, 3), (2, 3)),
        "UID FETCH 1,2 (UID BODY": ["NO [LIMIT] slow down"],
    }
    with pytest.raises(Unavailable, match="slow down") as caught:
        fetched(scripted_imap, rules, 1, 2)
    assert not isinstance(caught.value, Refused)


def test_nil_is_no_mail(scripted_imap: ScriptedImaps) -> None:
    rules: dict[str, Lines | list[Lines]] = {
        "UID FETCH 1,2 (UID RFC822.SIZE": sized((1, 3), (2, 3)),
        "UID FETCH 1,2 (UID BODY": [given(1, b"one"), "* 2 FETCH (UID 2 BODY[] NIL)", "OK"],
        "UID SEARCH UID 2": [["* SEARCH", "OK"], ["* SEARCH 2", "OK"]],
    }
    one, two = fetched(scripted_imap, rules, 1, 2)
    assert (one.content, two.content, two.vanished) == (b"one", None, True)
    rules["UID SEARCH UID 2"] = ["* SEARCH 2", "OK"]
    _, two = fetched(scripted_imap, rules, 1, 2)
    assert (two.vanished, two.refused) == (False, "the server lists the mail but does not give it")


def test_a_wrong_size_is_a_warning_and_the_bytes_are_right(scripted_imap: ScriptedImaps) -> None:
    content = b"From: a\r\n\r\n\x00\xff"
    rules: dict[str, Lines | list[Lines]] = {
        "UID FETCH 1 (UID RFC822.SIZE": sized((1, 99)),
        "UID FETCH 1 (UID BODY": [given(1, content), "OK"],
    }
    (one,) = fetched(scripted_imap, rules, 1)
    assert (one.content, one.complete) == (content, True)
    assert one.warning == "the server announced 99 bytes and sent 13"


def test_a_size_that_was_a_lie_does_not_pass_the_limit(scripted_imap: ScriptedImaps) -> None:
    rules: dict[str, Lines | list[Lines]] = {
        "UID FETCH 1 (UID RFC822.SIZE": sized((1, 99)),
        "UID FETCH 1 (UID BODY.PEEK[]": [given(1, b"x" * 3_000_001), "OK"],
        "UID FETCH 1 (UID BODY.PEEK[HEADER]": [given(1, b"Subject: x\r\n\r\n", "BODY[HEADER]<0>"), "OK"],
    }
    (one,) = fetched(scripted_imap, rules, 1)
    assert (one.content, one.complete) == (b"Subject: x\r\n\r\n", False)


def test_a_monstrous_literal_is_not_read(scripted_imap: ScriptedImaps) -> None:
    rules: dict[str, Lines | list[Lines]] = {
        "UID FETCH 1 (UID RFC822.SIZE": sized((1, 99)),
        "UID FETCH 1 (UID BODY": ["* 1 FETCH (UID 1 BODY[] {10000000000}", HANG],
    }
    with pytest.raises(Unavailable, match="10000000000 bytes at once"):
        fetched(scripted_imap, rules, 1)


def test_what_comes_unasked_is_nobodys_mail(scripted_imap: ScriptedImaps) -> None:
    rules: dict[str, Lines | list[Lines]] = {
        "UID FETCH 1,2 (UID RFC822.SIZE": [given(7, b"not asked for"), *sized((1, 3), (2, 3))],
        "UID FETCH 1,2 (UID BODY": [
            "* 2 FETCH (FLAGS (\\Seen))",  # without UID: a sequence number, not mail 2
            "* 1 EXPUNGE",
            given(1, b"one"),
            given(9, b"nine"),
            "OK",
        ],
    }
    one, two = fetched(scripted_imap, rules, 1, 2)
    assert (one.content, two.content, two.vanished) == (b"one", None, True)


@pytest.mark.parametrize(
    "nonsense",
    ["* 1 FETCH (UID", "* 1 FETCH 12", "* 1 FETCH (UID x BODY[] {1}\r\na)", "* 1 FETCH (UID 1 BODY[])"],
)
def test_nonsense_ends_the_connection_not_the_program(scripted_imap: ScriptedImaps, nonsense: str) -> None:
    rules: dict[str, Lines | list[Lines]] = {
        "UID FETCH 1 (UID RFC822.SIZE": sized((1, 99)),
        "UID FETCH 1 (UID BODY": [nonsense, "OK"],
    }
    with pytest.raises(Unavailable):
        fetched(scripted_imap, rules, 1)


def test_a_date_that_is_none_is_now(scripted_imap: ScriptedImaps) -> None:
    rules: dict[str, Lines | list[Lines]] = {
        "UID FETCH 1 (UID RFC822.SIZE": [
            '* 1 FETCH (UID 1 RFC822.SIZE 3 INTERNALDATE "31-Feb-0000 x")',
            "OK",
        ],
        "UID FETCH 1 (UID BODY": [given(1, b"one"), "OK"],
    }
    (one,) = fetched(scripted_imap, rules, 1)
    assert one.internal_date is not None
    assert one.internal_date.year >= 2026
