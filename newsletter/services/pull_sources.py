"""Open the places outside that newsletter.yml names, each with the secret that is for it."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from newsletter.config.key_hosts import BoundKey, key_problem, mailbox_key, sendgrid_key, worker_key
from newsletter.config.loader import Newsletter
from newsletter.errors import ConfigError, Problem
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.mailboxes.imap_account import configured_account
from newsletter.services.pull_mailbox import MailboxSource
from newsletter.services.pull_sendgrid import sendgrid_sources
from newsletter.services.pull_source import Source
from newsletter.services.pull_worker import WorkerSource

# A suppression group is one response: a million addresses have about 100 MB.
_MAX_GROUP_BYTES = 134_217_728


def has_sources(newsletter: Newsletter) -> bool:
    """Return True if newsletter.yml names a place that is read before each send."""
    pull = newsletter.config.pull
    return pull.sendgrid or pull.worker is not None or pull.imap is not None


def source_names(newsletter: Newsletter) -> list[str]:
    """Return the names of the configured places, as the database has them; nothing is opened."""
    from newsletter.providers.sendgrid.suppressions import LISTS

    config = newsletter.config
    names = [f"sendgrid {name}" for name in LISTS] if config.pull.sendgrid else []
    if config.pull.sendgrid and (group := config.unsubscribe.sendgrid_group):
        names.append(f"sendgrid group {group}")
    names += ["imap"] if config.pull.imap else []
    return names + (["worker"] if config.pull.worker else [])


@contextmanager
def open_sources(
    newsletter: Newsletter, tokens: UnsubscribeTokens | None, *, keeps: bool = False
) -> Iterator[list[Source]]:
    """Yield the configured places; none is connected yet. `keeps`: change nothing there.

    Raise ConfigError, with every problem, if a secret is missing or is for another host.
    """
    refuse_missing_secrets(newsletter)
    pull = newsletter.config.pull
    sources: list[Source] = []
    with ExitStack() as stack:
        if pull.sendgrid and (key := sendgrid_key(newsletter)):
            from newsletter.providers.sendgrid.provider import SendGridProvider

            settings = newsletter.config.sendgrid
            provider = SendGridProvider(settings, key.value, max_content=_MAX_GROUP_BYTES)
            stack.enter_context(closing(provider))
            sources += sendgrid_sources(provider.suppressions(), newsletter.config.unsubscribe.sendgrid_group)
        if account := configured_account(newsletter, "pull"):
            sources.append(MailboxSource(account, tokens, keeps=keeps))
        if pull.worker and (key := worker_key(newsletter)):
            token = key.value.get_secret_value()
            sources.append(WorkerSource(pull.worker, token, tokens, keeps=keeps))
        yield sources


def refuse_missing_secrets(newsletter: Newsletter, *, mailbox_only: bool = False) -> None:
    """Raise ConfigError if a secret of a configured place is missing, or is for another host."""
    pull = newsletter.config.pull
    needed: list[tuple[bool, str, BoundKey | None]] = [
        (pull.imap is not None, "IMAP_PASSWORD", mailbox_key(newsletter, "pull")),
        (pull.sendgrid and not mailbox_only, "SENDGRID_API_KEY", sendgrid_key(newsletter)),
        (pull.worker is not None and not mailbox_only, "WORKER_TOKEN", worker_key(newsletter)),
    ]
    problems = [
        _problem(newsletter, variable, key)
        for is_needed, variable, key in needed
        if is_needed and (key is None or key.is_misdirected)
    ]
    if problems:
        raise ConfigError([problem for problem in problems if problem])


def _problem(newsletter: Newsletter, variable: str, key: BoundKey | None) -> Problem | None:
    if key:
        return key_problem(newsletter, key)
    fix = "set it in the environment (on GitHub, as a secret), or in the file `env` of the state"
    return Problem(variable, "is not set, and `pull` in newsletter.yml needs it", fix)
