"""What an SMTP reply means: the table of phases and answers is total, and blames the right one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketd.decide.effects import MailKind
from ticketd.decide.outcome import Answer, Phase, Reply, Settle, State, Whose, judge, settled, unusable

BEFORE_MAIL = [Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.TLS, Phase.AUTH]
codes = st.one_of(st.none(), st.integers(min_value=200, max_value=599))
replies = st.builds(Reply, st.sampled_from(Phase), codes, st.text(max_size=40))


@given(replies)
def test_every_reply_has_a_verdict(reply):
    assert isinstance(judge(reply), Settle)
    assert str(reply)


@given(replies)
def test_only_an_accepted_dot_is_sent(reply):
    accepted = reply.phase is Phase.DOT and reply.answer is Answer.ACCEPT
    assert (judge(reply).state is State.SENT) == accepted


@given(replies)
def test_only_a_silent_dot_is_unsure(reply):
    silent = reply.phase is Phase.DOT and reply.code is None
    assert (judge(reply).state is State.UNSURE) == silent


@given(replies.filter(lambda reply: reply.phase in BEFORE_MAIL))
def test_nothing_before_mail_from_fails_a_row(reply):
    settle = judge(reply)
    assert settle.state is State.WAITING
    assert settle.holds_account
    assert unusable(reply)


@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA])
def test_421_is_the_hosts_trouble(phase):
    reply = Reply(phase, 421, "4.3.2 closing")
    assert judge(reply).whose is Whose.ACCOUNT
    assert unusable(reply)


@pytest.mark.parametrize(
    ("reply", "state", "whose"),
    [
        (Reply(Phase.GREETING, 554, "no service"), State.WAITING, Whose.ACCOUNT),
        (Reply(Phase.AUTH, 535, "5.7.8 bad credentials"), State.WAITING, Whose.LOGIN),
        (Reply(Phase.AUTH, 454, "4.7.0 try later"), State.WAITING, Whose.LOGIN),
        (Reply(Phase.MAIL, 530, "5.7.0 authentication required"), State.WAITING, Whose.LOGIN),
        (Reply(Phase.MAIL, 550, "5.1.8 sender refused"), State.WAITING, Whose.ACCOUNT),
        (Reply(Phase.MAIL, 552, "message size exceeds limit"), State.FAILED, Whose.MAIL),
        (Reply(Phase.MAIL, 552, "5.3.4 too big"), State.FAILED, Whose.MAIL),
        (Reply(Phase.MAIL, 450, "busy"), State.WAITING, Whose.MAIL),
        (Reply(Phase.RCPT, 450, "4.2.0 greylisted"), State.WAITING, Whose.RECIPIENT),
        (Reply(Phase.RCPT, 550, "5.1.1 no such user"), State.FAILED, Whose.RECIPIENT),
        (Reply(Phase.RCPT, None, "connection lost"), State.WAITING, Whose.MAIL),
        (Reply(Phase.DATA, 554, "no valid recipients"), State.FAILED, Whose.MAIL),
        (Reply(Phase.DOT, 421, "shutting down"), State.WAITING, Whose.MAIL),
        (Reply(Phase.DOT, 451, "later"), State.WAITING, Whose.MAIL),
        (Reply(Phase.DOT, 554, "content rejected"), State.FAILED, Whose.MAIL),
        (Reply(Phase.DOT, 250, "queued"), State.SENT, Whose.NOBODY),
    ],
)
def test_the_right_one_is_blamed(reply, state, whose):
    assert (judge(reply).state, judge(reply).whose) == (state, whose)


def test_a_policy_refusal_goes_to_the_admins_as_well():
    assert judge(Reply(Phase.DOT, 550, "5.7.1 blocked")).tell_admins
    assert not judge(Reply(Phase.DOT, 550, "5.6.0 content")).tell_admins


def test_a_refused_recipient_does_not_make_the_server_unusable():
    assert not unusable(Reply(Phase.RCPT, 550, "no"))
    assert not unusable(Reply(Phase.DOT, None))


def test_an_unsure_reply_goes_out_once_more_and_not_twice():
    silence = Reply(Phase.DOT)
    assert settled(silence, MailKind.REPLY, doubted=False).state is State.UNSURE
    assert settled(silence, MailKind.REPLY, doubted=True).state is State.FAILED


def test_an_unsure_acknowledgement_never_goes_out_again():
    assert settled(Reply(Phase.DOT), MailKind.ACKNOWLEDGEMENT, doubted=False).state is State.FAILED


def test_status_reads_only_a_whole_enhanced_code():
    assert Reply(Phase.RCPT, 550, "5.1.1 gone").status == (1, 1)
    for text in ("", "   ", "5.1", "5.1.x", "5.1.1.1", "٥.١.١", "5.1.1234 no"):
        assert Reply(Phase.RCPT, 550, text).status is None
