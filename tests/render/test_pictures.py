"""Tests of pictures in running text: files of the newsletter, their sizes, and their mistakes."""

import struct
from pathlib import Path, PurePosixPath

import pytest

from newsletter.errors import IssueError
from newsletter.issue import files
from newsletter.issue.model import Issue
from newsletter.render.model import Site
from newsletter.render.picture_size import media_type, picture_size
from newsletter.render.pictures import BadPicture, Picture, published_file, resolve
from newsletter.render.pipeline import render
from tests import samples
from tests.render import material

PNG = samples.png(300, 200)
JPEG = (
    b"\xff\xd8\xff\xe0\0\x10JFIF"
    + b"\0" * 10
    + b"\xff\xc4\0\x03x\xff\xff\xc2\0\x11\x08"
    + struct.pack(">HH", 200, 300)
)
ISSUE = """\
subject: Leek soup
preheader: A soup for the first cold evening of the year.
stories:
  - title: Soup
    link: https://soup.example.com/soup
    passages:
      - text: |
          First.

          {}
"""


@pytest.mark.parametrize(
    ("head", "size"),
    [
        pytest.param(PNG, (300, 200), id="png"),
        pytest.param(b"GIF89a" + struct.pack("<HH", 300, 200), (300, 200), id="gif"),
        pytest.param(JPEG, (300, 200), id="jpeg"),
        pytest.param(
            b"RIFF....WEBPVP8 ....\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 300, 200), (300, 200), id="webp"
        ),
        pytest.param(
            b"RIFF....WEBPVP8L....\x2f" + struct.pack("<I", 299 | 199 << 14), (300, 200), id="webp-lossless"
        ),
        pytest.param(
            b"RIFF....WEBPVP8X....\0\0\0\0" + b"\x2b\x01\0" + b"\xc7\0\0", (300, 200), id="webp-extended"
        ),
        pytest.param(PNG[:20], None, id="cut-off"),
        pytest.param(PNG.replace(struct.pack(">I", 300), bytes(4)), None, id="no-width"),
        pytest.param(b"\xff\xd8" + b"\xff" * 50, None, id="jpeg-of-fillers"),
        pytest.param(b"\xff\xd8\xff\xe0\0\0" * 50, None, id="jpeg-of-empty-segments"),
        pytest.param(b"<svg width='3' height='2'/>", None, id="svg"),
        pytest.param(b"", None, id="empty"),
    ],
)
def test_the_size_is_read_from_the_start_of_a_file(head: bytes, size: tuple[int, int] | None) -> None:
    assert picture_size(head) == size


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (PNG, "image/png"),
        (b"GIF87a", "image/gif"),
        (JPEG, "image/jpeg"),
        (b"RIFF....WEBPVP8X", "image/webp"),
        (b"RIFF....WAVEfmt ", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"", None),
    ],
)
def test_the_kind_is_read_from_the_first_bytes(head: bytes, kind: str | None) -> None:
    assert media_type(head) == kind


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return the site of a newsletter with some files in `pictures/`, in whose folder the test runs."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "pictures" / "2026"
    folder.mkdir(parents=True)
    (tmp_path / "pictures" / "soup.png").write_bytes(PNG)
    (tmp_path / "pictures" / "a bowl ü.png").write_bytes(PNG)
    (tmp_path / "pictures" / "text.png").write_text("not a picture")
    (tmp_path / "pictures" / "notes.txt").write_bytes(PNG)
    (tmp_path / "soup.png").write_bytes(PNG)
    (folder / "pot.jpeg").write_bytes(JPEG)
    return material.site(url="https://soup.example.com/letter", folder=str(tmp_path))


@pytest.mark.parametrize(
    ("src", "address"),
    [
        ("pictures/soup.png", "https://soup.example.com/letter/pictures/soup.png"),
        ("pictures/2026/pot.jpeg", "https://soup.example.com/letter/pictures/2026/pot.jpeg"),
        ("pictures/a%20bowl%20%C3%BC.png", "https://soup.example.com/letter/pictures/a%20bowl%20%C3%BC.png"),
        ("pictures/a bowl ü.png", "https://soup.example.com/letter/pictures/a%20bowl%20%C3%BC.png"),
    ],
)
def test_a_file_is_linked_below_the_site(src: str, address: str, site: Site) -> None:
    assert resolve(src, site) == Picture(address, 300, 200)


@pytest.mark.parametrize("src", ["pictures/2026/pot.jpeg", "pictures/a bowl ü.png"])
@pytest.mark.parametrize("query", ["", "?v=2", "#top"])
def test_an_address_leads_back_to_its_file(src: str, query: str, site: Site) -> None:
    assert published_file(resolve(src, site).src + query, site) == PurePosixPath(src)


@pytest.mark.parametrize(
    "address",
    [
        "https://soup.example.com/pictures/soup.png",
        "https://soup.example.com/letter/pictures/",
        "https://soup.example.com/letter/pictures/notes.txt",
        "https://soup.example.com/letter/pictures/../soup.png",
        "https://soup.example.com/letter/pictures/%2e%2e/soup.png",
        "https://soup.example.com/letter/issues/soup.png",
        "https://soup.example.com/letter//pictures/soup.png",
        "https://soup.example.com/letter/pictures/so%00up.png",
        "http://soup.example.com/letter/pictures/soup.png",
        "pictures/soup.png",
    ],
)
def test_other_addresses_are_no_file(address: str, site: Site) -> None:
    assert published_file(address, site) is None
    assert published_file(address, material.site(folder=site.folder)) is None


@pytest.mark.parametrize(
    "src", ["https://a.example/b.png", "data:image/png;base64,AA", "cid:a", "[[address]]"]
)
def test_an_address_is_not_changed(src: str, site: Site) -> None:
    assert resolve(src, site) == Picture(src)


WRONG = {
    "pictures/missing.png": "cannot be read",
    "pictures/text.png": "is no picture",
    "pictures/notes.txt": "is no picture",
    "pictures/2026": "is no picture",
    "pictures/": "is neither",
    "pictures/../soup.png": "is neither",
    "pictures/%2e%2e/soup.png": "is neither",
    "soup.png": "is neither",
    "/pictures/soup.png": "is neither",
    "../pictures/soup.png": "is neither",
    "pictures/soup.png?x": "is neither",
    "pictures/so%00up.png": "is neither",
}


@pytest.mark.parametrize("src", WRONG)
def test_what_is_no_picture_is_an_error_in_its_line(src: str, site: Site, tmp_path: Path) -> None:
    with pytest.raises(IssueError) as refused:
        render(written(tmp_path, f"![a]({src})"), site)
    (problem,) = refused.value.problems
    assert problem.where == "issues/2026-04-27.yml:10"
    assert WRONG[src] in problem.what and problem.fix


def test_a_file_needs_a_site(site: Site, tmp_path: Path) -> None:
    with pytest.raises(IssueError, match="has no `site` from which readers can load it") as refused:
        render(written(tmp_path, "![a](pictures/soup.png)"), material.site(folder=site.folder))
    assert "write `site:` in newsletter.yml" in refused.value.problems[0].fix


@pytest.mark.parametrize("end", ["/?lang=en", "/#letters"])
def test_a_site_needs_room_for_a_path(end: str, site: Site) -> None:
    address = f"https://soup.example.com{end}"
    with pytest.raises(BadPicture, match="behind which no picture can be"):
        resolve("pictures/soup.png", material.site(folder=site.folder, url=address))


def test_all_wrong_pictures_are_reported(site: Site, tmp_path: Path) -> None:
    with pytest.raises(IssueError) as refused:
        render(written(tmp_path, "![a](a.png) ![b](b.png)\n          [![c](c.png)](https://c.example)"), site)
    assert [problem.where.rpartition(":")[2] for problem in refused.value.problems] == ["10", "10", "11"]


def test_the_mail_shows_a_file(site: Site, tmp_path: Path) -> None:
    mail = render(written(tmp_path, '![A bowl](pictures/soup.png "With *leek*")'), site)
    (picture,) = material.parsed(mail.html).iterfind(".//img")
    assert picture.get("src") == "https://soup.example.com/letter/pictures/soup.png"
    assert (picture.get("alt"), picture.get("width"), picture.get("height")) == ("A bowl", "300", None)
    assert ".dim a, .caption {" in mail.html
    assert "A bowl <https://soup.example.com/letter/pictures/soup.png>\nWith leek\n" in mail.text


@pytest.mark.parametrize("target", ["../../secret.png", "/dev/zero", "../.env"])
def test_a_link_out_of_the_newsletter_is_refused(target: str, site: Site, tmp_path: Path) -> None:
    (tmp_path.parent / "secret.png").write_bytes(PNG)
    (tmp_path / ".env").write_bytes(PNG)
    (tmp_path / "pictures" / "link.png").symlink_to(target)
    with pytest.raises(BadPicture, match="leads"):
        resolve("pictures/link.png", site)


def written(folder: Path, text: str) -> Issue:
    path = folder / "issues" / "2026-04-27.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(ISSUE.format(text), encoding="utf-8")
    return files.load(path)
