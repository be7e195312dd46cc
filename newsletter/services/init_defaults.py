"""Suggest the details of a new newsletter: from its folder, from Git, and from the language of the system."""

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from newsletter.config.answers import valid_answer
from newsletter.errors import ConfigError
from newsletter.services.github_setup import existing_folder
from newsletter.starter.details import FALLBACK_NAME, Details, name_of_folder
from newsletter.state.local_git import configured_email

# The order of POSIX.
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
_LOCALE = re.compile(r"([a-z]{2,3})(?:_([A-Z]{2}))?(?:[.@].*)?")
# Elsewhere the country does not change how the mail is written.
_WITH_COUNTRY = ("pt", "zh")
# Hosts of Git give such addresses, at which nobody reads: `users.noreply.github.com`.
_NO_MAILBOX = "noreply"


def plain_defaults(folder: Path) -> Details:
    """Return the details that are certain: the name, made of that of the folder."""
    with suppress(ConfigError):
        return Details(valid_answer("name", name_of_folder(folder.resolve().name)))
    return Details(FALLBACK_NAME)


def suggestions(folder: Path, environment: Mapping[str, str]) -> Details:
    """Return details that a person may accept or correct."""
    plain = plain_defaults(folder)
    email = ""
    with suppress(ConfigError):
        email = valid_answer("sender.email", configured_email(existing_folder(folder)))
    if _NO_MAILBOX in email.rpartition("@")[2]:
        email = ""
    return Details(plain.name, plain.name, email, language=system_language(environment))


def system_language(environment: Mapping[str, str]) -> str:
    """Return the language code of a POSIX environment, such as `de` for `de_DE.UTF-8`; else `en`."""
    named = next((value for name in _VARIABLES if (value := environment.get(name))), "")
    match = _LOCALE.fullmatch(named)
    if not match:
        return "en"  # also for C and POSIX
    language, country = match.groups()
    return f"{language}-{country}" if country and language in _WITH_COUNTRY else str(language)
