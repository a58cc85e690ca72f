"""The words of our mails: Jinja2 templates in a sandbox, from sources that are handed in.

A team's own template stands before the shipped one of the same name, and falls back to
it when it fails on a mail: a slip in a template must not stop the post. Opens no file.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

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


class Mistake(ValueError):
    """A template cannot be used: which, on what line (0 when not known), and why."""

    def __init__(self, name: str, line: int, reason: str):
        where = f"template {name}, line {line}" if line else f"template {name}"
        super().__init__(f"{where}: {reason}")
        self.name, self.line, self.reason = name, line, reason


def _environment(kind: type[jinja2.Environment], sources: Mapping[str, str]) -> jinja2.Environment:
    return kind(
        loader=jinja2.FunctionLoader(lambda name: (sources[name], name, None) if name in sources else None),
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
        self._strict = False
        self._names = frozenset((*shipped, *(own or {})))
        self._shipped = _environment(jinja2.Environment, shipped)
        # the sandbox is for what others write; our own need not pay for it
        self._all = _environment(ImmutableSandboxedEnvironment, {**shipped, **own}) if own else self._shipped

    @property
    def names(self) -> frozenset[str]:
        """The names of all templates."""
        return self._names

    def strictly(self) -> Texts:
        """The same templates, where a failing one raises Mistake: to try them out."""
        strict = copy.copy(self)
        strict._strict = True
        return strict

    def render(self, name: str, /, **values: object) -> str:
        """The text of one template; the shipped one where the team's own fails."""
        try:
            return self._all.get_template(name).render(values)
        except FAILURES as error:
            if self._strict:
                raise _mistake(name, error) from error
            if self._all is self._shipped:
                raise
            return self._shipped.get_template(name).render(values)

    def compile(self, name: str) -> None:
        """Compile one template; raise Mistake if it cannot be."""
        try:
            self._all.get_template(name)
        except jinja2.TemplateError as error:
            raise _mistake(name, error) from error


def _mistake(name: str, error: Exception) -> Mistake:
    name, line = _place_of(error, name)
    if isinstance(error, jinja2.TemplateNotFound):
        return Mistake(name, line, f"there is no template {error.name}")
    return Mistake(name, line, str(error) or type(error).__name__)


def _place_of(error: Exception, name: str) -> tuple[str, int]:
    """The template, perhaps one that ``name`` includes, and its line: Jinja2's tracebacks name both."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.name or name, error.lineno
    place, trace = (name, 0), error.__traceback__
    while trace is not None:
        if "__jinja_exception__" in trace.tb_frame.f_globals:
            place = (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    return place
