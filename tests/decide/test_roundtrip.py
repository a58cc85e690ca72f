"""What another program writes, we read: mails made by the standard library come back whole."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ticketd.decide.reading.parse import parse

LETTERS = st.characters(categories=("L", "N"), include_characters=" .,;:!?'()-–€😀")
LINE = st.text(LETTERS, max_size=90).map(lambda text: " ".join(text.split()))
NAME = st.text(
    st.characters(categories=("L", "N"), include_characters=" -_.,()@<>[]:;\"'"), min_size=1, max_size=60
).map(lambda text: "f" + " ".join(text.split()).strip(". "))
WAYS = st.sampled_from(["7bit", "8bit", "base64", "quoted-printable"])


def write(text: str, way: str, policy: object) -> EmailMessage:
    mail = EmailMessage(policy=policy)  # type: ignore[arg-type]
    mail.set_content(text, cte=way if way != "7bit" or text.isascii() else "base64")
    return mail


@settings(deadline=None, max_examples=80)
@given(LINE, NAME, NAME, st.sampled_from([SMTP, SMTPUTF8]))
@example("", "f0", "f;", SMTP)
def test_subject_and_names(subject: str, name: str, other: str, policy: object) -> None:
    mail = write("Hello", "7bit", policy)
    mail["Subject"] = subject
    mail["From"] = Address(name, "jane", "example.com")
    mail["To"] = (Address(other, "bob", "example.org"), Address("", "amy", "example.org"))
    message = parse(mail.as_bytes())
    assert message.subject == subject
    assert message.author is not None
    assert (message.author.name, message.author.address) == (name, "jane@example.com")
    assert [person.address for person in message.to] == ["bob@example.org", "amy@example.org"]
    assert message.to[0].name == other


@settings(deadline=None, max_examples=60)
@given(st.lists(LINE, max_size=8), WAYS)
def test_text_in_every_encoding(lines: list[str], way: str) -> None:
    text = "\n".join(lines) + "\n"
    assert parse(write(text, way, SMTP).as_bytes()).text.strip() == text.strip()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(NAME, st.binary(max_size=200)), max_size=4, unique_by=lambda item: item[0]), LINE)
def test_files_with_names_in_any_script(files: list[tuple[str, bytes]], text: str) -> None:
    mail = write(text, "base64", SMTP)
    mail.add_alternative(f"<p>{text}</p>", subtype="html")
    mail.get_payload()[1].add_related(b"picture", "image", "png", cid="<logo@example.com>")  # type: ignore[index, union-attr]
    for name, content in files:
        mail.add_attachment(content, "application", "octet-stream", filename=name)
    message = parse(mail.as_bytes())
    assert message.text.strip() == text.strip()
    found = [(item.filename, item.content) for item in message.attachments if not item.inline]
    assert found == files
    assert [item.content for item in message.attachments if item.inline] == [b"picture"]


@settings(deadline=None, max_examples=30)
@given(LINE, st.binary(max_size=100))
def test_a_mail_within_a_mail(subject: str, content: bytes) -> None:
    inner = write("Inside", "7bit", SMTP)
    inner["Subject"] = subject
    inner.add_attachment(content, "application", "pdf", filename="a.pdf")
    outer = write("Outside", "7bit", SMTP)
    outer.add_attachment(inner)
    message = parse(outer.as_bytes())
    assert message.text.strip() == "Outside"
    assert [mail.subject for mail in message.enclosed] == [subject]
    assert message.enclosed[0].attachments[0].content == content
