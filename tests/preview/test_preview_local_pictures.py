"""Tests of pictures of the newsletter's folder: the preview shows them before the site has them."""

import asyncio
from base64 import b64encode
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from newsletter.preview import local_pictures
from newsletter.preview.builder import build
from newsletter.preview.routes import app
from newsletter.preview.workspace import Workspace
from newsletter.render.model import Site
from tests import samples
from tests.preview.client import ask
from tests.preview.conftest import Letter, letter

__all__ = ["letter"]  # a fixture

ADDRESS = "https://soup.example.com/pictures/a%20bowl.png"
PNG = samples.png(300, 200)
DATA = f"data:image/png;base64,{b64encode(PNG).decode()}"
ISSUE = "issues/2026-01-05.yml"
IMAGE = "    image: {src: pictures/a bowl.png, alt: A bowl}\n    passages:\n"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a bowl.png").write_bytes(PNG)
    return Site("Soup", "1 Kitchen Road", url="https://soup.example.com", folder=str(tmp_path))


@pytest.fixture
def illustrated(letter: Letter, site: Site) -> Letter:
    """Return a newsletter whose issue names a file of `pictures/`; nothing is published at its site."""
    letter.save("newsletter.yml", f"{letter.config}site: {site.url}\n")
    letter.edit("    passages:\n", IMAGE, ISSUE)
    return letter


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ('<img alt="" src="{}">', '<img alt="" src="{}">'),
        ("<IMG SRC = '{}'/>", '<IMG SRC = "{}"/>'),
        ("<img src={} alt=a>", '<img src="{}" alt=a>'),
        ('<img src="\n{}\t">', '<img src="{}">'),
        ('<img srcset="{} 1x, {}?big 2x">', '<img srcset="{0} 1x, {0} 2x">'),
        ('<td background="{}">', '<td background="{}">'),
        (
            '<td style="color: red; background:url(&quot;{}&quot;)">',
            '<td style="color: red; background:url({})">',
        ),
        ("<p style='background:URL( {} )'>", '<p style="background:URL( {} )">'),
        ("<style>p { background: url('{}') }</style>", "<style>p { background: url({}) }</style>"),
        ('<img title="a > b" src="{}">', '<img title="a > b" src="{}">'),
    ],
)
def test_a_picture_is_shown_from_its_file_in_every_place_of_a_mail(html: str, shown: str, site: Site) -> None:
    def filled(text: str, address: str) -> str:
        return text.replace("{0}", address).replace("{}", address)

    assert local_pictures.embedded(filled(html, ADDRESS), site) == filled(shown, DATA)


@pytest.mark.parametrize(
    "html",
    [
        '<a href="{}">src="{}" url({})</a>',
        '<p title="src={}" data-src="{}">{}</p>',
        '<img src="https://other.example/pictures/a%20bowl.png">',
        '<img alt=\'a "b" &amp;\' src="https://soup.example.com/a.png"><p style="font: a&quot;b">',
        '<!--[if mso]><v:fill src="{}" /><![endif]-->',
        "<img src=",
        '<img src="{}',
        "<style>p { background: url({}",
        '<img src=""><img srcset=""><p style=\'\'>',
    ],
)
def test_links_texts_and_other_addresses_stay(html: str, site: Site) -> None:
    html = html.replace("{}", ADDRESS)
    assert local_pictures.embedded(html, site) == html


@pytest.mark.parametrize("view", ["", "?scheme=dark", "?pictures=on", "?name=Ada&address=ada@example.com"])
def test_the_mail_shows_it_and_what_is_sent_has_its_address(illustrated: Letter, view: str) -> None:
    mail = build(illustrated.folder).mail
    assert mail and ADDRESS in mail.html and "data:" not in mail.html
    web = app(Workspace(illustrated.folder))
    paths = ("/mail.html", "/mail.txt", "/source", "/mail.eml")
    html, text, source, eml = ask(web, *(("GET", f"{path}{view}") for path in paths))
    assert f'src="{DATA}"' in html.text and ADDRESS not in html.text
    assert source.text == mail.html and "data:" not in text.text
    sent = message_from_bytes(eml.content, policy=policy.default).get_body(("html",))
    assert sent and ADDRESS in sent.get_content() and "data:" not in sent.get_content()


def test_a_message_in_the_outbox_shows_it(illustrated: Letter) -> None:
    new = illustrated.folder / "outbox" / "new"
    new.mkdir(parents=True)
    (new / "a.eml").write_text(f'Content-Type: text/html\n\n<p>Soup</p><img alt="" src="{ADDRESS}">')
    path = "/outbox/a.eml/mail.html"
    (response,) = ask(app(Workspace(illustrated.folder)), ("GET", path))
    assert DATA in response.text
    illustrated.save("newsletter.yml", "name: [\n")
    (response,) = ask(app(Workspace(illustrated.folder)), ("GET", path))
    assert response.status_code == 200 and ADDRESS in response.text


def test_a_changed_file_is_a_new_mail_for_the_page(illustrated: Letter) -> None:
    workspace = Workspace(illustrated.folder)
    picture = illustrated.folder / "pictures" / "a bowl.png"

    async def version() -> str:
        await workspace.changed()
        page = (await workspace.view()).page
        assert page and not page.problems
        return page.version

    async def versions() -> list[str]:
        found = [await version()]
        (picture.parent / "other.png").write_bytes(PNG)
        found.append(await version())
        picture.with_name("new.png").write_bytes(PNG + b"another content of the same size in pixels")
        picture.with_name("new.png").replace(picture)
        found.append(await version())
        return found

    first, unrelated, changed = asyncio.run(versions())
    assert first == unrelated != changed
    saved = build(illustrated.folder).saved
    assert saved >= picture.stat().st_mtime * 1000
