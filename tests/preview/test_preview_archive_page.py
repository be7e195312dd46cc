"""Tests of the page of an issue in the archive, as the preview shows it: its routes, without a browser."""

import asyncio
from base64 import b64encode
from datetime import date

import pytest

from newsletter.errors import LimitReached
from newsletter.preview.archive_page import with_style
from newsletter.preview.issue_list import IssueList
from newsletter.preview.routes import app
from newsletter.preview.workspace import Workspace, call
from newsletter.render.model import Site
from tests import samples
from tests.preview.client import ask

PNG = samples.png(300, 200)
DATA = f"data:image/png;base64,{b64encode(PNG).decode()}"
SITE = "site: https://soup.example.com\n"
ISSUE = "issues/2026-01-05.yml"


@pytest.fixture
def workspace(letter):
    letter.save("newsletter.yml", letter.config + SITE)
    return Workspace(letter.folder)


def get(workspace, *paths):
    return ask(app(workspace), *(("GET", path) for path in paths))


def state(workspace, query=""):
    return get(workspace, f"/archive{query}")[0].json()


def save(letter, workspace, name, text):
    letter.save(name, text)
    asyncio.run(workspace.changed())


def test_a_draft_has_the_page_that_the_archive_would_have(letter, workspace):
    page, style, text = get(workspace, "/archive.html", "/archive.css", "/archive.txt")
    assert [answer.status_code for answer in (page, style, text)] == [200, 200, 200]
    assert "<h1>Soup for all</h1>" in page.text and "Cook slowly" in page.text
    assert page.text.count("<link ") == 1
    assert '<link rel="stylesheet" href="/archive.css?">' in page.text
    assert "--accent" in style.text and style.headers["content-type"].startswith("text/css")
    assert "Cook slowly" in text.text and "<" not in text.text
    assert "[[" not in page.text + text.text


def test_the_page_is_in_the_same_frame_as_the_mail(workspace):
    mail, page, pictures = get(workspace, "/mail.html", "/archive.html", "/archive.html?pictures=on")
    policies = [answer.headers["content-security-policy"] for answer in (mail, page, pictures)]
    assert policies[1] == policies[0].replace("style-src 'unsafe-inline'", "style-src 'self' 'unsafe-inline'")
    assert "form-action 'none'" in policies[1] and "allow-forms" not in policies[1]
    assert "img-src https: http: data:" in policies[2]


def test_light_and_dark_are_those_asked_for(workspace):
    by_scheme = {}
    for scheme in ("light", "dark"):
        page, style = get(workspace, f"/archive.html?scheme={scheme}", f"/archive.css?scheme={scheme}")
        assert f'href="/archive.css?scheme={scheme}"' in page.text
        assert f'<meta name="color-scheme" content="{scheme}">' in page.text
        assert f"color-scheme: {scheme}" in style.text.replace(":light", ": light").replace(":dark", ": dark")
        assert "prefers-color-scheme" not in style.text
        by_scheme[scheme] = style.text
    assert by_scheme["light"] != by_scheme["dark"]


@pytest.mark.parametrize(
    ("link", "is_style"),
    [
        ('<x-link rel="stylesheet" href="../style.css">', True),
        ("<x-link href='https://soup.example.com/style.css' rel=stylesheet>", True),
        ("<x-link\nhref = ../style.css>", True),
        ('<x-link href="../styl&#101;.css">', True),
        ('<x-link title="a>b" href="../style.css"/>', True),
        ('<x-link href="style.css">', False),
        ('<x-link href="https://other.example/style.css">', False),
        ('<x-link href="https://[/style.css">', False),
        ('<x-link rel="stylesheet">', False),
    ],
)
def test_of_all_links_only_that_to_the_style_sheet_is_kept(link, is_style):
    site = Site("Soup", "1 Kitchen Road", url="https://soup.example.com")
    shown = with_style(f"<p>a</p>{link.replace('x-link', 'link')}<p>b</p>", "2026-01-05", site, "/x.css")
    kept = '<link rel="stylesheet" href="/x.css">' if is_style else link
    assert shown == f"<p>a</p>{kept}<p>b</p>"


def test_pictures_of_the_folder_are_shown_from_their_files(letter, workspace):
    (letter.folder / "pictures").mkdir()
    (letter.folder / "pictures/bowl.png").write_bytes(PNG)
    letter.edit("    passages:\n", "    image: {src: pictures/bowl.png, alt: A bowl}\n    passages:\n", ISSUE)
    letter.save("templates/archive/sign_up.html.j2", '<img alt="" src="{{ page.root }}pictures/bowl.png?1">')
    letter.save("templates/archive/style.css.j2", "body { background: url(pictures/bowl.png) }")
    page, style = get(workspace, "/archive.html", "/archive.css")
    assert page.text.count(f'src="{DATA}"') == 2
    assert style.text == f"body {{ background: url({DATA}) }}"
    before = state(workspace)["version"]
    (letter.folder / "pictures/bowl.png").write_bytes(PNG + b"\0")
    save(letter, workspace, "newsletter.yml", letter.config + SITE)
    assert state(workspace)["version"] != before


@pytest.mark.parametrize(
    ("name", "text", "where", "what"),
    [
        pytest.param(
            "newsletter.yml",
            "archive: false\nCONFIG",
            "newsletter.yml:1",
            "`archive: false` in newsletter.yml switches the archive off.",
            id="of-the-newsletter",
        ),
        pytest.param(
            ISSUE,
            "archive: false\nISSUE",
            f"{ISSUE}:1",
            "`archive: false` leaves it out of the archive.",
            id="of-the-issue",
        ),
    ],
)
def test_without_an_archive_it_says_where_that_is_written(letter, workspace, name, text, where, what):
    letter.save(name, text.replace("CONFIG", letter.config + SITE).replace("ISSUE", letter.issue))
    told = state(workspace)
    assert (told["version"], told["problems"]) == (None, [])
    assert told["absence"]["where"] == where
    assert told["absence"]["what"].endswith(what)
    assert told["absence"]["excerpt"][0] == [1, "archive: false"]
    page, mail = get(workspace, "/archive.html", "/mail.html")
    assert (page.status_code, page.text, mail.status_code) == (503, "", 200)


@pytest.mark.parametrize("name", ["article.html.j2", "issue.html.j2", "issue.txt.j2", "style.css.j2"])
def test_a_mistake_in_a_template_is_told_and_the_last_page_and_the_mail_stay(letter, workspace, name):
    good = state(workspace)
    save(letter, workspace, f"templates/archive/{name}", "Soup\n{{ isue.date }}\n")
    told = state(workspace)
    assert told["version"] == good["version"]
    (problem,) = told["problems"]
    assert (problem["where"], problem["line"]) == (f"templates/archive/{name}:2", 2)
    assert problem["excerpt"][1] == [2, "{{ isue.date }}"]
    page, mail = get(workspace, "/archive.html", "/mail.html")
    assert "Cook slowly" in page.text and "Cook slowly" in mail.text
    save(letter, workspace, f"templates/archive/{name}", "Soup\n{{ site.name }}\n")
    told = state(workspace)
    assert told["problems"] == [] and told["version"] != good["version"]


def test_a_mistake_from_the_start_leaves_no_page_to_show(letter, workspace):
    letter.save("templates/archive/article.html.j2", "{% if %}")
    told = state(workspace)
    assert told["version"] is None and len(told["problems"]) == 1
    page, mail = get(workspace, "/archive.html", "/mail.html")
    assert (page.status_code, mail.status_code) == (503, 200)


def test_an_issue_that_is_broken_has_no_page_yet(letter, workspace):
    letter.edit("preheader", "preheadr", ISSUE)
    assert state(workspace) == {"version": None, "absence": None, "problems": []}
    assert [page.status_code for page in get(workspace, "/archive.html", "/archive.css", "/archive.txt")] == [
        503,
        503,
        503,
    ]


def test_published_issues_are_the_neighbours(letter, workspace):
    files = {
        "2025-12-15": "ready: true\n",
        "2025-12-22": "ready: true\narchive: false\n",
        "2025-12-29": "",
        "2026-01-12": "ready: true\n",
        "9998-01-05": "ready: true\n",
    }
    for name, more in files.items():
        letter.save(f"issues/{name}.yml", more + letter.issue)
    letter.save("issues/2025-12-23.yml", "ready: true\nsubject: [")
    (page,) = get(workspace, "/archive.html?issue=2026-01-05")
    assert 'rel="prev" href="../2025-12-15/"' in page.text
    assert 'rel="next" href="../2026-01-12/"' in page.text


def test_an_issue_is_published_when_it_is_sent_or_when_it_is_ready_and_due(letter):
    for name, more in {"2025-12-22": "", "2025-12-29": "", "2026-01-12": "ready: true\n"}.items():
        letter.save(f"issues/{name}.yml", more + letter.issue)
    letter.record_send("2025-12-29")
    issues = IssueList(letter.folder)
    assert issues.published(date(2026, 1, 11)) == set()
    issues.look_up_sends()
    assert issues.published(date(2026, 1, 11)) == {"2025-12-29"}
    assert issues.published(date(2026, 1, 12)) == {"2025-12-29", "2026-01-12"}


def test_the_form_of_the_page_is_shown_and_posts_nowhere(letter, workspace):
    letter.save(
        "newsletter.yml",
        letter.config.replace("/leave/", "/unsubscribe/") + SITE + "archive: {sign_up: form}\n",
    )
    (page,) = get(workspace, "/archive.html")
    assert 'action="https://kitchen.example.com/subscribe"' in page.text
    assert "form-action 'none'" in page.headers["content-security-policy"]


def test_it_is_rendered_when_it_is_looked_at_and_once_for_all_its_parts(letter):
    called = []

    def limited(function, *arguments, **options):
        called.append(function.__module__.rpartition(".")[2])
        return call(function, *arguments, **options)

    workspace = Workspace(letter.folder, limited_build=limited)
    get(workspace, "/mail.html", "/mail.txt", "/headers")
    assert called == ["builder"]
    get(workspace, "/archive", "/archive.html", "/archive.css", "/archive.txt")
    assert called == ["builder", "archive_page"]
    save(letter, workspace, "templates/archive/sign_up.html.j2", "Soup by mail")
    assert "Soup by mail" in get(workspace, "/archive.html")[0].text
    assert called == ["builder", "archive_page"] * 2


def test_a_page_that_never_ends_is_a_problem(letter):
    def limited(function, *arguments, **options):
        if function.__module__.endswith("archive_page"):
            raise LimitReached("takes longer than 10 seconds", "make it shorter")
        return call(function, *arguments, **options)

    told = state(Workspace(letter.folder, limited_build=limited))
    assert told["problems"][0]["what"] == "takes longer than 10 seconds"
