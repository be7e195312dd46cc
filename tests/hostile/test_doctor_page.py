"""An `unsubscribe.url` of a stranger's branch: `news doctor` requests public hosts only."""

import ssl
from pathlib import Path

import pytest
from click.testing import CliRunner

from newsletter.cli.main import main
from newsletter.doctor.unsubscribe import unsubscribe
from newsletter.network.hosts import is_public
from tests import samples
from tests.fakes.nameserver import NameServer
from tests.fakes.sendgrid_account import zone
from tests.fakes.web import Reply, Request, WebFake


class Page(WebFake):
    def answer(self, request: Request) -> Reply:
        return Reply(200)


@pytest.fixture
def inside(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Page:
    """Return a server inside the network, with a certificate that this process trusts, and no proxy."""
    for name in ("https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    return Page(tls=tls)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1", "localhost."])
def test_a_page_inside_is_not_requested(host: str, inside: Page) -> None:
    with inside as page:
        url = page.url.replace("127.0.0.1", host) + "/leave/{token}"
        (finding,) = unsubscribe(url, 5).findings
        assert page.connections == 0
    assert finding.state == "error"
    assert "readers cannot open it, and it was not requested" in finding.what and finding.fix


def test_a_name_that_leads_inside_is_not_requested(inside: Page) -> None:
    with inside as page:
        url = page.url.replace("127.0.0.1", "localhost") + "/leave/{token}"
        report = unsubscribe(url, 5, is_public=lambda host: host == "localhost" or is_public(host))
        assert page.connections == 0
    assert "localhost is not public (" in report.findings[0].what


def test_no_byte_is_sent_before_the_address_of_the_socket_is_judged(inside: Page) -> None:
    judged: list[str] = []

    def only_until_connected(host: str) -> bool:
        judged.append(host)
        return len(judged) <= 3

    with inside as page:
        report = unsubscribe(f"{page.url}/{{token}}", 5, is_public=only_until_connected)
        assert page.requests == []
    assert "127.0.0.1 is not public" in report.findings[0].what and len(judged) == 4


def test_the_command_requests_no_page_inside(
    inside: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with inside as page, NameServer(zone()) as names:
        samples.write(tmp_path)
        file = tmp_path / "newsletter.yml"
        file.write_text(file.read_text().replace("https://soup.example.com", page.url))
        monkeypatch.chdir(tmp_path)
        shown = CliRunner().invoke(main, ["doctor", "--nameserver", names.address])
        assert page.connections == 0
    assert shown.exit_code == 1 and "was not requested" in " ".join(shown.output.split())
