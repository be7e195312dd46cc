"""Options and fixtures for all folders of tests."""

import datetime as dt
import gc
import ipaddress
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, expect, sync_playwright
from sqlalchemy import NullPool, create_engine, text

from newsletter.browser.chromium import installed_chromium
from newsletter.store.database import Database
from tests import samples
from tests.caches import fill_caches, share_compiled_statements
from tests.fakes import postgresql
from tests.fakes.folders import let_everybody_enter
from tests.forks import ForkServer, run_fork_server
from tests.required import need

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_TMPFS = Path("/dev/shm")
_TMPFS_FREE_BYTES = 2 * 1024**3
# Long, for a busy machine: a page usually reaches the expected state within milliseconds.
_EXPECT_TIMEOUT_MS = 20_000
_FORK_SERVER = pytest.StashKey[str]()

# Files are given to workers in this order, each file to one worker: those that take long must not start last.
# Each of them takes more than 5 % of a worker's time (`--durations=0` shows the times).
_LONGEST_FIRST = (
    "test_killed.py",
    "test_killed_ref.py",
    "test_preview_page.py",
    "test_protocol.py",
    "test_archive_site.py",
    "test_cards.py",
    "test_archive.py",
    "test_preview_screenshots.py",
    "test_patterns.py",
    "test_cli_recover.py",
    "test_web_restart.py",
    "test_web_client_address.py",
    "test_cli.py",
    "test_preview_server.py",
    "test_standby.py",
)

expect.set_options(timeout=_EXPECT_TIMEOUT_MS)
# A fixed sample for hypothesis, too; with --every-case it tries 100 examples, its own number, at random.
# Slow examples are a fault of a busy machine.
_SLOW = [HealthCheck.too_slow]
settings.register_profile("fixed", derandomize=True, max_examples=40, suppress_health_check=_SLOW)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-case",
        action="store_true",
        help="Run every case. Without it, a fixed sample of the longest proofs runs (see test_protocol,"
        " test_synced_protocol, test_killed, test_killed_ref, test_ledger_agrees, test_judges,"
        " test_archive_site, test_preview_page), and hypothesis tries fixed examples.",
    )


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--every-case"):
        settings.load_profile("fixed")
    # Where these tests run is of no interest to the commands that they run.
    for name in [name for name in os.environ if name.startswith("GITHUB_")]:
        del os.environ[name]
    # A shell script's background job ignores Ctrl-C, and so would every process that a test starts.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):  # a worker inherits the environment of the process that starts it
        _use_tmpfs(config)
        os.environ.update(samples.KEY_HOSTS)


def _use_tmpfs(config: pytest.Config) -> None:
    """Make temporary files in memory, if there is room and TMPDIR is not set."""
    if "TMPDIR" in os.environ or not _TMPFS.is_dir() or shutil.disk_usage(_TMPFS).free < _TMPFS_FREE_BYTES:
        return
    folder = tempfile.mkdtemp(prefix="news-tests-", dir=_TMPFS)
    Path(folder).chmod(0o711)
    os.environ["TMPDIR"] = tempfile.tempdir = folder

    def clean() -> None:
        del os.environ["TMPDIR"]
        tempfile.tempdir = None
        shutil.rmtree(folder, ignore_errors=True)

    config.add_cleanup(clean)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--every-case"):
        left_out = [item for item in items if item.get_closest_marker("every_case")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
    order = {name: position for position, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Collect garbage, and freeze the rest: pytest and Python examine all objects again at the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def every_case(request: pytest.FixtureRequest) -> bool:
    """Return True with `--every-case`."""
    return bool(request.config.getoption("--every-case"))


@pytest.fixture(autouse=True, scope="session")
def _caches() -> None:
    """Fill the caches before the first test, for all tests and all forks that build an issue."""
    share_compiled_statements()
    fill_caches()


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    """Restore the settings of the garbage collector, which commands change, after each test.

    Objects from before a test are frozen during it: to examine them takes a third of the model check's time.
    """
    before = gc.get_threshold()
    gc.freeze()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: "WorkerController") -> None:
    """Start one fork server for all workers: its imports take over a second."""
    config = node.config
    if _FORK_SERVER not in config.stash:
        running = ExitStack()
        config.stash[_FORK_SERVER] = running.enter_context(run_fork_server())
        config.add_cleanup(running.close)
    node.workerinput["fork_server"] = config.stash[_FORK_SERVER]


@pytest.fixture(scope="session")
def forks(pytestconfig: pytest.Config) -> Iterator[ForkServer]:
    """Yield the fork server, which has imported all modules."""
    if workerinput := getattr(pytestconfig, "workerinput", None):
        yield ForkServer(workerinput["fork_server"])
        return
    with run_fork_server() as address:
        yield ForkServer(address)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of Chromium."""
    executable = installed_chromium()
    need(None if executable else "chromium (Debian: apt install chromium-headless-shell)")
    return str(executable)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Yield Chromium, once per module: playwright runs an event loop, and a thread can have only one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the files of a certificate for 127.0.0.1 and db.example.com, and of its key; valid for a day."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.com")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.DNSName("db.example.com")]
    addresses = [*names, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate, private


@pytest.fixture(scope="session")
def postgresql_server(certificate: tuple[Path, Path]) -> Iterator[str]:
    """Yield the address of a running PostgreSQL, which also listens on 127.0.0.1 with TLS.

    Its folder is outside pytest's: when pytest cannot delete a folder, it makes those above it private.
    """
    need(postgresql.absent())
    with tempfile.TemporaryDirectory(prefix="news-postgresql-") as name:
        let_everybody_enter(folder := Path(name))
        with postgresql.running(folder, certificate) as url:
            yield url


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """Return the address of an empty PostgreSQL database."""
    return _new_postgresql(postgresql_server, "of_one_test", "template1")


@pytest.fixture(scope="session")
def _postgresql_template(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Make the tables of news in a PostgreSQL database; return its name."""
    url = _new_postgresql(postgresql_server, "migrated", "template1")
    Database.open(samples.newsletter(tmp_path_factory.mktemp("migrated"), NEWS_DATABASE_URL=url)).close()
    return "migrated"


@pytest.fixture
def migrated_postgresql_url(postgresql_server: str, _postgresql_template: str) -> str:
    """Return the address of a PostgreSQL database without rows: a copy, which is made faster than tables."""
    return _new_postgresql(postgresql_server, "of_one_test", _postgresql_template)


def _new_postgresql(server: str, name: str, template: str) -> str:
    """Make a database as the copy of another one, in place of one of this name; return its address."""
    engine = create_engine(
        server.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT", poolclass=NullPool
    )
    with engine.connect() as connection:
        connection.execute(text(f"drop database if exists {name} with (force)"))
        connection.execute(text(f"create database {name} template {template}"))
    return server.replace("/postgres?", f"/{name}?")
