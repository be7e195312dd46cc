"""Bind each key to its host: newsletter.yml names a host, the environment says whose key it holds.

A stranger's branch brings a newsletter.yml. The host in it gets the key only if it is the one that the key is
for: the provider's own, or the one that is named beside the key. The port counts too: somebody else may run
another program on that host. On this machine every port is allowed.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlsplit

from pydantic import SecretStr

from newsletter.config.loader import Newsletter
from newsletter.config.mailbox import Imap
from newsletter.config.provider_facts import API_HOSTS
from newsletter.constants import PROVIDER_HOSTS, PROVIDER_KEYS, ProviderName
from newsletter.errors import Problem
from newsletter.network.hosts import is_loopback

# The ports that need not be named: https, and those on which mail servers accept a login.
_HTTPS_PORTS, _LOGIN_PORTS, _IMAP_PORTS = (443,), (25, 465, 587, 2465, 2525, 2587), (143, 993)
MailboxOwner = Literal["pull", "bounces"]
"""The parts of newsletter.yml that have a mailbox, each under the key `imap`."""
MAILBOX_OWNERS: tuple[MailboxOwner, ...] = get_args(MailboxOwner)
_WITH_PORT = re.compile(r"([^:]+|\[[^\]]+\]):([0-9]{1,5})")


@dataclass(frozen=True)
class BoundKey:
    """A key that is set, its variable, the host that would get it, and the hosts that it is for.

    A host in `allowed` may have a port; without one, it allows the `usual_ports`.
    """

    value: SecretStr
    variable: str
    host: str
    port: int
    usual_ports: tuple[int, ...]
    setting: tuple[str, ...]
    host_variable: str
    allowed: tuple[str, ...]

    @property
    def is_misdirected(self) -> bool:
        """Return True if the key is not for the host and the port that would get it."""
        return not any(map(self._matches, self.allowed))

    @property
    def authority(self) -> str:
        """Return the host, with its port if that has to be named."""
        if self.port in self.usual_ports or is_loopback(self.host):
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def _matches(self, allowed: str) -> bool:
        named = _WITH_PORT.fullmatch(allowed)
        host, port = (named[1], int(named[2])) if named else (allowed, None)
        if _normalized(self.host) != _normalized(host):
            return False
        if port is not None:
            return self.port == port
        return self.port in self.usual_ports or is_loopback(self.host)


def provider_key(newsletter: Newsletter) -> BoundKey | None:
    """Return the key that the configured provider would send to its host; None if it sends none."""
    match newsletter.config.provider:
        case "outbox":
            return None
        case "smtp":
            return _smtp_key(newsletter)
        case "ses":
            # It signs requests and is not sent; a session token is.
            ses = newsletter.config.ses
            return _api_key(newsletter, "ses", ses.url, (ses.own_host,))
        case provider:
            url: str = getattr(newsletter.config, provider).host
            return _api_key(newsletter, provider, url, API_HOSTS[provider])


def sendgrid_key(newsletter: Newsletter) -> BoundKey | None:
    """Return the key of SendGrid's API, also for another provider; None if it is not set."""
    return _api_key(newsletter, "sendgrid", newsletter.config.sendgrid.host, API_HOSTS["sendgrid"])


def role_problem(newsletter: Newsletter) -> Problem | None:
    """Return the problem of a role of AWS, whose key is in no variable; None if it may sign for `ses.host`.

    Only AWS's own host of the region gets what a role has signed. AWS_SES_HOST does not count: it may come
    from the `.env` of a stranger's branch, since no key beside it shows where it belongs.
    """
    ses = newsletter.config.ses
    role = BoundKey(
        SecretStr(""), "a role", *_host_and_port(ses.url), _HTTPS_PORTS, ("ses", "host"), "", (ses.own_host,)
    )
    if not role.is_misdirected:
        return None
    what = f"ses.host is {role.authority}, but the role of this machine signs for {role.allowed[0]} only"
    fix = "delete `ses.host`; or set a key of its own: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SES_HOST"
    return Problem(newsletter.where("ses", "host"), what, fix)


def _api_key(
    newsletter: Newsletter, provider: ProviderName, url: str, own_hosts: tuple[str, ...]
) -> BoundKey | None:
    """Return the key of a provider's API; it is for the host in the environment, or else for `own_hosts`."""
    variable, host_variable = PROVIDER_KEYS[provider][-1], PROVIDER_HOSTS[provider]
    value: SecretStr | None = getattr(newsletter.secrets, variable.lower())
    allowed: str | None = getattr(newsletter.secrets, host_variable.lower())
    if not value:
        return None
    setting, hosts = (provider, "host"), (allowed,) if allowed else own_hosts
    return BoundKey(value, variable, *_host_and_port(url), _HTTPS_PORTS, setting, host_variable, hosts)


def _smtp_key(newsletter: Newsletter) -> BoundKey | None:
    config, secrets = newsletter.config, newsletter.secrets
    if not (config.smtp.username and secrets.smtp_password):
        return None
    return BoundKey(
        secrets.smtp_password,
        PROVIDER_KEYS["smtp"][-1],
        config.smtp.host,
        config.smtp.port,
        _LOGIN_PORTS,
        ("smtp", "host"),
        PROVIDER_HOSTS["smtp"],
        (secrets.smtp_host,) if secrets.smtp_host else (),
    )


def mailbox_settings(newsletter: Newsletter, owner: MailboxOwner) -> Imap | None:
    """Return the settings of `pull.imap` or `bounces.imap`; None if they are not written."""
    settings = newsletter.config.pull if owner == "pull" else newsletter.config.bounces
    return settings.imap if settings else None


def mailbox_key(newsletter: Newsletter, owner: MailboxOwner) -> BoundKey | None:
    """Return the password of `pull.imap` or `bounces.imap`; None without a mailbox, or without a password."""
    imap, secrets = mailbox_settings(newsletter, owner), newsletter.secrets
    if not (imap and secrets.imap_password):
        return None
    return BoundKey(
        secrets.imap_password,
        "IMAP_PASSWORD",
        imap.host,
        imap.used_port,
        _IMAP_PORTS,
        (owner, "imap", "host"),
        "IMAP_HOST",
        (secrets.imap_host,) if secrets.imap_host else (),
    )


def worker_key(newsletter: Newsletter) -> BoundKey | None:
    """Return the token of the unsubscribe worker; None if none is set or no worker is configured."""
    worker, secrets = newsletter.config.pull.worker, newsletter.secrets
    if not (worker and secrets.worker_token):
        return None
    return BoundKey(
        secrets.worker_token,
        "WORKER_TOKEN",
        *_host_and_port(worker),
        _HTTPS_PORTS,
        ("pull", "worker"),
        "WORKER_HOST",
        (secrets.worker_host,) if secrets.worker_host else (),
    )


def provider_key_problem(newsletter: Newsletter) -> Problem | None:
    """Return the problem of the provider's key; None if it may be sent to the configured host."""
    key = provider_key(newsletter)
    return key_problem(newsletter, key) if key else None


def key_problem(newsletter: Newsletter, key: BoundKey) -> Problem | None:
    """Return the problem of a key that is not for the configured host; None if the key may be sent to it."""
    if not key.is_misdirected:
        return None
    setting, unsent = ".".join(key.setting), f"so {key.variable} is not sent there"
    # Without the host in newsletter.yml, only its variable can be the mistake.
    if key.allowed and key.setting not in newsletter.lines:
        what = f"is {_either(key.allowed)}, but without `{setting}`, news calls {key.authority}, {unsent}"
        fix = f"write `{setting}` in newsletter.yml, or unset {key.host_variable}"
        return Problem(key.host_variable, what, fix)
    meant = (
        f"{key.variable} is for {_either(key.allowed)}" if key.allowed else f"{key.host_variable} is not set"
    )
    # Most often the host is mistyped, and nobody else is to have the key.
    correct = f"correct `{setting}` ({_either(key.allowed)}); or, " if key.allowed else ""
    set_it = f"set this where {key.variable} is set: {key.host_variable}={key.authority}"
    return Problem(
        newsletter.where(*key.setting),
        f"{setting} is {key.authority}, but {meant}, {unsent}",
        f"{correct}if {key.authority} is to have it, {set_it}",
    )


def _either(hosts: tuple[str, ...]) -> str:
    return " or ".join(hosts)


def _host_and_port(url: str) -> tuple[str, int]:
    """Return the host and the port of an address."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _normalized(host: str) -> str:
    return host.lower().strip("[]").removesuffix(".")
