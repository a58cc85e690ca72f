from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketd.decide.excerpts.forwarded import find_forwarded, is_forward
from ticketd.decide.model import Address, Message

GMAIL = """\
#fwd

---------- Forwarded message ---------
From: Jane Doe <jane@example.com>
Date: Mon, Mar 3, 2025 at 10:00 AM
Subject: Printer on fire
To: <support@example.org>


It burns.
> Really?
"""
OUTLOOK = """\
Von: Jane Doe [mailto:jane@example.com]
Gesendet: Montag, 3. März 2025 10:00
An: Support; Bob Roe <bob@example.test>
Betreff: Printer on fire

It burns.
> Really?
"""
APPLE = """\
Please see below.

Begin forwarded message:

> From: Jane Doe <jane@example.com>
> Subject: Printer on fire
> Date: 3 March 2025 at 10:00:00 CET
> To: a@example.test, "Roe, Bob" <bob@example.test>
>\x20
> It burns.
> > Really?
"""
THUNDERBIRD = """\


-------- Weitergeleitete Nachricht --------
Betreff: \tPrinter on fire
Datum: \tMon, 3 Mar 2025 10:00:00 +0100
Von: \tJane Doe <jane@example.com>
An: \tsupport@example.org

It burns.
> Really?
"""


def mail(text: str, subject: str = "Fwd: Printer on fire", **fields: object) -> Message:
    return Message(fingerprint="f", size=len(text), text=text, subject=subject, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [GMAIL, OUTLOOK, APPLE, THUNDERBIRD])
def test_a_forwarded_block_is_read_whole(text):
    found = find_forwarded(mail(text))
    assert found is not None
    assert found.author == Address("jane@example.com", "Jane Doe")
    assert found.subject == "Printer on fire"
    assert "2025" in found.date
    assert found.to
    assert found.text.strip() == "It burns.\n> Really?"
    assert is_forward(mail(text))


def test_an_enclosed_mail_comes_before_a_block_in_the_text():
    inner = mail("inside", "Inner", author=Address("bob@example.test", "Bob"), message_id="<1@example.test>")
    found = find_forwarded(mail(GMAIL, enclosed=(inner,)))
    assert found is not None
    assert (found.author.address, found.text, found.message_id) == (
        "bob@example.test",
        "inside",
        "<1@example.test>",
    )


@pytest.mark.parametrize(
    "author",
    ['"boss@example.org" <jane@example.com>', "Jane Doe", "jane@localhost", "", "a@b.test, c@d.test"],
)
def test_an_author_who_is_not_one_clean_address_is_nobody(author):
    assert find_forwarded(mail(GMAIL.replace("Jane Doe <jane@example.com>", author))) is None


def test_a_reply_is_no_forward():
    reply = "Yes.\n\nOn Mon, Mar 3, 2025 at 10:00 AM Jane Doe <jane@example.com> wrote:\n\n" + "\n".join(
        f"> {line}" for line in GMAIL.split("\n")
    )
    assert not is_forward(mail(reply, "Re: Printer"))
    assert not is_forward(mail("Yes.\n\n" + OUTLOOK, "AW: Printer on fire"))
    assert not is_forward(mail("Just words.", "Fwd: nothing"))


REPLIES = Path(__file__).parent.parent / "mail" / "replies"
SEPARATORS = sorted(set((REPLIES / "forwards.txt").read_text(encoding="utf-8").splitlines()))
BLOCKS = [
    "\n".join(line[1:] for line in case.split("\n") if line[:1] == "Q")
    for case in (REPLIES / "languages.txt").read_text(encoding="utf-8").split("%% ")
    if case.startswith("Outlook")
]


@pytest.mark.parametrize("line", SEPARATORS)
def test_a_separator_in_any_language_announces_the_forwarded_mail(line):
    block = GMAIL.partition("\n\n")[2].partition("\n")[2]
    for mark in ("", "> "):
        marked = "\n".join(mark + part for part in block.strip().split("\n"))
        message = mail(f"See below.\n\n{line}\n\n{marked}\n", "Fwd: Printer on fire")
        found = find_forwarded(message)
        assert found is not None
        assert found.author == Address("jane@example.com", "Jane Doe")
        assert found.text == "It burns.\n> Really?"
        assert is_forward(message)


@pytest.mark.parametrize("block", BLOCKS)
def test_header_labels_of_any_language_are_read(block):
    found = find_forwarded(mail(block))
    assert found is not None
    assert found.author == Address("nora@desk.example", "Nora Lind")
    assert "10" in found.date
    assert (found.subject, found.text) == ("Order", "old words")


@pytest.mark.parametrize(
    ("author", "address", "name"),
    [
        ("jane@example.com", "jane@example.com", ""),
        ('"Doe, Jane" <jane@example.com>', "jane@example.com", "Doe, Jane"),
        ("Jane Doe <jane@example.com<mailto:jane@example.com>>", "jane@example.com", "Jane Doe"),
        ("Jane Doe [jane@example.com]", "jane@example.com", "Jane Doe"),
        ("jane@example.com (Jane Doe)", "jane@example.com", "Jane Doe"),
        ("'Jane Doe' <JANE@Example.com>;", "JANE@Example.com", "Jane Doe"),
        ("*Jane Doe* <jane@example.com>", "jane@example.com", "Jane Doe"),
        ("Jane Doe\n<jane@example.com>", "jane@example.com", "Jane Doe"),
        ("Jane O'Hara <jane.o'hara@example.com>", "jane.o'hara@example.com", "Jane O'Hara"),
        ("[jane@example.com](mailto:jane@example.com)", "jane@example.com", ""),
        ("Jané Ďoe <jane@dömain.example>", "jane@dömain.example", "Jané Ďoe"),
    ],
)
def test_the_author_in_whatever_form_a_client_prints_them(author, address, name):
    found = find_forwarded(mail(GMAIL.replace("Jane Doe <jane@example.com>", author)))
    assert found is not None
    assert found.author == Address(address, name)


def test_recipients_are_read_with_their_names():
    people = "A <a@example.com>, b@example.com; 'C D' <c@example.com>"
    found = find_forwarded(mail(GMAIL.replace("<support@example.org>", people)))
    assert found is not None
    assert found.to == (
        Address("a@example.com", "A"),
        Address("b@example.com"),
        Address("c@example.com", "C D"),
    )


def test_marked_text_that_was_wrapped_is_not_lost():
    text = APPLE.replace("> It burns.", "> It burns very\nbrightly.")
    found = find_forwarded(mail(text + "\nSent from my iPhone\n"))
    assert found is not None
    assert found.text == "It burns very\nbrightly.\n> Really?"


def test_a_forward_that_only_attributes():
    attribution = "On Mon, 3 Mar 2025, Jane <jane@example.com> wrote:"
    text = f"---------- Forwarded message ----------\n{attribution}\n\n> It burns."
    found = find_forwarded(mail(text))
    assert found is not None
    assert (found.author, found.text) == (Address("jane@example.com", "Jane"), "It burns.")


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.text(max_size=12)
        | st.sampled_from(
            ["> ", "From: a@b.test", "Von: ", "Sent: 1.1.2025", "To:", "Begin forwarded message:"]
        )
    )
)
def test_never_raises(lines):
    for text in ("\n".join(lines), "".join(lines)):
        message = mail(text)
        is_forward(message)
        found = find_forwarded(message)
        assert found is None or found.author.address in text


# What Thunderbird prints above a forwarded mail: separator, Subject, Date, From, Reply-To, To, Cc, Bcc.
LANGUAGES = """\
Forwarded Message|Subject|Date|From|Reply-To|To|CC|BCC
Weitergeleitete Nachricht|Betreff|Datum|Von|Antwort an|An|Kopie (CC)|Blindkopie (BCC)
Message transféré|Sujet|Date|De|Répondre à|Pour|Copie à|Copie cachée à
Mensaje reenviado|Asunto|Fecha|De|Responder a|Para|CC|CCO
Messaggio Inoltrato|Oggetto|Data|Mittente|Rispondi a|A|CC|CCN
Mensagem encaminhada|Assunto|Data|De|Responder a|Para|CC|CCO
Doorgestuurd bericht|Onderwerp|Datum|Van|Antwoord-naar|Aan|CC|BCC
Przekazana wiadomość|Temat|Data|Nadawca|Odpowiedź do|Adresat|Kopia|Ukryta kopia
Vidarebefordrat meddelande|Ämne|Datum|Från|Svara till|Till|Kopia|Hemlig kopia
Videresendt melding|Emne|Dato|Fra|Svar til|Til|Kopi|Blindkopi
Välitetty viesti|Aihe|Päiväys|Lähettäjä|Vastausosoite|Vastaanottaja|Kopio|Piilokopio
Přeposlaná zpráva|Předmět|Datum|Od|Odpověď|Komu|Kopie|Skrytá kopie
Preposlaná správa|Predmet|Dátum|Od|Odpoveď komu|Komu|Kópia|Skrytá kópia
Továbbított üzenet|Tárgy|Dátum|Feladó|Válaszcím|Címzett|Másolat|Rejtett másolat
Пересылаемое сообщение|Тема|Дата|От|Обратный адрес|Кому|Копия|Скрытая копия
Переслане повідомлення|Тема|Дата|Від|Відповідь для|Кому|Копія|Прихована копія
İletilen İleti|Konu|Tarih|Kimden|Yanıt adresi|Kime|Bilgi|Gizli
Προωθημένο μήνυμα|Θέμα|Ημερομηνία|Από|Απάντηση σε|Προς|Κοινοποίηση|Κρυφή κοινοποίηση
Missatge reenviat|Assumpte|Data|De|Respon a|A|A/c|C/o
Posredovano sporočilo|Zadeva|Datum|Od|Odgovor na|Za|Kp|Skp
転送メッセージ|件名|日付|差出人|返信先|宛先|CC|BCC
转发的消息|主题|日期|发件人|回复地址|收件人|抄送|密送
轉寄郵件|主旨|日期|寄件者|回覆|收件者|副本|密件副本
전달된 메시지|제목|날짜|보낸사람|회신 주소|받는사람|참조|숨은참조"""


@pytest.mark.parametrize("order", ["0123456", "2310456", "0345612", "5421036"])
@pytest.mark.parametrize("words", LANGUAGES.splitlines(), ids=lambda words: words.split("|")[0])
def test_each_language_of_thunderbird_in_any_order(words, order):
    separator, *labels = words.split("|")
    values = (
        "Printer on fire",
        "Mon, 3 Mar 2025 10:00:00 +0100",
        "Jane Doe <jane@example.com>",
        "Desk of Jane <jane.doe@example.net>",
        "Support <support@example.org>",
        "Bob Roe <bob@example.test>",
        "Lee Low <lee@example.test>",
    )
    head = "\n".join(f"{labels[int(one)]} : {values[int(one)]}" for one in order)
    text = f"#fwd\n\n\n-------- {separator} --------\n{head}\n\nIt burns.\n"
    found = find_forwarded(mail(text))
    assert found is not None
    assert (found.author.address, found.subject) == ("jane@example.com", "Printer on fire")
    assert [one.address for one in found.to] == ["support@example.org"]
    assert found.text.strip() == "It burns."
    assert is_forward(mail(text))
