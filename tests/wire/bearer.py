"""Access tokens as a connection asks for them, without a provider."""

from __future__ import annotations


class Bearer:
    """Gives these tokens, one after the other where one is refused; an error is raised instead."""

    def __init__(self, *tokens: str | Exception) -> None:
        self._tokens = list(tokens)

    def token(self) -> str:
        """The present token."""
        if isinstance(self._tokens[0], Exception):
            raise self._tokens[0]
        return self._tokens[0]

    def refused(self, token: str) -> bool:
        """Go on to the next one, where there is one."""
        if len(self._tokens) > 1:
            self._tokens.pop(0)
            return True
        return False
