"""Get the credentials of AWS: the key in the environment, or the role of this machine."""

import importlib.util
import logging
import threading
from typing import Any, Protocol

from pydantic import SecretStr

from newsletter.config.environment import Secrets
from newsletter.constants import PROVIDER_KEYS
from newsletter.errors import Problem
from newsletter.providers.api import is_well_formed_key, key_problems
from newsletter.providers.ses.signature import Credentials
from newsletter.sending.outcomes import NotSent

KEY_ID, SECRET_KEY = PROVIDER_KEYS["ses"]
TOKEN = "AWS_SESSION_TOKEN"
_HOW_TO_SET = (
    f"set {KEY_ID} and {SECRET_KEY} in the environment (on GitHub, as secrets), or in the file `env` of the"
    " state; or, for a role, install botocore, for example with the extra `ses` of this program"
)
_HOW_TO_TEST = "try the profile or the role with: aws sts get-caller-identity"


class CredentialSource(Protocol):
    """A source of credentials; several threads may use it at once."""

    def problems(self) -> list[Problem]:
        """Return the problems that can be found without a connection."""

    def get(self) -> Credentials | NotSent:
        """Return credentials that are valid now, or NotSent with the reason."""


class KeyCredentials:
    """The key in the variables of the environment; `key_problem` says that it is for another host."""

    def __init__(
        self,
        access_key_id: SecretStr | None,
        secret_access_key: SecretStr | None,
        session_token: SecretStr | None = None,
        key_problem: Problem | None = None,
    ) -> None:
        self._key_id, self._secret, self._token = access_key_id, secret_access_key, session_token
        self._key_problem = key_problem

    def problems(self) -> list[Problem]:
        if self._key_problem:
            return [self._key_problem]
        named = [(KEY_ID, self._key_id), (SECRET_KEY, self._secret)]
        # An empty token is no token.
        named += [(TOKEN, self._token)] if self._token else []
        return [problem for name, value in named for problem in key_problems(name, value, None)]

    def get(self) -> Credentials | NotSent:
        if (problems := self.problems()) or not (self._key_id and self._secret):
            return NotSent(str(problems[0]))
        token = self._token.get_secret_value() if self._token else ""
        return Credentials(self._key_id.get_secret_value(), self._secret.get_secret_value(), token)


class RoleCredentials:
    """The credentials of a role or a profile, which botocore finds and renews before they expire.

    `host_problem` says that the configured host must not get requests that a role has signed.
    """

    def __init__(self, host_problem: Problem | None = None) -> None:
        self._host_problem = host_problem
        self._lock = threading.Lock()
        self._found: Any = None

    def problems(self) -> list[Problem]:
        if self._host_problem:
            return [self._host_problem]
        if importlib.util.find_spec("botocore") is None:
            return [Problem(SECRET_KEY, "is not set", _HOW_TO_SET)]
        return []

    def get(self) -> Credentials | NotSent:
        if problems := self.problems():
            return NotSent(str(problems[0]))
        from botocore.session import Session

        # It logs the words of a failed program or of a response (`exc_info`), which may hold a secret.
        logging.getLogger("botocore").propagate = False
        try:
            with self._lock:  # only one of the threads that start together asks for the role
                self._found = self._found or Session().get_credentials()
            frozen = self._found.get_frozen_credentials() if self._found else None
        # A profile may name a program (`credential_process`): what fails in it is no error of botocore's, and
        # its words may hold a secret.
        except Exception as failure:
            kind = type(failure).__name__
            return NotSent(f"no credentials of AWS: botocore failed with {kind}; {_HOW_TO_TEST}")
        if frozen is None:
            return NotSent(f"no credentials of AWS: this machine has no role and no profile; {_HOW_TO_SET}")
        return _checked(Credentials(frozen.access_key, frozen.secret_key, frozen.token or ""))


def _checked(credentials: Credentials) -> Credentials | NotSent:
    """Return credentials whose parts a header may have, or NotSent: an error about one would quote it."""
    names = ("access key id", "secret access key", "session token")
    for name, value in zip(names, credentials, strict=True):
        is_left_out = value == "" and name == names[-1]
        if not (is_left_out or (isinstance(value, str) and is_well_formed_key(value))):
            what = f"the {name} of the profile or the role is malformed"
            return NotSent(f"{what}: in a file, write it in one line, without spaces; {_HOW_TO_TEST}")
    return credentials


def credential_source(
    secrets: Secrets, key_problem: Problem | None, role_problem: Problem | None
) -> CredentialSource:
    """Return the key in the secrets; or the role of this machine, if no part of a key is set.

    `key_problem` and `role_problem` say that the key, or a role, is not for the configured host.
    """
    key_id, secret, token = (
        secrets.aws_access_key_id,
        secrets.aws_secret_access_key,
        secrets.aws_session_token,
    )
    if key_id or secret:
        return KeyCredentials(key_id, secret, token, key_problem)
    return RoleCredentials(role_problem)
