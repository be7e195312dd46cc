"""Ask for the details of a new newsletter, or take them from options."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import click

from newsletter.cli import output, terminal
from newsletter.config.answers import THEMES, valid_answer
from newsletter.errors import ConfigError, NewsError
from newsletter.starter.details import Details

_LATER = "later"
_NOTHING_WRITTEN = "nothing was written"


class _Question(NamedTuple):
    key: str  # in newsletter.yml
    text: str


_QUESTIONS = (
    _Question("name", "Name of the newsletter"),
    _Question("sender.name", "Name of the sender"),
    _Question("sender.email", "Email address of the sender"),
    _Question("postal_address", "Postal address, in one line"),
    _Question("unsubscribe", "Page to unsubscribe, https://… with {token}, or sendgrid:NUMBER"),
    _Question("language", "Language of the mail, such as en or pt-BR"),
    _Question("theme", f"Theme: {', '.join(THEMES[:-1])} or {THEMES[-1]}"),
)
_INTRODUCTION = (
    "Press Enter to take what stands in brackets. Nothing is written before the last answer; Ctrl-C ends."
)


def details_of_options(options: Mapping[str, str | None], defaults: Details) -> Details:
    """Return the details of options, such as `sender_email`, and for the others the defaults."""
    return replace(defaults, **_valid(options))


def ask_details(options: Mapping[str, str | None], suggested: Details) -> Details:
    """Ask for each detail that is not among the options.

    Raise NewsError after Ctrl-C, and at the end of the input.
    """
    given = _valid(options)
    details = replace(suggested, **given)
    if "name" not in given or "sender_name" not in given:
        details = replace(details, sender_name=given.get("sender_name", ""))
    questions = [question for question in _QUESTIONS if _field(question.key) not in given]
    if questions:
        for line in terminal.wrapped(_INTRODUCTION, 0):
            output.echo(line)
        output.echo()
    try:
        for question in questions:
            details = replace(details, **{_field(question.key): _ask(question, details)})
    except click.Abort as abort:
        raise _unanswered() from abort
    return details


def _ask(question: _Question, details: Details) -> str:
    """Ask until the answer is valid; return it, or "" for an answer that is given later."""
    default = getattr(details, _field(question.key))
    if question.key == "sender.name":
        default = details.name
    while True:
        answer = output.ask_for_text(f"{question.text} [{default or _LATER}]", default).strip()
        if not default and answer.lower() in ("", _LATER):
            return ""
        try:
            return valid_answer(question.key, answer)
        except ConfigError as refused:
            terminal.show_problems(refused.problems)


def _valid(options: Mapping[str, str | None]) -> dict[str, str]:
    """Return the valid values of the options that are given; raise BadParameter."""
    given = {}
    for key, _ in _QUESTIONS:
        text = options[_field(key)]
        if text is None:
            continue
        try:
            given[_field(key)] = valid_answer(key, text)
        except ConfigError as refused:
            option = f"--{key.replace('.', '-').replace('_', '-')}"
            raise click.BadParameter(str(refused), param_hint=option) from refused
    return given


def _field(key: str) -> str:
    return key.replace(".", "_")


def _unanswered() -> NewsError:
    hint = "to begin without questions: news init < /dev/null; or answer with options, such as --name"
    return terminal.unanswered(_NOTHING_WRITTEN, hint)
