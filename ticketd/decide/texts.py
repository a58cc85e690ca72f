"""The words of our mails: Jinja2 templates in a sandbox, from sources that are handed in.

A team's own template stands before the shipped one of the same name, and falls back to
it when it fails on a mail: a slip in a template must not stop the post. Opens no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

# What running a template can raise: Jinja2's own, and what Python says to a wrong value.
FAILURES = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Mistake(Exception):
    """A template cannot be used: which, on what line (0 when not known), and why."""

    name: str
    line: int
    reason: str

    def __str__(self) -> str:
        where = f" line {self.line}" if self.line else ""
        return f"template {self.name}{where}: {self.reason}"


def _environment(kind: type[jinja2.Environment], sources: Mapping[str, str]) -> jinja2.Environment:
    return kind(
        loader=jinja2.DictLoader(sources),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


class Texts:
    """All templates by name: ``notification.txt``, ``notification.html`` and so on."""

    def __init__(self, shipped: Mapping[str, str], own: Mapping[str, str] | None = None):
        """Take sources by name; ``own`` are the team's, which stand before the shipped."""
        self._names = frozenset((*shipped, *(own or {})))
        self._shipped = _environment(jinja2.Environment, shipped)
        # the sandbox is for what others write; our own need not pay for it
        self._all = _environment(ImmutableSandboxedEnvironment, {**shipped, **own}) if own else self._shipped

    @property
    def names(self) -> frozenset[str]:
        """The names of all templates."""
        return self._names

    def render(self, name: str, /, **values: object) -> str:
        """The text of one template; the shipped one where the team's own fails."""
        try:
            return self._all.get_template(name).render(values)
        except FAILURES:
            if self._all is self._shipped:
                raise
            return self._shipped.get_template(name).render(values)

    def check(self, name: str, /, **values: object) -> None:
        """Compile one template, and render it where values are given; raise Mistake if it fails."""
        try:
            template = self._all.get_template(name)
            if values:
                template.render(values)
        except FAILURES as error:
            raise Mistake(name, _line_of(error, name), str(error) or type(error).__name__) from error


def _line_of(error: BaseException, name: str) -> int:
    """The line of the template where it went wrong: Jinja2 rewrites tracebacks to name it."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.lineno
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in (name, "<template>"):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
