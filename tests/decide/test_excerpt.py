import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.excerpts.excerpt import excerpt

MARKER = "--- reply above this line ---"

ATTRIBUTIONS = {
    "en": "On Mon, Mar 3, 2025 at 10:00 AM Jane Doe <jane@example.com> wrote:",
    "de": "Am 3. März 2025 um 10:00 schrieb Jane Doe <jane@example.com>:",
    "fr": "Le 3 mars 2025 à 10:00, Jane Doe <jane@example.com> a écrit :",
    "es": "El lun, 3 mar 2025 a las 10:00, Jane Doe (<jane@example.com>) escribió:",
    "it": "Il giorno lun 3 mar 2025 alle ore 10:00 Jane Doe <jane@example.com> ha scritto:",
    "pt": "Em seg., 3 de mar. de 2025 às 10:00, Jane Doe <jane@example.com> escreveu:",
    "nl": "Op ma 3 mrt 2025 om 10:00 schreef Jane Doe <jane@example.com>:",
    "sv": "Den mån 3 mars 2025 kl 10:00 skrev Jane Doe <jane@example.com>:",
    "da": "Den man. 3. mar. 2025 kl. 10.00 skrev Jane Doe <jane@example.com>:",
    "nb": "man. 3. mars 2025 kl. 10:00 skrev Jane Doe <jane@example.com>:",
    "fi": "ma 3. maalisk. 2025 klo 10.00 Jane Doe (jane@example.com) kirjoitti:",
    "pl": "pon., 3 mar 2025 o 10:00 Jane Doe <jane@example.com> napisał(a):",
    "cs": "po 3. 3. 2025 v 10:00 odesílatel Jane Doe <jane@example.com> napsal:",
    "sk": "po 3. 3. 2025 o 10:00 Jane Doe <jane@example.com> napísal(a):",
    "ru": "пн, 3 мар. 2025 г. в 10:00, Jane Doe <jane@example.com>:",
    "uk": "пн, 3 бер. 2025 р. о 10:00 Jane Doe <jane@example.com> пише:",
    "tr": "Jane Doe <jane@example.com>, 3 Mar 2025 Pzt, 10:00 tarihinde şunu yazdı:",
    "zh": "Jane Doe <jane@example.com> 于2025年3月3日周一 10:00写道：",
    "ja": "2025年3月3日(月) 10:00 Jane Doe <jane@example.com>:",
    "ko": "2025년 3월 3일 (월) 오전 10:00, Jane Doe <jane@example.com>님이 작성:",
    "hu": "Jane Doe <jane@example.com> ezt írta (időpont: 2025. márc. 3., H, 10:00):",
    "ro": "În lun., 3 mar. 2025 la 10:00, Jane Doe <jane@example.com> a scris:",
    "el": "Στις Δευ 3 Μαρ 2025 στις 10:00, ο/η Jane Doe <jane@example.com> έγραψε:",
    "he": "‫בתאריך יום ב׳, 3 במרץ 2025 ב-10:00 מאת ‪Jane Doe‬‏ <‪jane@example.com‬‏>:‬",
    "vi": "Vào Th 2, 3 thg 3, 2025 vào lúc 10:00 Jane Doe <jane@example.com> đã viết:",
    "numeric": "2025-03-03 10:00 GMT+01:00 Jane Doe <jane@example.com>:",
}


def test_attributions_of_every_language_end_the_new_text_with_and_without_marks():
    wrong = []
    for name, line in ATTRIBUTIONS.items():
        for quote in ("> old words\n> more", "old words\nmore"):
            result = excerpt(f"New words.\n\n{line}\n\n{quote}\n")
            if result.new_text != "New words." or not result.certain:
                wrong.append((name, quote, result))
    assert not wrong


def test_a_bottom_posted_answer_and_a_signature():
    result = excerpt("Jane wrote:\n> old\n> words\n\nThe answer.\n\n-- \nBob\n")
    assert result.new_text == "The answer."
    assert result.signature == "-- \nBob"
    assert result.quoted == "Jane wrote:\n> old\n> words"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["", "words", "> old", "-- ", "On 3 March 2025 Jane wrote:", "From: a@b.test", "Sent: 3 May",
             "Subject: x", "-----Original Message-----", "Sent from my iPhone", "| card", MARKER, "_" * 30]
        )
    ),
    st.booleans(),
)  # fmt: skip
def test_no_line_is_lost_and_none_invented(lines, agent):
    result = excerpt("\n".join(lines), agent=agent, marker=MARKER)
    kept = "\n".join((result.new_text, result.quoted, result.signature)).split("\n")
    assert sorted(s.strip() for s in kept if s.strip()) == sorted(s.strip() for s in lines if s.strip())


@settings(max_examples=100, deadline=None)
@given(st.text(), st.none() | st.text(), st.booleans())
def test_never_raises(text, html, agent):
    excerpt(text, html, agent=agent, marker=MARKER, parents=[text])


OURS = "Which colour would you like us to send to you?\nPlease tell us by Friday, so that we can ship it."


def test_an_unmarked_quote_is_known_by_the_earlier_mail():
    text = f"Blue.\n\nQwe rty\n{OURS}\n"
    assert excerpt(text).new_text == text.strip()
    result = excerpt(text, parents=["Something else", OURS])
    assert result.new_text == "Blue.\n\nQwe rty"
    assert result.quoted == OURS


def test_an_unmarked_quote_is_known_when_wrapped_anew():
    wrapped = (
        "Which colour would you\nlike us to send to you? Please\ntell us by Friday, so that we\ncan ship it."
    )
    text = f"Blue.\n\n{wrapped}"
    assert excerpt(text, parents=[OURS]).new_text == "Blue."
    assert not excerpt(text, agent=True, parents=[OURS]).certain


def test_one_line_said_again_is_no_quote():
    text = "Blue.\n\nPlease tell us by Friday, so that we can ship it."
    assert excerpt(text, agent=True, parents=[OURS]).certain
    assert excerpt(text, parents=[OURS]).new_text == text


def test_a_customer_who_sends_our_text_back_keeps_it():
    assert excerpt(OURS, parents=[OURS]).new_text == OURS


def test_a_configured_disclaimer_is_cut_however_it_is_wrapped():
    disclaimer = "This mail is confidential. If you are not who it is for, forget it."
    result = excerpt(
        "Blue.\n\nPeter\n\n*This mail is confidential.\nIf you are not\nwho it is for, forget it.*\n",
        disclaimers=[disclaimer],
    )
    assert result.new_text == "Blue.\n\nPeter"
    assert result.signature.startswith("*This mail")


def test_the_authors_name_behind_a_dash_is_a_signature():
    assert excerpt("Blue.\n\n- peter", names=["Peter Pan"]).new_text == "Blue."
    assert excerpt("Blue.\n\n- peter").new_text == "Blue.\n\n- peter"


def test_line_ends_of_any_kind_are_lines():
    result = excerpt("Blue.\r\n\r\nJane wrote:\r> old\r> words\r\n")
    assert (result.new_text, result.quoted) == ("Blue.", "Jane wrote:\n> old\n> words")


@pytest.mark.parametrize("agent", [False, True])
@pytest.mark.parametrize("line", ["words and words", "> old"])
def test_what_is_too_long_to_scan_is_not_lost(line, agent):
    text = "\n".join(f"{line} {number}" for number in range(9_000))
    result = excerpt(text, agent=agent)
    kept = result.new_text or result.quoted
    assert kept == text
    assert result.certain is (not agent and line != "> old")


def test_a_long_quote_below_a_boundary_stays_quoted():
    text = "Blue.\n\n" + ATTRIBUTIONS["en"] + "\n" + "old words\n" * 20_000
    assert excerpt(text).new_text == "Blue."


@pytest.mark.parametrize(
    "line",
    [
        "--- Write your answer above this line ---",
        "> | --- Write your answer above this line ---",
        "\u2014 Write your answer\xa0above this line \u2014",
        "--- Write your answer\nabove this line ---",
    ],
)
def test_our_marker_ends_the_new_text_whatever_a_client_made_of_it(line):
    text = f"Hello Jane.\n\n{line}\n| #solved\nTicket 42"
    result = excerpt(text, agent=True, marker="--- Write your answer above this line ---")
    assert result.new_text == "Hello Jane." or not result.certain
    assert result.certain is (">" not in line)


def test_an_agents_words_below_a_false_attribution_are_held_not_lost():
    text = "Hello.\n\nOn 3 March 2025 at 10:00 our technician wrote:\n\nit works\n\nSo all is well."
    assert not excerpt(text, agent=True, marker=MARKER).certain


def test_a_card_below_a_rule_is_a_signature_if_it_names_the_author():
    text = "Blue.\n\n---\nPeter\nPan Ltd, 1 High Street\n"
    assert excerpt(text, names=["Peter Pan"]).new_text == "Blue."
    assert excerpt(text, names=["Nora Lind"]).new_text == text.strip()


def test_things_below_a_rule_are_text():
    text = "We need:\n\n---\nPrinter X200\nwww.shop.example/x200"
    assert excerpt(text).new_text == text
