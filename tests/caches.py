"""Fill and share the caches that each process of `news` fills again: the tests run hundreds of commands.

A fork has the caches of the process that it was forked from.
"""

import gc
import os
import tempfile
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from sqlalchemy import Connection, Engine, event

from newsletter.checks import runner
from newsletter.cli.main import main
from newsletter.issue import files
from newsletter.limits import fork
from newsletter.services import prepare
from tests import samples
from tests.fakes.sendgrid import SendGridFake

_ISSUE = "2026-04-27"
_COMMANDS = (
    ("subscribers", "add", "ada@example.com"),
    ("send", _ISSUE, "--yes"),
    ("cancel", _ISSUE, "--yes"),
    ("resume", _ISSUE, "--yes"),
    ("status", _ISSUE),
)


class CompiledStatements(dict[Any, Any]):
    """The SQL of each statement, by kind of database: SQLAlchemy keeps it for one engine only.

    In the key that SQLAlchemy looks up, the first part is the dialect of the engine.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(self._shared(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(self._shared(key), compiled)

    @staticmethod
    def _shared(key: Any) -> tuple[Any, ...]:
        dialect, *rest = key
        return (dialect.name, dialect.driver, dialect.server_version_info, *rest)


def share_compiled_statements() -> None:
    """Let all engines of this process use the same compiled statements."""
    statements = CompiledStatements()

    @event.listens_for(Engine, "engine_connect")
    def _use_shared(connection: Connection) -> None:
        connection.execution_options(compiled_cache=statements)


def fill_caches() -> None:
    """Render and check an issue, which fills the caches of templates, style sheets and data files.

    Commands build each issue in a fork (`newsletter.limits`), which would fill them for this issue only.
    """
    with tempfile.TemporaryDirectory() as folder:
        # With a site, the templates of the archive are checked, and so compiled too.
        loaded = samples.newsletter(Path(folder), extra="site: https://soup.example.com\n")
        runner.run(prepare.proof(loaded, files.load(files.find(loaded.issues))))


def compile_statements() -> None:
    """Send, cancel and resume an issue through a SendGrid fake, which compiles the statements of a send."""
    before = gc.get_threshold()
    with tempfile.TemporaryDirectory() as folder, SendGridFake() as fake:
        samples.write(Path(folder), extra=f"provider: sendgrid\nsendgrid: {{host: '{fake.url}'}}\n")
        environment = {**samples.KEY_HOSTS, "NEWS_SECRET_KEY": samples.SECRET, "SENDGRID_API_KEY": fake.key}
        ours = {name: None for name in os.environ if name.startswith(("NEWS_", "CI", "GITHUB_"))}
        for command in _COMMANDS:
            done = CliRunner().invoke(main, ["-C", folder, *command], env={**ours, **environment})
            assert done.exit_code == 0, done.output
    fork.end_all()  # those that built the issue: the process that forks programs waits for no others
    gc.set_threshold(*before)
