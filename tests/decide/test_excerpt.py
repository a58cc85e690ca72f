from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.excerpt import excerpt

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
