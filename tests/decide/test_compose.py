from dataclasses import replace
from email.header import decode_header, make_header
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.decide.letters import JANE, JOE, NOW, entry, part, policy, read, ticket
from ticketd.decide import tokens
from ticketd.decide.context import History, Waiting
from ticketd.decide.effects import MailKind
from ticketd.decide.excerpts.excerpt import excerpt
from ticketd.decide.model import Address, Attachment, Kind, Purpose, Status
from ticketd.decide.reading.htmltext import html_to_text
from ticketd.decide.writing import compose
from ticketd.errors import TicketdError

ANNA = Address("anna@private.example.com", "Anna")
REPLY = entry("Hello Jane,\n\nit is out.", Kind.REPLY, ANNA, message_id=None, subject="")
THEIRS = entry(references=("<a0@example.org>",))
ROOT = tokens.root_id(policy(), 42, "example.com")


def relay(p=None, t=None, reply=REPLY, agent="anna", answering=THEIRS, cause="ledger:1"):
    p = p or policy()
    mail, message_id = compose.relay(p, t or ticket(), reply, p.agents.get(agent), answering, cause, NOW)
    assert mail.message_id == message_id
    return mail


def tell(p=None, t=None, e=None, agent="anna", **options):
    p = p or policy()
    return compose.notification(
        p, t or ticket(), None, e or entry(), p.agents[agent], "Jane wrote.", "ledger:1", NOW, **options
    )


def header(message, name):
    return str(make_header(decode_header(message[name])))


class TestRelay:
    def test_goes_from_the_desk_to_all_participants(self):
        mail = relay()
        message = read(mail)
        assert message["From"] == "Anna at Example Support <support@example.com>"
        assert message["To"] == "Jane Doe <Jane@Example.org>"
        assert header(message, "Cc") == "Żółw, Joe <joe@example.net>"
        assert mail.recipients == ("Jane@Example.org", "joe@example.net")
        assert (mail.kind, mail.author) == (MailKind.REPLY, "anna@private.example.com")

    def test_stands_in_the_customers_own_thread(self):
        message = read(relay())
        assert message["In-Reply-To"] == "<a1@example.org>"
        assert message["References"].split() == [ROOT, "<a0@example.org>", "<a1@example.org>"]
        assert message["Subject"] == "Re: Printer on fire"

    def test_is_a_persons_mail(self):
        names = {name.lower() for name in read(relay())}
        assert not names & {
            "auto-submitted",
            "precedence",
            "x-auto-response-suppress",
            "x-ticketd-ticket",
            "reply-to",
        }
        assert "x-ticketd-loop" in names

    def test_holds_the_new_text_and_the_signature_alone(self):
        message = read(relay())
        assert part(message, "text/plain").rstrip("\n") == "Hello Jane,\n\nit is out.\n\n-- \nYours"
        assert "Hello Jane,<br>\n<br>\nit is out." in part(message, "text/html")

    def test_never_to_agents_nor_to_ourselves(self):
        people = (JANE, ANNA, Address("SUPPORT@example.com"), JOE, Address("no address"), JANE)
        assert relay(t=ticket(participants=people)).recipients == ("Jane@Example.org", "joe@example.net")

    def test_nobody_to_send_to_is_an_error(self):
        with pytest.raises(ValueError, match="nobody"):
            relay(t=ticket(requester=None, participants=(ANNA,)))

    def test_without_an_agent_it_comes_from_the_mailbox(self):
        assert read(relay(agent="nobody"))["From"] == "Example Support <support@example.com>"

    def test_a_new_manual_ticket_starts_a_thread(self):
        message = read(relay(answering=None))
        assert message["Subject"] == "Printer on fire"
        assert message["In-Reply-To"] is None
        assert message["References"] == ROOT

    @pytest.mark.parametrize(
        ("theirs", "expected"),
        [
            ("Printer", "Re: Printer"),
            ("re: RE : Aw: Re[2]: Printer", "Re: Printer"),
            ("Fwd: Printer", "Re: Fwd: Printer"),
            ("[#7] Other desk", "Re: [#7] Other desk"),
            ("Reprint", "Re: Reprint"),
            ("[#42.r.abcdefgh.abcdefghabcdefgh] Printer", "Re: Printer"),
        ],
    )
    def test_exactly_one_re(self, theirs, expected):
        assert read(relay(answering=replace(THEIRS, subject=theirs)))["Subject"] == expected

    def test_the_tag_only_where_it_is_wanted(self):
        tagged = policy(subject_tag=True)
        assert read(relay(tagged))["Subject"] == "Re: Printer on fire [#42]"
        again = replace(THEIRS, subject="Re: Printer on fire [#42]")
        assert read(relay(tagged, answering=again))["Subject"] == "Re: Printer on fire [#42]"

    def test_files_go_along_but_inline_pictures_do_not(self):
        files = (
            Attachment("Rechnung für Jane.pdf", "application/pdf", b"\x00\r\n\xff"),
            Attachment("logo.png", "image/png", b"png", inline=True),
        )
        found = [
            one for one in read(relay(reply=replace(REPLY, attachments=files))).walk() if one.get_filename()
        ]
        assert [one.get_payload(decode=True) for one in found] == [b"\x00\r\n\xff"]
        assert found[0].get_filename() == "Rechnung für Jane.pdf"

    def test_signed_ids_never_leave(self):
        p = policy()
        token = tokens.mint(p, Purpose.REPLY, 42, "anna@private.example.com", "x")
        secrets = [
            tokens.message_id(p, token, "example.com"),
            tokens.reply_address(p, token, p.mailboxes["support"]),
            tokens.subject_code(p, token),
        ]
        theirs = replace(
            THEIRS, references=(secrets[0], "<a0@example.org>"), subject=f"Re: {secrets[2]} Printer"
        )
        mail = relay(reply=replace(REPLY, new_text=f"see {' and '.join(secrets)}"), answering=theirs)
        assert token.serial.encode() not in mail.content

    def test_references_stay_short_and_keep_the_ends(self):
        many = tuple(f"<{'x' * 60}.{number}@example.org>" for number in range(200))
        message = read(relay(answering=replace(THEIRS, references=(*many, "<bad\r\nX-Evil: 1@x>"))))
        ids = message["References"].split()
        assert (ids[0], ids[-1], ids[-2]) == (ROOT, "<a1@example.org>", many[-1])
        assert len(message["References"]) <= 2048
        assert message["X-Evil"] is None

    def test_the_same_cause_gives_the_same_bytes(self):
        assert relay() == relay()
        assert relay().message_id != relay(cause="ledger:2").message_id

    def test_a_mailbox_that_is_gone_is_named(self):
        with pytest.raises(TicketdError, match="'sales'"):
            relay(t=ticket(mailbox="sales"))


class TestAcknowledgement:
    def test_quotes_nothing_and_says_that_it_is_automatic(self):
        theirs = entry(
            "Buy pills", subject="Cheap pills", author=Address("victim@example.org", "Cheap pills")
        )
        mail = compose.acknowledgement(policy(), ticket(subject="Cheap pills"), theirs, "ledger:1", NOW)
        message = read(mail)
        assert b"pills" not in mail.content.lower()
        assert header(message, "Subject") == "We have your message – Example Support"
        assert message["Auto-Submitted"] == "auto-replied"
        assert message["X-Auto-Response-Suppress"] == "All"
        assert message["Precedence"] == "bulk"
        assert message["In-Reply-To"] == "<a1@example.org>"
        assert mail.recipients == ("victim@example.org",)


class TestNotification:
    def test_to_one_agent_and_answered_to_the_desk(self):
        mail = tell()
        message = read(mail)
        assert message["From"] == "Jane Doe via Example Support <support@example.com>"
        assert message["To"] == "Anna <anna@private.example.com>"
        assert message["Cc"] is None
        assert message["Reply-To"] == "support@example.com"
        assert mail.recipients == ("anna@private.example.com",)
        head = mail.content.partition(b"\r\n\r\n")[0]
        assert b"jane@example.org" not in head.lower()

    def test_the_signed_address_where_the_mailbox_takes_it(self):
        p = policy(plus_addressing=True)
        mail = tell(p)
        assert read(mail)["Reply-To"] == tokens.reply_address(p, mail.token, p.mailboxes["support"])

    def test_its_own_id_and_the_root_thread_it(self):
        mail = tell()
        message = read(mail)
        assert message["References"].split() == [mail.message_id, ROOT]
        assert message["In-Reply-To"] == ROOT
        assert message["X-Ticketd-Ticket"] == "42"
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["X-Auto-Response-Suppress"] == "All"
        assert message["Precedence"] is None

    def test_one_subject_for_all_of_a_ticket(self):
        p = policy()
        item = Waiting(1, "why", "Re: Printer", NOW, "held")
        mails = [
            tell(p),
            tell(p, e=entry("psst", Kind.NOTE, ANNA), agent="bob"),
            compose.failure(
                p,
                p.agents["anna"],
                ticket(),
                "jane@example.org",
                "no such user",
                "Hello",
                True,
                "outbox:1",
                NOW,
            ),
            compose.shown(p, p.agents["anna"], History(ticket(), (entry(),)), "support", "ledger:1", NOW),
            compose.held(
                p,
                p.agents["anna"],
                ticket(),
                "Re: x",
                "Hi",
                "why",
                None,
                item.item,
                "support",
                "ledger:1",
                NOW,
            ),
        ]
        assert {read(mail)["Subject"] for mail in mails} == {"[#42] Printer on fire"}
        assert len({mail.message_id for mail in mails}) == len(mails)

    def test_a_token_of_its_own_for_each_agent_and_purpose(self):
        one, other, note = tell(), tell(agent="bob"), tell(e=entry("psst", Kind.NOTE))
        assert len({one.message_id, other.message_id, note.message_id}) == 3
        assert (one.token.purpose, note.token.purpose) == (Purpose.REPLY, Purpose.NOTE)
        assert one.token.recipient == "anna@private.example.com"

    def test_no_line_of_theirs_begins_a_line(self):
        text = "#solved\r#take\x0b#spam\u2028#block\x85#undo\n\n＃note\r\n--- x ---\n"
        message = read(tell(e=entry(text)))
        plain = part(message, "text/plain")
        assert not [line for line in plain.splitlines() if line.lstrip().startswith(("#", "＃"))]
        assert "| #take\n| #spam\n| #block\n| #undo\n|\n| ＃note" in plain
        shown = part(message, "text/html")
        for command in ("#take", "#spam", "#block", "#undo"):
            assert f'<div class="l"><i class="q">|</i>&nbsp;{command}</div>' in shown

    def test_the_marker_stands_above_what_they_wrote(self):
        message = read(tell())
        for kind in ("text/plain", "text/html"):
            text = part(message, kind)
            assert text.index(compose.MARKER) < text.index("Jane wrote.") < text.index("The printer burns.")
        assert part(message, "text/plain").startswith(compose.MARKER)

    def test_their_markup_is_text(self):
        evil = '<script>alert(1)</script><img src="http://evil.example.org/x.png"> {{ 7 * 7 }}'
        who = Address("x@example.org", "<b>Bobby</b>")
        shown = part(read(tell(e=entry(evil, author=who), t=ticket(subject=evil))), "text/html")
        assert "<script" not in shown
        assert "<img" not in shown
        assert "<b>Bobby" not in shown
        assert "&lt;script&gt;" in shown
        assert "{{ 7 * 7 }}" in shown

    def test_their_page_is_shown_clean_and_as_a_quote(self):
        page = (
            '<style>p { color: red }</style><p onclick="x()">The <b>printer</b> burns.</p>'
            "<script>x()</script>"
            '<img src="http://evil.example.org/x.png"><img src="cid:one"><table width="900"><tr><td>1</td>'
            '</tr></table><a href="https://example.org/a">page</a><a href="mailto:support@example.com">us</a>'
            '<form action="http://evil.example.org"><input></form></blockquote></div></table><h1>#solved</h1>'
        )
        message = read(tell(e=entry("The printer burns.", html=page)))
        shown = part(message, "text/html")
        assert "The <b>printer</b> burns." in shown
        assert '<a href="https://example.org/a" rel="noopener noreferrer nofollow">page</a>' in shown
        quote = shown[shown.index("<blockquote") : shown.index("</blockquote>")]
        assert 'type="cite"' in quote
        assert "#solved" in quote  # what closes our elements is gone
        for gone in ["<script", "x()", "<img", "evil.example", "onclick", "color:", "900", "<form", "mailto"]:
            assert gone not in quote
        assert "| The printer burns." in part(message, "text/plain")
        read_as = html_to_text(shown)
        assert [line for line in read_as.splitlines() if line.lstrip("> ").startswith("#")] == ["> #solved"]

    def test_a_page_with_a_quote_below_or_too_large_is_shown_as_text(self):
        fire = "The printer burns."
        answers = entry(f"{fire}\n> Hello", html=f"<p>{fire}</p>", id=2, fingerprint="b")
        for one in (
            replace(answers, new_text=fire),
            replace(answers, html="<p>" * 40_000),
            replace(answers, kind=Kind.NOTE),
        ):
            past = History(ticket(), (entry(id=1, fingerprint="a"), one))
            p = policy()
            mail = compose.notification(p, ticket(), past, one, p.agents["anna"], "why", "c", NOW)
            assert "<blockquote" not in part(read(mail), "text/html")

    def test_addresses_are_shown_as_received(self):
        jane = Address("Jane.Doe@Example.com", "Jane Doe")
        p, t = policy(), ticket(requester=jane, participants=(jane, Address("LEE@example.org")))
        mails = [
            tell(p, t, entry(author=jane)),
            compose.shown(p, p.agents["anna"], History(t, (entry(author=jane),)), "support", "c", NOW),
        ]
        for mail in mails:
            text = part(read(mail), "text/plain")
            assert "Requester  Jane.Doe@Example.com (Jane Doe)" in text
            assert "LEE@example.org" in text
        mail = compose.listing(p, p.agents["anna"], "mine", [t], "support", "c", NOW)
        assert "Jane.Doe@Example.com" in part(read(mail), "text/plain")

    def test_all_their_files_go_along_until_there_are_too_many(self):
        big = Attachment("film.mp4", "video/mp4", b"x" * 9_000_000)
        files = (
            replace(big, filename="first.mp4"),
            big,
            Attachment("dot.png", "image/png", b"png", inline=True),
        )
        message = read(tell(e=entry(attachments=files)))
        assert [one.get_filename() for one in message.walk() if one.get_filename()] == [
            "first.mp4",
            "dot.png",
        ]
        assert "Not sent along, kept with the ticket: film.mp4 (9.0 MB)" in part(message, "text/plain")

    def test_the_card_tells_how_the_ticket_stands(self):
        t = ticket(
            assignee="bob@private.example.com",
            tags=("refund",),
            suggested=(Address("carl@example.net", "Carl"),),
        )
        text = part(read(tell(t=t)), "text/plain")
        for piece in (
            "Ticket 42",
            "Status     open",
            "Priority   urgent",
            "Assignee   Bob",
            "Due        next reply due in 2 h (2026-11-23 14:10 UTC)",
            "Requester  Jane@Example.org (Jane Doe)",
            "With       joe@example.net (Żółw, Joe)",
            "Tags       refund",
            "carl@example.net (Carl): begin with #cc carl@example.net",
        ):
            assert piece in text

    def test_deceptive_names_are_shown_for_what_they_are(self):
        who = Address("x@xn--80ak6aa92e.example.org", "anna@\u202eexample.com\u200b\n")
        text = part(read(tell(e=entry(author=who), t=ticket(requester=who))), "text/plain")
        assert "Requester  x@xn--80ak6aa92e.example.org (anna@example.com)" in text
        assert (
            "! The sender calls themselves anna@example.com, but the address is x@xn--80ak6aa92e.example.org."
            in text
        )
        assert read(tell(e=entry(author=who)))["From"] == "x via Example Support <support@example.com>"

    def test_the_first_mail_is_shown_whole_and_later_ones_without_quotes(self):
        e = entry("See below\n-----\nforwarded words", new_text="See below", id=0)
        assert "forwarded words" in part(read(tell(e=e)), "text/plain")
        p, older = policy(), entry("older", id=1, fingerprint="f")
        mail = compose.notification(
            p, ticket(), History(ticket(), (older,)), e, p.agents["anna"], "x", "c", NOW
        )
        assert "forwarded words" not in part(read(mail), "text/plain")

    def test_the_conversation_for_one_who_is_new(self):
        earlier = (entry("first words"), entry("a secret", Kind.NOTE, ANNA))
        text = part(read(tell(conversation=earlier)), "text/plain")
        assert text.index("| The printer burns.") < text.index("| first words") < text.index("| a secret")

    def test_without_an_entry_it_tells_the_reason(self):
        p = policy()
        mail = compose.notification(
            p, ticket(), None, None, p.agents["anna"], "Ticket 42 is due in 30 min.", "sla:1", NOW
        )
        assert "Ticket 42 is due in 30 min." in part(read(mail), "text/plain")

    @pytest.mark.parametrize("plus", [True, False])
    def test_each_link_is_a_mail_that_proves_its_agent(self, plus):
        p = policy(plus_addressing=plus)
        mail = tell(p)
        text = part(read(mail), "text/plain")
        links = [urlsplit(line.split("<")[1].rstrip(">")) for line in text.splitlines() if "<mailto:" in line]
        bodies = {parse_qs(link.query)["body"][0].strip() for link in links}
        assert {"#take", "#pending", "#solved", "#note", "#show"} <= bodies
        desk = p.mailboxes["support"]
        for link in links:
            subject = parse_qs(link.query)["subject"][0]
            if plus:
                assert unquote(link.path) == tokens.reply_address(p, mail.token, desk)
            else:
                assert unquote(link.path) == "support@example.com"
                assert tokens.subject_code(p, mail.token) in subject

    def test_the_links_fit_the_ticket(self):
        t = ticket(status=Status.SOLVED, assignee="anna@private.example.com", requester=None)
        text = part(read(tell(t=t)), "text/plain")
        assert "#take" not in text.split("Ready mails")[1].replace("%23", "#")
        for command in ("%23unassign", "%23open", "%23requester"):
            assert command in text


class TestQuestions:
    def test_parked_mails_are_numbered_and_not_shown(self):
        p = policy()
        items = [
            Waiting(7, "it answers no mail of ours", "P" * 200, NOW, "parked"),
            Waiting(9, "no", "B", NOW, "parked"),
        ]
        mail = compose.question(p, p.agents["anna"], items, "support", "ask:1", NOW)
        text = part(read(mail), "text/plain")
        assert mail.items == (7, 9)
        assert (mail.token.purpose, mail.token.ticket) == (Purpose.QUESTION, 0)
        assert '2. "B"' in text
        assert "P" * 81 not in text
        assert "#yes 2" in text

    def test_a_held_mail_comes_back_with_what_can_be_done(self):
        p = policy()
        mail = compose.held(
            p,
            p.agents["anna"],
            ticket(),
            "Re: Printer",
            "#slved\nHi",
            "#slved is no command.",
            "#solved",
            7,
            "support",
            "c",
            NOW,
        )
        text = part(read(mail), "text/plain")
        assert mail.items == (7,)
        assert (mail.ticket, mail.token.ticket, mail.token.purpose) == (42, 0, Purpose.QUESTION)
        for piece in (
            "#slved is no command.",
            "Did you mean #solved?",
            "| #slved\n| Hi",
            "%23yes",
            "%23note",
            "%23no%",
        ):
            assert piece in text

    def test_only_the_choices_that_make_sense(self):
        p = policy()
        mail = compose.held(
            p, p.agents["anna"], None, "x", "Hi", "why", None, 0, "support", "c", NOW, choices=("no",)
        )
        text = part(read(mail), "text/plain")
        assert "%23yes" not in text
        assert "%23no%" in text


class TestFailureListAndHelp:
    def test_a_failure_gives_the_words_back(self):
        p = policy()
        mail = compose.failure(
            p,
            p.agents["anna"],
            ticket(),
            "jane@example.org",
            "550 no such user",
            "Hello\nJane",
            True,
            "o",
            NOW,
        )
        text = part(read(mail), "text/plain")
        assert "jane@example.org did not get this reply: 550 no such user" in text
        assert "| Hello\n| Jane" in text
        assert mail.token.purpose is Purpose.REPLY

    def test_a_list_shows_each_ticket_with_a_link_to_it(self):
        p = policy()
        mail = compose.listing(p, p.agents["anna"], "mine", [ticket(), ticket(id=43)], "support", "c", NOW)
        text = part(read(mail), "text/plain")
        assert (mail.token.purpose, mail.token.ticket) == (Purpose.LIST, 0)
        for piece in ("   42  Printer on fire", "Jane@Example.org · open · urgent · nobody", "%23show%2043"):
            assert piece in text

    def test_show_tells_notes_too_and_is_answered_in_private_where_it_does(self):
        p = policy()
        entries = (entry(), entry("psst", Kind.NOTE, ANNA))
        mail = compose.shown(p, p.agents["anna"], History(ticket(), entries), "support", "c", NOW)
        assert "| psst" in part(read(mail), "text/plain")
        assert "Your answer will be a note" in part(read(mail), "text/plain")
        assert (mail.token.purpose, mail.token.ticket) == (Purpose.NOTE, 42)
        mail = compose.shown(p, p.agents["anna"], History(ticket(), entries[:1]), "support", "c", NOW)
        assert "Your answer will go to Jane Doe" in part(read(mail), "text/plain")
        assert mail.token.purpose is Purpose.REPLY

    def test_help_and_alert(self):
        p = policy()
        assert "#snooze" in part(
            read(compose.help_text(p, p.agents["anna"], "support", "c", NOW)), "text/plain"
        )
        mail = compose.alert(
            p, "ops@example.com", "support", "login\r\nBcc: x@y", "It was refused.", "c", NOW
        )
        assert read(mail)["Bcc"] is None
        assert read(mail)["Subject"] == "[ticketd] login Bcc: x@y"


OWN_WORDS = "#solved\n\nHello Jane, it is out.\n\nAnna"
OWN_HTML = "<div>#solved</div><div><br></div><div>Hello Jane, it is out.</div><div><br></div><div>Anna</div>"
WROTE = "On Mon, Nov 23, 2026 at 1:10 PM Example Support <support@example.com> wrote:"
BLOCK = "From: Example Support\nSent: Monday, November 23, 2026\nTo: Anna\nSubject: [#42] Printer on fire"


def _answers(mail):
    """The ways in which mail clients set an agent's words over, under or before a mail of ours."""
    text, html = part(read(mail), "text/plain"), part(read(mail), "text/html")
    marked = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
    inner = html[html.index("<body") :].partition(">")[2].partition("</body>")[0]
    block = BLOCK.replace("\n", "<br>")
    yield f"{OWN_WORDS}\n\n{WROTE}\n\n{marked}\n", None
    yield f"{WROTE}\n\n{marked}\n\n{OWN_WORDS}\n", None
    yield f"{OWN_WORDS}\n\n-----Original Message-----\n{BLOCK}\n\n{text}", None
    yield f"{OWN_WORDS}\n\n{text}", None
    for page in (
        f"{OWN_HTML}<hr><div>{block}</div>{inner}",
        f"{OWN_HTML}<div class=gmail_quote>{WROTE}<blockquote>{inner}</blockquote></div>",
        f"{OWN_HTML}<br>{inner}",
        f"<blockquote type=cite>{inner}</blockquote>{OWN_HTML}",
    ):
        yield html_to_text(page), page


def test_of_an_answer_to_any_mail_of_ours_the_agents_words_alone_are_new():
    p = policy()
    anna = p.agents["anna"]
    items = [Waiting(number, "why", "Printer", NOW, "parked") for number in (1, 2)]
    mails = [
        tell(p, conversation=(entry("first words"),)),
        tell(p, e=entry("#spam\n\nThe printer burns.", html="<p>#spam</p><p>The <b>printer</b> burns.</p>")),
        compose.failure(p, anna, ticket(), "jane@example.org", "no", "Hello", True, "o", NOW),
        compose.question(p, anna, items, "support", "c", NOW),
        compose.held(p, anna, ticket(), "x", "Hi", "why", "#solved", 1, "support", "c", NOW),
        compose.listing(p, anna, "mine", [ticket()], "support", "c", NOW),
        compose.shown(p, anna, History(ticket(), (entry(),)), "support", "c", NOW),
        compose.help_text(p, anna, "support", "c", NOW),
    ]
    for mail in mails:
        for text, html in _answers(mail):
            read_back = excerpt(text, html, agent=True, marker=compose.MARKER, parents=(entry().new_text,))
            assert read_back.new_text.strip() == OWN_WORDS
            assert read_back.certain
