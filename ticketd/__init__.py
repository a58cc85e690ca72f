"""ticketd: a help desk that lives in your mail.

A mail's journey is the order of the rooms::

    collect/    1 · mailboxes and other channels → the ledger
    decide/     2 · the functional core: values in, effects out
    deliver/    3 · the outbox → SMTP submission
    store/      the ledger through which all stages hand over
    wire/       the only sockets: IMAP, SMTP, OAuth
    config/     TOML → frozen settings
    cli/        the command line

If it decides, it is pure and in ``decide``; if it acts, it is elsewhere. ``collect`` and
``deliver`` do not import each other, nor do ``store`` and ``wire``; ``decide`` imports
nothing of ours but ``errors``.
"""

__version__ = "0.1.0"
