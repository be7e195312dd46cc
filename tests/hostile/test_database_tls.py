"""A server in the network that pretends to be the database gets no password, unless the URL permits it."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from newsletter.doctor.database import database, read
from newsletter.doctor.setup import Setup
from newsletter.errors import NewsError, StoreError
from newsletter.findings import Finding
from newsletter.store.database import Database
from newsletter.store.postgresql import defaults
from tests import samples
from tests.fakes.postgresql_plain import PlainPostgreSQL

PASSWORD = "hush-hush-password"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGSSLMODE", "PGSSLROOTCERT", "PGSERVICE", "PGSERVICEFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # no ~/.postgresql


@pytest.fixture
def plain() -> Iterator[PlainPostgreSQL]:
    with PlainPostgreSQL() as server:
        yield server


def opened(folder: Path, url: str) -> StoreError:
    """Return the error of a database that cannot be opened."""
    with pytest.raises(StoreError) as raised:
        Database.open(samples.newsletter(folder, NEWS_DATABASE_URL=url))
    assert PASSWORD not in f"{raised.value}{raised.value.hint}{raised.value.__cause__}"
    return raised.value


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("news:{password}@db.example.com:{port}/news?hostaddr=127.0.0.1", id="host"),
        pytest.param(
            "news:{password}@/news?host=db.example.com:{port}&hostaddr=127.0.0.1", id="host-in-the-query"
        ),
        pytest.param(
            "news@db.example.com:{port}/news?hostaddr=127.0.0.1&password={password}",
            id="password-in-the-query",
        ),
        pytest.param(
            "news:{password}@/news?host=localhost:{port}&host=db.example.com:{port}"
            "&hostaddr=127.0.0.1,127.0.0.1",
            id="several-hosts",
        ),
        pytest.param("news:{password}@/news?service=prod", id="service"),
    ],
)
def test_a_server_that_declines_encryption_gets_no_password(
    url: str, plain: PlainPostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = f"[prod]\nhost=db.example.com\nhostaddr=127.0.0.1\nport={plain.port}\n"
    (tmp_path / "services").write_text(service)
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    error = opened(tmp_path, "postgresql://" + url.format(password=PASSWORD, port=plain.port))
    assert error.what.startswith("offers no encryption (TLS), and the password was not sent")
    assert "sslmode=require" in error.hint and "sslmode=disable" in error.hint
    assert b"".join(plain.received) == b""


def test_an_environment_that_names_the_host_is_no_way_round(
    plain: PlainPostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "db.example.com")
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.1")
    monkeypatch.setenv("PGPORT", str(plain.port))
    error = opened(tmp_path, f"postgresql://news:{PASSWORD}@/news")
    assert "PostgreSQL database news on db.example.com: offers no encryption" in str(error)
    assert b"".join(plain.received) == b""


@pytest.mark.parametrize("mode", ["disable", "prefer"])
def test_a_url_may_permit_a_connection_in_clear(mode: str, plain: PlainPostgreSQL, tmp_path: Path) -> None:
    url = f"postgresql://news:{PASSWORD}@db.example.com:{plain.port}/news?hostaddr=127.0.0.1&sslmode={mode}"
    opened(tmp_path, url)
    assert PASSWORD.encode() in b"".join(plain.received)


def test_a_server_on_this_machine_needs_no_encryption(plain: PlainPostgreSQL, tmp_path: Path) -> None:
    opened(tmp_path, f"postgresql://news:{PASSWORD}@127.0.0.1:{plain.port}/news")
    assert PASSWORD.encode() in b"".join(plain.received)


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        pytest.param({}, None, id="default-socket"),
        pytest.param({"host": "/run/postgresql"}, None, id="socket"),
        pytest.param({"host": "@news"}, None, id="abstract-socket"),
        pytest.param({"host": "localhost"}, None, id="localhost"),
        pytest.param({"host": "::1"}, None, id="loopback-6"),
        pytest.param({"host": "localhost,127.0.0.2"}, None, id="two-loopback"),
        pytest.param({"host": "10.0.0.1"}, "verify-full", id="private-network"),
        pytest.param({"host": "localhost.example.com"}, "verify-full", id="looks-local"),
        pytest.param({"host": "127.0.0.1.example.com"}, "verify-full", id="looks-loopback"),
        pytest.param({"host": "/run/postgresql,db.example.com"}, "verify-full", id="second-host"),
        pytest.param({"host": "localhost", "hostaddr": "192.0.2.1"}, "verify-full", id="another-address"),
        pytest.param({"host": "db.example.com", "sslmode": "require"}, None, id="url-says-otherwise"),
        pytest.param({"host": "db.example.com", "nonsense": "1"}, "verify-full", id="unknown-parameter"),
    ],
)
def test_verification_is_the_default_for_every_host_but_this_machine(
    given: dict[str, str], mode: str | None
) -> None:
    added = defaults(given)
    assert added.get("sslmode") == mode
    assert ("sslrootcert" in added) == (mode is not None)


@pytest.mark.parametrize("source", ["environment", "service"])
def test_the_environment_or_a_service_may_say_otherwise(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"host": "db.example.com"}
    if source == "environment":
        monkeypatch.setenv("PGSSLMODE", "require")
    else:
        (tmp_path / "services").write_text("[prod]\nhost=db.example.com\nsslmode=require\n")
        monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
        given = {"service": "prod"}
    assert "sslmode" not in defaults(given)


def test_the_authorities_of_the_system_are_trusted(
    certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """psycopg's wheels have an OpenSSL that does not find them: `system` would trust nobody."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    for url in ({}, {"sslmode": "verify-full"}, {"sslrootcert": "system"}):
        assert defaults({"host": "db.example.com", **url})["sslrootcert"] == str(certificate[0])
    assert "sslrootcert" not in defaults({"host": "db.example.com", "sslrootcert": "/ca.pem"})
    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql" / "root.crt").touch()
    assert "sslrootcert" not in defaults({"host": "db.example.com"}), "libpq reads the user's own file"


# A real server with TLS


def over_tls(postgresql_url: str, host: str = "db.example.com", **parameters: str) -> str:
    """Return the URL of the same server by its port and a host name; the connection goes to 127.0.0.1."""
    (port,) = parse_qs(urlsplit(postgresql_url).query)["port"]
    query = "".join(f"&{name}={value}" for name, value in parameters.items())
    return f"postgresql://news:{PASSWORD}@{host}:{port}/postgres?hostaddr=127.0.0.1{query}"


def finding(folder: Path, url: str) -> Finding:
    """Return the doctor's finding on the connection."""
    samples.write(folder)
    setup = Setup.read(folder, {"NEWS_DATABASE_URL": url})
    status = read(setup, 10)
    assert not isinstance(status, NewsError), status
    (found,) = (one for one in database(setup, status) if "connection" in one.what or "reached" in one.what)
    return found


def test_the_doctor_says_how_a_connection_is_protected(
    postgresql_url: str, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    root = str(certificate[0])
    for url, state, words in (
        (postgresql_url, "ok", "is reached on this machine"),
        (over_tls(postgresql_url, sslrootcert=root), "ok", "encrypted, and the server is verified"),
        (over_tls(postgresql_url, sslmode="verify-ca", sslrootcert=root), "warning", "except for its host"),
        (over_tls(postgresql_url, sslmode="require"), "warning", "encrypted but not verified"),
        (over_tls(postgresql_url, sslmode="prefer"), "warning", "encrypted but not verified"),
        (over_tls(postgresql_url, sslmode="disable"), "warning", "not encrypted"),
    ):
        found = finding(tmp_path, url)
        assert (found.state, words in found.what) == (state, True), (url, found)
        assert found.state == "ok" or "sslmode=verify-full" in found.fix


def test_a_server_that_is_not_the_right_one_is_refused_with_what_to_do(
    postgresql_url: str, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    root = str(certificate[0])
    (tmp_path / "other.pem").write_text("")
    for url, what in (
        (over_tls(postgresql_url, host="other.example.com", sslrootcert=root), "for another host name"),
        (over_tls(postgresql_url), "of an authority that is not trusted here"),
        (over_tls(postgresql_url, sslrootcert="/no/such/ca.pem"), "authorities cannot be read"),
        (over_tls(postgresql_url, sslrootcert=str(tmp_path / "other.pem")), "authorities cannot be read"),
    ):
        error = opened(tmp_path, url)
        assert what in error.what, (url, error)
        assert "sslmode=require" in error.hint
