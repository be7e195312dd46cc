"""The keys of newsletter.yml for `news serve`."""

from pathlib import Path

import pytest

from newsletter.config.loader import with_provider
from newsletter.errors import ConfigError
from newsletter.web.public_address import public_address
from tests import samples

LOCAL = "http://127.0.0.1:8080/unsubscribe/{token}"


def problems(folder: Path, extra: str = "", unsubscribe: str = "") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        samples.newsletter(folder, extra=extra, unsubscribe=unsubscribe)
    return [problem.what for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://news.example.com/unsubscribe/{token}", "https://news.example.com"),
        ("https://example.com/news/unsubscribe/{token}", "https://example.com/news"),
        (LOCAL, "http://127.0.0.1:8080"),
        ("http://localhost:8080/unsubscribe/{token}", "http://localhost:8080"),
    ],
)
def test_the_pages_are_where_the_unsubscribe_links_lead(url: str, public: str, tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path, unsubscribe=url)
    assert public_address(newsletter, 8080).url == public


def test_another_unsubscribe_page_is_refused(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path, unsubscribe="https://example.com/leave/{token}")
    with pytest.raises(ConfigError) as caught:
        public_address(newsletter, 8081)
    (problem,) = caught.value.problems
    assert problem.where.endswith("newsletter.yml:5")
    assert "http://127.0.0.1:8081/unsubscribe/{token}" in problem.fix


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com//unsubscribe/{token}",
        "https://example.com/my%20news/unsubscribe/{token}",
        "https://example.com/caf\u00e9/unsubscribe/{token}",
        "https://example.com/?a=/unsubscribe/{token}",
        "https://example.com/news;x/unsubscribe/{token}",
    ],
)
def test_a_path_that_browsers_write_in_another_way_is_refused(url: str, tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path, unsubscribe=url)
    with pytest.raises(ConfigError, match="has a path before /unsubscribe/ that"):
        public_address(newsletter, 8080)


def test_an_address_of_this_machine_is_for_mail_that_stays_on_it(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path, unsubscribe=LOCAL)
    with pytest.raises(
        ConfigError, match="url is an address of this machine, and smtp sends mail to readers"
    ):
        with_provider(newsletter, "smtp")
    assert problems(tmp_path, "provider: sendgrid\n", LOCAL) == [
        "unsubscribe: url is an address of this machine, and sendgrid sends mail to readers on other ones"
    ]


@pytest.mark.parametrize("host", ["example.com", "192.168.1.1", "news.localhost.example"])
def test_an_address_of_another_machine_is_https(host: str, tmp_path: Path) -> None:
    (what,) = problems(tmp_path, unsubscribe=f"http://{host}/unsubscribe/{{token}}")
    assert what == "unsubscribe.url is not https"


@pytest.mark.parametrize("proxy", ["127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32"])
def test_proxies_are_addresses_and_networks(proxy: str, tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path, extra=f'serve: {{proxies: ["{proxy}"]}}\n')
    assert newsletter.config.serve.proxies == (proxy,)


@pytest.mark.parametrize("proxy", ["*", "localhost", "10.0.0.1/8", "127.0.0.1:80"])
def test_anything_else_is_no_proxy(proxy: str, tmp_path: Path) -> None:
    (what,) = problems(tmp_path, f'serve: {{proxies: ["{proxy}"]}}\n')
    assert what.startswith(f'serve.proxies[0] is "{proxy}", and no IP address or network')


def test_rates_are_checked(tmp_path: Path) -> None:
    assert problems(tmp_path, "serve: {rate: many, rate_per_network: 0/h}\n") == [
        'serve.rate has the value "many", which cannot be read',
        'serve.rate_per_network has the value "0/h", which cannot be read',
    ]
