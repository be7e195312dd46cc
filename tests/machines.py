"""Machines that share a newsletter's state on a Git ref: clones of one repository, with a state key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from newsletter.config import loader
from newsletter.config.loader import Newsletter
from newsletter.state.state_key import StateKey, make_state_key
from newsletter.state.state_ref import REF
from tests import repositories, samples
from tests.fakes.sendgrid import SendGridFake


@dataclass
class Machines:
    """A bare repository and its clones in a folder, in which `extra` is added to newsletter.yml."""

    folder: Path
    extra: str = ""
    key: StateKey = field(default_factory=make_state_key)

    def __post_init__(self) -> None:
        if self.folder.exists() and (self.folder / "origin.git").exists():
            return
        samples.write(self.folder / "first", extra=f"state: git\n{self.extra}")
        repositories.repository(self.folder / "first")
        repositories.git(self.folder, "clone", "-q", "--bare", "first", "origin.git")
        repositories.git(self.folder / "first", "remote", "add", "origin", str(self.origin))

    @classmethod
    def through(cls, fake: SendGridFake, folder: Path) -> Self:
        """Return machines of a newsletter that is sent through a SendGrid fake, which holds its mail."""
        provider = f"provider: sendgrid\nsendgrid: {{host: '{fake.url}'}}\n"
        return cls(folder, extra=f"{provider}send: {{undo_window: 90m}}\n")

    @property
    def origin(self) -> Path:
        """Return the bare repository that all machines push to."""
        return self.folder / "origin.git"

    def machine(self, name: str = "first") -> Path:
        """Return the folder of a machine, which is cloned if it is new."""
        if not (folder := self.folder / name).exists():
            repositories.git(self.folder, "clone", "-q", str(self.origin), name)
        return folder

    def newsletter(self, name: str = "first", **environment: str) -> Newsletter:
        """Load the newsletter on a machine that has the state key."""
        return loader.load(self.machine(name), self.environment(**environment))

    def environment(self, **more: str) -> Mapping[str, str]:
        """Return the variables of a machine that has the state key."""
        return {"NEWS_STATE_KEY": self.key.text, **samples.KEY_HOSTS, **more}

    def commit(self) -> str:
        """Return the commit of the state on the ref; "" if there is none."""
        return repositories.git(self.origin, "for-each-ref", "--format=%(objectname)", REF).strip()

    def put_back(self, commit: str) -> None:
        """Put an older state back on the ref; "" deletes the ref."""
        repositories.git(self.origin, "update-ref", *((REF, commit) if commit else ("-d", REF)))
