"""Anything in any order: no customer ever gets what is internal, and every mail ends in the ledger once.

Hypothesis plays customers, agents, robots and forgers on one desk. ``TICKETD_ABUSE_EXAMPLES``
sets how many sequences; few are played unless asked.
"""

from __future__ import annotations

import os
import re
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ticketd.decide.effects import MailKind

from .conftest import Make
from .kit import AGENTS, DESK, SECRET, Desk, everything, holds_agents_token, text_of

EXAMPLES = int(os.environ.get("TICKETD_ABUSE_EXAMPLES", "8"))
STEPS = 14
CUSTOMERS = ("jane", "lee")
STRANGERS = ("mallory@evil.test", "Anna <mallory@evil.test>", "anna@example.com, mallory@evil.test", DESK)
COMMANDS = (
    "#solved",
    "#open",
    "#pending.",
    "#assign bob",
    "#take",
    "#unassign",
    "#urgent",
    "#tag +refund",
    "#cc lee@example.org",
    "#cc eve@example.net",
    "#uncc lee@example.org",
    "#requester jane@example.org",
    "#subject Renamed",
    "#merge 1",
    "#snooze 2d",
    "#canned refund",
    "＃urgent",
    "#spam",
    "#block",
    "#undo",
    "#split",
    "#show",
    "#list mine",
    "#yes",
    "#no",
    "#slved",
)
ROBOTS: tuple[dict[str, str], ...] = (
    {"Auto_Submitted": "auto-replied"},
    {"Precedence": "bulk"},
    {"Return_Path": "<>"},
    {"X_Autoreply": "yes"},
    {"Subject": "Automatic reply: away"},
    {"Content_Type": 'multipart/report; report-type=disposition-notification; boundary="b"'},
)
QUOTES = ("none", "marked", "outlook", "bare")
AUTOMATIC = (MailKind.ACKNOWLEDGEMENT,)

persons = st.sampled_from(CUSTOMERS)
agents = st.sampled_from(("anna", "bob"))
blocks = st.lists(st.sampled_from(COMMANDS), max_size=3, unique=True)
quotes = st.sampled_from(QUOTES)


class Privacy(RuleBasedStateMachine):
    """One desk; everybody writes to it in any order."""

    make: Make

    @initialize(plus=st.booleans(), acknowledge=st.booleans())
    def begin(self, plus: bool, acknowledge: bool) -> None:
        self.desk: Desk = self.make(plus_addressing=plus, acknowledge=acknowledge, subject_tag=plus)
        self.said = 0
        self.checked = 0
        self.came = 5
        self.secrets = [SECRET]

    def words(self, what: str) -> str:
        self.said += 1
        return f"{what} number {self.said} of this long story."

    def mail(self, author: str, body: str, **fields: Any) -> None:
        self.came += 1
        self.desk.mail(author, body, **fields)

    def answer(self, person: str, body: str, quote: str = "none", **fields: Any) -> None:
        """Answer the last mail that this person got, quoting it; without one, just write."""
        address = f"{person}@example.{'com' if person in ('anna', 'bob') else 'org'}"
        mine = [mail for row, mail in self.desk.mails() if row["to"] == address]
        if not mine:
            return self.mail(address, body)
        got, text = mine[-1], text_of(mine[-1])
        head = f"On Mon, Nov 23, 2026 at 9:00 AM {got['From']} wrote:"
        quoted = {
            "none": "",
            "marked": f"\n\n{head}\n" + "\n".join(f"> {line}" for line in text.splitlines()),
            "outlook": f"\n\n________________________________\nFrom: {got['From']}\nSent: Monday\n"
            f"To: {got['To']}\nSubject: {got['Subject']}\n\n{text}",
            "bare": f"\n\n{text}",
        }[quote]
        self.came += 1
        self.desk.answer(person, body + quoted, **fields)
        return None

    @rule(person=persons, quote=quotes, commands=blocks)
    def customer_writes(self, person: str, quote: str, commands: list[str]) -> None:
        self.answer(person, "\n".join((*commands, "", self.words("A customer's line"))), quote)

    @rule(person=persons, cc=st.sampled_from((None, "eve@example.net", "lee@example.org, anna@example.com")))
    def customer_begins(self, person: str, cc: str | None) -> None:
        self.mail(
            f"{person}@example.org", self.words("A customer's beginning"), Cc=cc, Subject=self.words("On")
        )

    @rule(agent=agents, quote=quotes, commands=blocks)
    def agent_replies(self, agent: str, quote: str, commands: list[str]) -> None:
        self.answer(agent, "\n".join((*commands, "", self.words("An agent's line"))), quote)

    @rule(agent=agents, quote=quotes, commands=blocks)
    def agent_notes(self, agent: str, quote: str, commands: list[str]) -> None:
        secret = self.words("A secret kept among us")
        self.secrets.append(secret)
        self.answer(agent, "\n".join((*commands, "#note", "", secret)), quote)

    @rule(agent=agents)
    def agent_notes_beside_a_reply(self, agent: str) -> None:
        secret = self.words("A secret kept beside a reply")
        self.secrets.append(secret)
        self.answer(agent, f"#note: {secret}\n\n{self.words('A public line')}")

    @rule(agent=agents, quote=quotes, commands=blocks)
    def agent_commands(self, agent: str, quote: str, commands: list[str]) -> None:
        self.answer(agent, "\n".join(commands), quote)

    @rule(agent=agents)
    def agent_quotes_a_note(self, agent: str) -> None:
        """A note of the same ticket: what another ticket's say, the desk cannot know to be meant."""
        address = f"{agent}@example.com"
        got = [str(mail["Subject"]) for row, mail in self.desk.mails() if row["to"] == address][-1]
        found = re.match(r"\[#(\d+)\]", got)
        said = self.desk.ticket(int(found[1]))["messages"] if found else []
        notes = [one["new_text"] for one in said if one["kind"] == "note"]
        if notes:
            self.answer(agent, f"{self.words('As you see')}\n\n{notes[-1]}")

    @rule(agent=agents, number=st.integers(1, 3))
    def agent_writes_anew(self, agent: str, number: int) -> None:
        subject = (f"[#{number}] Printer", "Printer", f"Re: [#{number}] Printer")[number % 3]
        self.mail(
            f"{agent}@example.com", f"#requester lee@example.org\n\n{self.words('New')}", Subject=subject
        )

    @rule(agent=agents, word=st.sampled_from(("#yes", "#no", "#note")), quote=quotes)
    def agent_answers_a_question(self, agent: str, word: str, quote: str) -> None:
        questions = [mail for row, mail in self.desk.mails() if row["kind"] == "question"]
        mine = [mail for mail in questions if f"{agent}@example.com" in str(mail["To"])]
        if mine and not (word == "#yes" and self.confirms_a_secret(mine[-1])):
            token = str(mine[-1]["Message-ID"])
            self.mail(f"{agent}@example.com", word, In_Reply_To=token, References=token)

    def confirms_a_secret(self, question: Any) -> bool:
        """Whether an agent would say: send it although it is a secret. That word is theirs to give."""
        return "not sent" in str(question["From"]).lower()

    @rule(who=st.sampled_from(("jane", "anna", "bob")), robot=st.sampled_from(ROBOTS))
    def robot_answers(self, who: str, robot: dict[str, str]) -> None:
        self.answer(who, f"#solved\n\n{self.words('A robot away')}", **robot)

    @rule(who=st.sampled_from(STRANGERS), agent=agents, data=st.data())
    def forger_writes(self, who: str, agent: str, data: st.DataObject) -> None:
        mails = self.desk.mails()
        _, stolen = mails[data.draw(st.integers(0, len(mails) - 1))]
        token = str(stolen["Message-ID"])
        body = f"#solved\n#cc mallory@evil.test\n\n{self.words('A forgery')}"
        self.mail(
            who, body, In_Reply_To=token, References=str(stolen["References"]), Reply_To="anna@example.com"
        )

    @rule(agent=agents)
    def forger_claims_to_be_an_agent(self, agent: str) -> None:
        subject = "Re: [#1] Printer on fire"
        self.mail(f"{agent}@example.com", f"#solved\n\n{self.words('A forgery')}", Subject=subject)

    @rule(data=st.data())
    def mail_comes_back(self, data: st.DataObject) -> None:
        mails = self.desk.mails()
        self.came += 1
        self.desk.send(mails[data.draw(st.integers(0, len(mails) - 1))][1].as_bytes())

    @invariant()
    def customers_get_nothing_internal(self) -> None:
        mails = self.desk.mails()
        for row, mail in mails[self.checked :]:
            if row["to"] not in AGENTS:
                self.check(row, mail)
        self.checked = len(mails)

    def check(self, row: dict[str, Any], mail: Any) -> None:
        whole = everything(mail)
        lowered = whole.lower()
        assert not any(secret in " ".join(whole.split()) for secret in self.secrets)
        assert not any(address in lowered for address in AGENTS)
        assert not holds_agents_token(whole)
        assert mail["X-Ticketd-Ticket"] is None
        assert mail["Bcc"] is None
        assert (mail["Auto-Submitted"] is not None) is (row["kind"] in AUTOMATIC)
        assert not any(line.lstrip("\u200b ").startswith(("#", "＃")) for line in text_of(mail).splitlines())
        assert "mallory" not in row["to"] or "forgery" not in lowered
        assert "Write your answer above" not in whole

    @invariant()
    def every_mail_has_one_outcome(self) -> None:
        outcomes = [row[0] for row in self.desk.ledger()]
        assert len(outcomes) == self.came
        assert "received" not in outcomes
        assert all(outcomes)


def test_nobody_ever_gets_what_is_internal(busy: Make, pool: list[Desk], peopled: Any) -> None:
    from .conftest import _maker

    Privacy.make = staticmethod(lambda **mailbox: _maker(pool, peopled)(**mailbox))  # type: ignore[assignment]
    run_state_machine_as_test(
        Privacy,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],  # a sequence as found is short enough to read
        ),
    )
