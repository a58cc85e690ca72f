"""Tell a reaction (a thumb below a mail) from an answer: a button was pressed, nothing was written.

Gmail sends a part of its own type, RFC 9078 a disposition; Outlook only words, in the language of whoever
pressed. Knows nothing of what follows from it.
"""

from __future__ import annotations

from typing import Final

from ticketd.decide.excerpts.phrases import fold, phrases
from ticketd.decide.model import Message

TYPE: Final = "text/vnd.google.email-reaction+json"
_LONGEST: Final = 300  # characters of all that such a mail says
_SAID: Final = tuple(
    phrases("""
        reacted via gmail|reacted to your message|reacted to your email
        hat auf ihre nachricht reagiert|hat über gmail reagiert|a réagi à votre message|a réagi via gmail
        ha reaccionado a su mensaje|ha reaccionado a tu mensaje|reaccionó a su mensaje
        ha reagito al tuo messaggio|ha reagito al messaggio|reagiu à sua mensagem
        heeft op uw bericht gereageerd met een emoji|zareagował(a) na twoją wiadomość""")
)


def is_reaction(message: Message, new_text: str) -> bool:
    """Whether the mail is a reaction; ``new_text`` is what it says beside what it quotes."""
    if any(file.content_type == TYPE for file in message.attachments):
        return True
    if (message.header("Content-Disposition") or "").strip().lower().startswith("reaction"):
        return True
    lines = [line for line in new_text.splitlines() if line.strip()]
    if not lines:
        return False
    if lines[0].rstrip().endswith((":", "：")) and _says_so(lines[0]):  # Outlook's, above what it quotes
        return True
    return len(lines) <= 3 and len(new_text) <= _LONGEST and _says_so(lines[-1])


def _says_so(line: str) -> bool:
    return fold(line[:_LONGEST].partition("<")[0].strip(" .:：*_")).endswith(_SAID)
