"""Tests of pictures that the preview shows from files: a branch can name any address, and hold any file."""

import os
import struct
from base64 import b64decode
from pathlib import Path

import pytest

from newsletter.preview import local_pictures
from newsletter.preview.routes import app
from newsletter.preview.workspace import Workspace
from newsletter.render.model import Site
from tests import samples
from tests.preview.client import ask

BASE = "https://soup.example.com"
PNG = samples.png(3, 2)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>top.document.title = "run"</script></svg>'


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return the site of a newsletter in a folder that has other files, and files beside it."""
    (tmp_path / "outside").mkdir()
    folder = tmp_path / "letter"
    pictures = folder / "pictures"
    for made in (pictures, folder / ".git"):
        made.mkdir(parents=True)
    for file in (
        tmp_path / "outside" / "x.png",
        folder / ".git" / "x.png",
        folder / "x.png",
        folder / ".env",
    ):
        file.write_bytes(PNG)
    (pictures / "good.png").write_bytes(PNG)
    return Site("Soup", "1 Kitchen Road", url=BASE, folder=str(folder))


def shown(site: Site, *addresses: str) -> str:
    return local_pictures.embedded("".join(f'<img src="{address}">' for address in addresses), site)


@pytest.mark.parametrize(
    "target",
    [
        "../../outside/x.png",
        "../.git/x.png",
        "../.env",
        "/dev/zero",
        "link.png",
        "good.jpg",
        "..",
    ],
)
def test_no_link_leads_to_other_files(target: str, site: Site) -> None:
    link = Path(site.folder or "", "pictures", "link.png")
    link.symlink_to(target)
    address = f"{BASE}/pictures/link.png"
    assert shown(site, address) == f'<img src="{address}">'
    assert len(local_pictures.stamp(f'<img src="{address}">', site)) == 1
    link.unlink()
    link.symlink_to("good.png")
    assert "data:image/png;base64," in shown(site, address)


@pytest.mark.parametrize(
    "address",
    [
        "/pictures/../x.png",
        "/pictures/%2e%2e/x.png",
        "/pictures/%2E%2E%2Fx.png",
        "/pictures/..%5cx.png",
        "/pictures/../../outside/x.png",
        "/pictures//../x.png",
        "/x.png",
        "/.env",
        "/pictures/good.png%00",
        "/pictures/&#0;good.png",
        "/pictures/good.png/x.png",
        "/pictures/" + "x" * 5000 + ".png",
        ".evil.example/pictures/good.png",
        "@evil.example/pictures/good.png",
    ],
)
def test_no_address_leads_to_other_files(address: str, site: Site) -> None:
    assert "data:" not in shown(site, BASE + address)
    local_pictures.stamp(f'<img src="{BASE}{address}">', site)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(SVG, id="svg"),
        pytest.param(b"<html><script>top.document.title = 'run'</script></html>", id="html"),
        pytest.param(b"NEWS_SECRET_KEY=a", id="secret"),
        pytest.param(PNG[:16], id="cut-off"),
        pytest.param(PNG[:16] + struct.pack(">II", 65_535, 65_535), id="pixels"),
        pytest.param(PNG + bytes(local_pictures.MAX_FILE_BYTES), id="large"),
        pytest.param(b"", id="empty"),
    ],
)
def test_only_a_picture_of_limited_size_is_shown(content: bytes, site: Site) -> None:
    Path(site.folder or "", "pictures", "x.png").write_bytes(content)
    assert "data:" not in shown(site, f"{BASE}/pictures/x.png")


def test_no_special_file_is_opened(site: Site) -> None:
    pictures = Path(site.folder or "", "pictures")
    os.mkfifo(pictures / "pipe.png")
    (pictures / "folder.png").mkdir()
    (pictures / "sparse.png").write_bytes(PNG)
    os.truncate(pictures / "sparse.png", 10**12)
    names = ("pipe", "folder", "sparse")
    assert "data:" not in shown(site, *(f"{BASE}/pictures/{name}.png" for name in names))


def test_a_picture_with_a_script_in_it_is_only_a_picture(site: Site) -> None:
    """The type comes from the first bytes, never from the name; base64 has no character of HTML or CSS."""
    polyglot = b"GIF89a" + struct.pack("<HH", 3, 2) + b'"><script>top.document.title = "run"</script>' + SVG
    Path(site.folder or "", "pictures", "x.png").write_bytes(polyglot)
    html = f'<p style="background: url({BASE}/pictures/x.png)"><img src={BASE}/pictures/x.png>'
    found = local_pictures.embedded(html, site)
    data = found.partition("url(")[2].partition(")")[0]
    assert found == f'<p style="background: url({data})"><img src="{data}">'
    kind, _, content = data.partition(",")
    assert kind == "data:image/gif;base64" and b64decode(content, validate=True) == polyglot


def test_a_mail_of_many_pictures_has_limits(site: Site) -> None:
    pictures = Path(site.folder or "", "pictures")
    (pictures / "large.png").write_bytes(PNG + bytes(local_pictures.MAX_FILE_BYTES // 2))
    large = shown(site, *[f"{BASE}/pictures/large.png"] * 12)
    assert 2 < large.count("data:") < 6 and len(large) < local_pictures.MAX_MAIL_BYTES + 100_000
    for number in range(local_pictures.MAX_FILES + 5):
        os.link(pictures / "good.png", pictures / f"{number}.png")
    addresses = [f"{BASE}/pictures/{number}.png" for number in range(local_pictures.MAX_FILES + 5)]
    assert shown(site, *addresses).count("data:") == local_pictures.MAX_FILES
    named = "".join(f"<img src={address}>" for address in addresses)
    assert len(local_pictures.stamp(named, site)) == local_pictures.MAX_FILES


def test_the_policy_of_the_mail_stays_and_no_address_serves_files(tmp_path: Path) -> None:
    folder = samples.write(tmp_path, extra=f"site: {BASE}\n")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "good.png").write_bytes(PNG)
    issue = samples.ISSUE.replace("text: It is", 'text: "![A bowl](pictures/good.png)" #')
    (folder / "issues" / "2026-04-27.yml").write_text(issue)
    paths = ["/mail.html", "/pictures/good.png", "/good.png", "/mail.html/pictures/good.png"]
    mail, *others = ask(app(Workspace(folder)), *(("GET", path) for path in paths))
    assert "data:image/png;base64," in mail.text
    assert mail.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    )
    assert [response.status_code for response in others] == [404] * 3
