"""The archive: which issues it publishes, what its folder has after a build, and what never gets into it."""

import datetime as dt
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import feedparser
import pytest

from newsletter.config.loader import Newsletter
from newsletter.errors import (
    ArchiveRefused,
    ConfigError,
    IssueError,
    LimitReached,
    TemplateError,
    Unavailable,
)
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.services.archive import Built, build_archive
from newsletter.services.archive_folder import LOCK, MANIFEST, ArchiveFolder
from tests import samples
from tests.render import material
from tests.services.archive_material import PNG, add, own_template, people, records, soup

TODAY = dt.date(2026, 5, 12)
TOKENS = UnsubscribeTokens(samples.SECRET, "soup.example.com")
OLD_TOKENS = UnsubscribeTokens(samples.SECRET, "soup.example.com", version=1)
LINKS = SignedLinks([samples.SECRET], "soup.example.com")
OLD, MIDDLE, NEW = "2026-04-20", "2026-04-27", "2026-05-11"


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    """Return a newsletter with three published issues."""
    return soup(tmp_path / "soup", OLD, MIDDLE, NEW)


def build(newsletter: Newsletter, folder: str = "site", today: dt.date = TODAY, draw: bool = False) -> Built:
    """Build an archive beside the newsletter."""
    newsletter = samples.load(newsletter.folder)
    return build_archive(newsletter, newsletter.folder.parent / folder, None, today, draw=draw)


def site(newsletter: Newsletter, folder: str = "site") -> dict[str, bytes]:
    """Return the content of each file of an archive."""
    root = newsletter.folder.parent / folder
    paths = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths if path.name != LOCK}


def ids(newsletter: Newsletter) -> dict[str, str]:
    """Return the id of each entry of the Atom feed by its title."""
    return {entry.title: entry.id for entry in feedparser.parse(site(newsletter)["feed.xml"]).entries}


# Which issues are published


def test_an_issue_has_a_page_a_text_and_an_entry_everywhere(newsletter: Newsletter) -> None:
    assert build(newsletter).issues == 3
    files = site(newsletter)
    for name in (OLD, MIDDLE, NEW):
        assert f"Leek &amp; potato of {name}" in files[f"{name}/index.html"].decode()
        assert b"Cut, cook, blend" in files[f"{name}/issue.txt"]
        for listed in ("index.html", "feed.xml", "rss.xml", "feed.json", "sitemap.xml"):
            assert f"{name}/" in files[listed].decode(), listed


@pytest.mark.parametrize(
    ("fields", "today"),
    [
        pytest.param("ready: false\n", TODAY, id="draft"),
        pytest.param("ready: true\narchive: false\n", TODAY, id="left-out"),
        pytest.param("ready: true\n", dt.date(2026, 5, 10), id="not-due"),
    ],
)
def test_an_issue_that_is_not_published_is_in_no_file(
    newsletter: Newsletter, fields: str, today: dt.date
) -> None:
    build(newsletter)
    assert NEW in site(newsletter)["2026-04-27/index.html"].decode()
    add(newsletter, NEW, fields=fields)
    assert build(newsletter, today=today).changes.removed == 2
    after = site(newsletter)
    assert not [path for path in after if NEW in path]
    assert not [path for path, content in after.items() if NEW.encode() in content]


def test_an_issue_with_an_error_has_no_page_and_says_why(newsletter: Newsletter) -> None:
    add(newsletter, NEW, text="Cut [[first_name]], cook.")
    built = build(newsletter)
    assert f"{NEW}/index.html" not in site(newsletter)
    (problem,) = built.problems
    assert problem.severity == "warning"
    assert (
        problem.what
        == f"{NEW} has no page until its errors are corrected: [[first_name]] is not a known placeholder"
    )
    assert problem.where.endswith(f"{NEW}.yml:11")


def test_an_issue_of_long_ago_keeps_its_page_with_an_error_of_a_newer_check(newsletter: Newsletter) -> None:
    add(newsletter, OLD, text="Cut [[first_name]], cook.")
    build(newsletter)
    assert f"{OLD}/index.html" in site(newsletter)


def test_a_broken_file_changes_nothing(newsletter: Newsletter) -> None:
    build(newsletter)
    before = site(newsletter)
    (newsletter.issues / f"{OLD}.yml").write_text("subject: [", encoding="utf-8")
    with pytest.raises(IssueError, match=r"2026-04-20\.yml:"):
        build(newsletter)
    assert site(newsletter) == before


def test_what_was_left_out_is_counted(newsletter: Newsletter) -> None:
    add(newsletter, OLD, fields="ready: false\n")
    add(newsletter, MIDDLE, fields="ready: true\narchive: false\n")
    add(newsletter, "2026-05-18")
    built = build(newsletter)
    assert (built.issues, built.drafts, built.later) == (1, 1, 1)


def test_a_broken_draft_of_a_later_date_harms_nobody(newsletter: Newsletter) -> None:
    (newsletter.issues / "2026-05-18.yml").write_text("subject: [", encoding="utf-8")
    assert build(newsletter).issues == 3


@pytest.mark.parametrize(
    ("state", "delivered", "is_ready", "published"),
    [
        pytest.param("open", 1, False, True, id="sent"),
        pytest.param("cancelled", 1, False, True, id="cancelled-late"),
        pytest.param("cancelled", 0, True, False, id="cancelled-in-time"),
    ],
)
def test_the_ledger_decides_on_an_issue_whose_send_began(
    newsletter: Newsletter, state: str, delivered: int, is_ready: bool, published: bool
) -> None:
    add(newsletter, NEW, fields=f"ready: {str(is_ready).lower()}\n")
    records(newsletter, NEW, state=state, delivered=delivered)
    built = build(newsletter)
    assert (f"{NEW}/index.html" in site(newsletter)) is published
    assert [problem.severity for problem in built.problems] == ([] if published else ["note"])


def test_a_rehearsal_is_no_send(newsletter: Newsletter) -> None:
    add(newsletter, NEW, fields="ready: false\n")
    records(newsletter, NEW, list_name="rehearsal:soup.example.com", state="open", delivered=1)
    build(newsletter)
    assert f"{NEW}/index.html" not in site(newsletter)


def test_no_database_is_made(newsletter: Newsletter) -> None:
    build(newsletter)
    assert not newsletter.state.exists()


def test_a_newsletter_without_an_archive_has_none(tmp_path: Path) -> None:
    newsletter = soup(tmp_path / "soup", NEW, extra="archive: false\n")
    with pytest.raises(ConfigError, match=r"newsletter\.yml:\d+: `archive: false` says there is none"):
        build(newsletter)


def test_an_archive_without_issues_has_its_pages(tmp_path: Path) -> None:
    newsletter = soup(tmp_path / "soup")
    assert build(newsletter).issues == 0
    assert b"No issue has been published yet." in site(newsletter)["index.html"]
    assert not feedparser.parse(site(newsletter)["feed.xml"]).bozo


def test_without_a_site_there_are_pages_only(tmp_path: Path) -> None:
    newsletter = soup(tmp_path / "soup", NEW, site="")
    built = build(newsletter)
    assert [problem.what[:28] for problem in built.problems] == ["newsletter.yml has no `site`"]
    files = site(newsletter)
    assert set(files) == {
        *("index.html", "404.html", "style.css", ".nojekyll", MANIFEST),
        *(f"{NEW}/index.html", f"{NEW}/issue.txt"),
    }
    assert b"feed.xml" not in files["index.html"]
    assert not material.parsed(files[f"{NEW}/index.html"].decode()).xpath("//link[@rel='canonical']")


def test_pictures_are_published_with_the_pages(newsletter: Newsletter) -> None:
    add(newsletter, NEW, text="![A pot](pictures/pot.png)")
    pictures = newsletter.folder / "pictures"
    (pictures / "2026").mkdir(parents=True)
    (pictures / "pot.png").write_bytes(PNG)
    (pictures / "2026" / "Pot 2.PNG").write_bytes(PNG)
    (pictures / "notes.txt").write_text("private", encoding="utf-8")
    (pictures / ".pot.png").write_bytes(PNG)
    build(newsletter)
    files = site(newsletter)
    assert [path for path in sorted(files) if path.startswith("pictures")] == [
        "pictures/2026/Pot 2.PNG",
        "pictures/pot.png",
    ]
    page = material.parsed(files[f"{NEW}/index.html"].decode())
    assert page.xpath("//article//img/@src") == ["../pictures/pot.png"]
    assert page.xpath("//article//img/@width") == ["3"]
    assert "https://soup.example.com/pictures/pot.png" in files["feed.xml"].decode()


def test_a_link_out_of_the_newsletter_is_no_picture(newsletter: Newsletter) -> None:
    secret = newsletter.folder.parent / "secret.png"
    secret.write_bytes(PNG)
    (newsletter.folder / "pictures").mkdir()
    (newsletter.folder / "pictures" / "pot.png").symlink_to(secret)
    with pytest.raises(Unavailable, match="symbolic link that leads out"):
        build(newsletter)
    assert not site(newsletter)


# The folder


def test_the_same_input_gives_the_same_bytes_and_writes_nothing_again(newsletter: Newsletter) -> None:
    build(newsletter)
    build(newsletter, "other", today=TODAY + dt.timedelta(days=300))
    assert site(newsletter) == site(newsletter, "other")
    root = newsletter.folder.parent / "site"
    times = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    built = build(newsletter)
    assert built.changes.written == built.changes.removed == 0
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path != root} == {
        path: time for path, time in times.items() if path != root
    }


def test_only_what_has_changed_is_written(newsletter: Newsletter) -> None:
    build(newsletter)
    before = site(newsletter)
    add(newsletter, OLD, text="Cut, cook, eat.")
    build(newsletter)
    after = site(newsletter)
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed == {f"{OLD}/index.html", f"{OLD}/issue.txt", "feed.xml", "rss.xml", "feed.json", MANIFEST}


def test_files_of_other_origin_are_kept(newsletter: Newsletter) -> None:
    root = newsletter.folder.parent / "site"
    root.mkdir()
    (root / "CNAME").write_text("soup.example.com\n", encoding="utf-8")
    build(newsletter)
    (newsletter.issues / f"{NEW}.yml").unlink()
    (root / NEW / "photo.jpg").write_bytes(b"mine")
    build(newsletter)
    files = site(newsletter)
    assert files["CNAME"] == b"soup.example.com\n"
    assert [path for path in files if path.startswith(NEW)] == [f"{NEW}/photo.jpg"]


def test_a_file_of_other_origin_that_is_the_same_is_not_deleted_later(newsletter: Newsletter) -> None:
    picture = newsletter.folder / "pictures" / "pot.png"
    own = newsletter.folder.parent / "site" / "pictures" / "pot.png"
    for file in (picture, own):
        file.parent.mkdir(parents=True)
        file.write_bytes(PNG)
    build(newsletter)
    picture.unlink()
    build(newsletter)
    assert own.exists()


def test_a_file_of_other_origin_is_not_replaced(newsletter: Newsletter) -> None:
    root = newsletter.folder.parent / "site"
    root.mkdir()
    (root / "index.html").write_text("mine", encoding="utf-8")
    with pytest.raises(Unavailable, match=r"site/index\.html: was not written by news archive"):
        build(newsletter)
    assert site(newsletter) == {"index.html": b"mine"}


def test_a_file_that_was_changed_by_hand_is_written_again(newsletter: Newsletter) -> None:
    build(newsletter)
    before = site(newsletter)
    (newsletter.folder.parent / "site" / "index.html").write_text("changed", encoding="utf-8")
    assert build(newsletter).changes.written == 1
    assert site(newsletter) == before


@pytest.mark.parametrize(
    ("name", "what"),
    [
        (".", "is the folder of the newsletter itself"),
        ("..", "is the folder of the newsletter itself"),
        *(
            (name, "is for other files of the newsletter")
            for name in ("issues", "pictures/site", "templates")
        ),
        *((name, "is for other files of the newsletter") for name in ("outbox", ".news", ".news/site")),
    ],
)
def test_the_newsletter_itself_is_no_folder_for_an_archive(
    newsletter: Newsletter, name: str, what: str
) -> None:
    with pytest.raises(Unavailable, match=what):
        build_archive(newsletter, newsletter.folder / name, None, TODAY, draw=False)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"files": {"../secret": "x"}, "cards": {}}', id="above"),
        pytest.param(b'{"files": {"/etc/passwd": "x"}, "cards": {}}', id="absolute"),
        pytest.param(b'{"files": {".git/config": "x"}, "cards": {}}', id="hidden"),
        pytest.param(b'{"files": {"a\\u0000b": "x"}, "cards": {}}', id="null"),
        pytest.param(b'{"files": {"\\ud800": "x"}, "cards": {}}', id="surrogate"),
        pytest.param(b'{"files": [], "cards": {}}', id="no-mapping"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"\xff\xfe", id="no-text"),
    ],
)
def test_a_list_of_files_that_news_did_not_write_is_refused(newsletter: Newsletter, content: bytes) -> None:
    root = newsletter.folder.parent / "site"
    root.mkdir()
    (root / MANIFEST).write_bytes(content)
    secret = newsletter.folder.parent / "secret"
    secret.write_text("kept", encoding="utf-8")
    with pytest.raises(Unavailable, match="is not the list of files that news archive writes"):
        build(newsletter)
    assert secret.read_text(encoding="utf-8") == "kept"


def test_a_folder_behind_a_link_is_not_emptied(newsletter: Newsletter) -> None:
    build(newsletter)
    root, elsewhere = newsletter.folder.parent / "site", newsletter.folder.parent / "elsewhere"
    (root / NEW).rename(elsewhere)
    (root / NEW).symlink_to(elsewhere)
    add(newsletter, NEW, fields="ready: true\narchive: false\n")
    with pytest.raises(Unavailable, match="symbolic link"):
        build(newsletter)
    assert (elsewhere / "index.html").exists()


def test_a_full_disk_leaves_the_archive_as_it_was(newsletter: Newsletter) -> None:
    build(newsletter)
    before = site(newsletter)
    add(newsletter, OLD, text="Cut, cook, eat. " * 2000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (25_000, limits[1]))
    try:
        with pytest.raises(Unavailable, match="cannot be written"):
            build(newsletter)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert site(newsletter) == before


def test_a_folder_that_may_not_be_written_is_an_answer(newsletter: Newsletter) -> None:
    file = newsletter.folder.parent / "site"
    file.write_text("a file", encoding="utf-8")
    with pytest.raises(Unavailable, match="site: cannot be written"):
        build(newsletter)


def test_a_second_build_at_the_same_time_is_refused(newsletter: Newsletter) -> None:
    build(newsletter)
    with (
        ArchiveFolder.open(newsletter.folder.parent / "site", None),
        pytest.raises(Unavailable, match="is being written by another `news archive`"),
    ):
        build(newsletter)
    assert build(newsletter).changes.written == 0


# A process that is killed


def _killed_at(newsletter: Newsletter, number: int) -> bool:
    """Build in a fork that is killed at its n-th change of a name in the folder; return False if it ended."""
    if (child := os.fork()) == 0:
        code = 1
        try:
            changes = iter(range(number))

            def count(event: str, _: tuple[object, ...]) -> None:
                if event in ("os.rename", "os.remove") and next(changes, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(count)
            build(newsletter)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _reachable(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Yield each page and each file that it leads to, beginning with the first page."""
    waiting, seen = ["index.html"], {"index.html"}
    while waiting:
        page = waiting.pop()
        document = material.parsed(files[page].decode())
        for target in document.xpath("//a/@href | //img/@src | //link[@rel='stylesheet']/@href"):
            parts = urlsplit(urljoin(f"/{page}", target))
            if parts.scheme or not parts.path:
                continue
            file = parts.path.removeprefix("/")
            file += "index.html" if file.endswith("/") or not file else ""
            yield page, file
            if file.endswith(".html") and file in files and file not in seen:
                seen.add(file)
                waiting.append(file)


def test_a_kill_at_any_moment_leaves_complete_pages_whose_links_lead_somewhere(
    newsletter: Newsletter, every_case: bool
) -> None:
    hidden = (MIDDLE, "2026-04-25", NEW)
    step = 1 if every_case else 13

    def before_the_change() -> None:
        add(newsletter, "2026-04-24")
        for name in hidden:
            add(newsletter, name, fields="ready: false\n")

    def after_the_change() -> None:
        add(newsletter, "2026-04-24", fields="ready: true\narchive: false\n")
        for name in hidden:
            add(newsletter, name)

    before_the_change()
    build(newsletter)
    before = site(newsletter)
    after_the_change()
    build(newsletter, "whole")
    whole = site(newsletter, "whole")
    complete = {content for files in (before, whole) for content in files.values()}
    number = 0
    while _killed_at(newsletter, number):
        files = {path: content for path, content in site(newsletter).items() if not path.startswith(".news")}
        assert set(files.values()) <= complete, number
        assert [link for link in _reachable(files) if link[1] not in files] == [], number
        build(newsletter)
        assert site(newsletter) == whole, number
        before_the_change()
        build(newsletter)
        assert site(newsletter) == before
        after_the_change()
        number += step
    assert number > 30
    root = newsletter.folder.parent / "site"
    assert {path.name for path in root.iterdir() if path.name.startswith(".news-archive")} == {MANIFEST, LOCK}


# What never gets into it


def test_placeholders_are_filled_for_a_reader_whom_nobody_knows(newsletter: Newsletter) -> None:
    add(newsletter, NEW, text="Dear [[name]] at [[address]], [leave]([[unsubscribe_url]]) or stay.")
    build(newsletter)
    files = site(newsletter)
    page = files[f"{NEW}/index.html"].decode()
    assert "Dear reader at reader, " in page
    assert '<a href="mailto:leave@example.com">leave</a>' in page
    assert "Dear reader at reader, leave <mailto:leave@example.com>" in files[f"{NEW}/issue.txt"].decode()
    assert not [path for path, content in files.items() if b"[[" in content]


@pytest.mark.parametrize(
    ("template", "written", "what"),
    [
        pytest.param(
            "article",
            "{{ 'sam' }}@{{ 'home.example' }}",
            "sam@home.example, the address of a subscriber",
            id="address",
        ),
        pytest.param("index", "sam&#64;{{ 'home.example' }}", "sam@home.example, the", id="escaped"),
        pytest.param("issue", f"/unsubscribe/{{{{ '{TOKENS.token(17)}' }}}}", r"2\.17\.", id="token"),
        pytest.param("index", f"/unsubscribe/{{{{ '{OLD_TOKENS.token(17)}' }}}}", r"17\.", id="token-1"),
        pytest.param(
            "not_found", f"/confirm/{{{{ '{LINKS.confirm_token(17)}' }}}}", r"c\.17\.", id="confirm"
        ),
        pytest.param(
            "article", f"/data/{{{{ '{LINKS.data_token(17, samples.NOW)}' }}}}", r"d\.17\.", id="own-data"
        ),
    ],
)
def test_personal_data_is_refused(newsletter: Newsletter, template: str, written: str, what: str) -> None:
    records(newsletter, NEW, address="Sam@home.example")
    build(newsletter)
    before = site(newsletter)
    in_two_parts = written.replace(".", "' ~ '.", 1)  # the words of a source are public
    own_template(newsletter, f"{template}.html.j2", f"<p>{in_two_parts}</p>")
    with pytest.raises(ArchiveRefused, match=f"would publish {what}"):
        build(newsletter)
    assert site(newsletter) == before


def test_a_placeholder_that_nothing_fills_is_refused(newsletter: Newsletter) -> None:
    own_template(newsletter, "style.css.j2", "body::after { content: '[[name]]' }")
    with pytest.raises(ArchiveRefused, match=r"would publish \[\[name\]\], a placeholder"):
        build(newsletter)
    assert not site(newsletter)


def test_a_link_of_the_newsletter_with_a_token_is_refused_also_if_the_issue_has_it(
    newsletter: Newsletter,
) -> None:
    add(newsletter, NEW, text=f"[leave](https://soup.example.com/leave/{TOKENS.token(17)})")
    with pytest.raises(ArchiveRefused, match=r"index.html: would publish 2\.17\.\w{32}, the token"):
        build(newsletter)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("[Bo](mailto:bo%2Bsoup@home.example)", "bo%2Bsoup@home.example", id="encoded"),
        pytest.param("O\\_o.x@home.example", "O_o.x@home.example", id="escaped"),
        pytest.param("**sam**@home.example", "<strong>sam</strong>@home.example", id="marked"),
        pytest.param("*sam@home.example* or `sam@home.example`", "<em>sam@home.example</em>", id="marks"),
        pytest.param("Questions?\n\n      sam@home.example answers.", "sam@home.example", id="first-in-line"),
        pytest.param("|a|\n      |-|\n      |sam@home.example|", "sam@home.example", id="cell"),
        pytest.param("[us](mailto:info@bücher.example)", "info@xn--bcher-kva.example", id="idn"),
        pytest.param("`lodash@4.17.21` and `git@github.com:ada/soup.git`", "lodash@4.17.21", id="no-address"),
        pytest.param("[x](https://bücher.example/@foo.bar)", "@foo.bar", id="handle"),
        pytest.param("`12." + "0123456789abcdef" * 2 + "`", "12.0123456789abcdef", id="like-a-token"),
    ],
)
def test_what_the_issue_itself_has_is_published(newsletter: Newsletter, text: str, shown: str) -> None:
    for address in ("bo+soup@home.example", "sam@home.example", "o_o.x@home.example"):
        people(newsletter, address)
    add(newsletter, NEW, text=text)
    build(newsletter)
    assert shown in site(newsletter)[f"{NEW}/index.html"].decode()


def test_the_name_of_a_picture_is_searched_too(newsletter: Newsletter) -> None:
    people(newsletter, "sam@home.example")
    (newsletter.folder / "pictures").mkdir()
    (newsletter.folder / "pictures" / "sam@home.example.png").write_bytes(PNG)
    with pytest.raises(ArchiveRefused, match=r"sam@home\.example, the address of a subscriber"):
        build(newsletter)


def test_subscribers_of_the_store_are_in_no_file(newsletter: Newsletter) -> None:
    records(newsletter, NEW, state="open", delivered=1, address="sam.secret@home.example")
    build(newsletter)
    files = site(newsletter)
    assert not [path for path, content in files.items() if b"sam.secret" in content]


# Feeds


def test_ids_stay_with_another_site_title_and_order(newsletter: Newsletter) -> None:
    build(newsletter)
    before = ids(newsletter)
    assert before[f"Leek & potato of {NEW}"] == f"tag:example.com,{NEW}:{NEW}"
    yml = newsletter.folder / "newsletter.yml"
    text = yml.read_text(encoding="utf-8").replace(
        "https://soup.example.com\n", "https://elsewhere.example\n"
    )
    yml.write_text(text.replace("name: The Soup Letter\n", "name: The Other Letter\n"), encoding="utf-8")
    add(newsletter, "2026-04-13")
    add(newsletter, NEW, subject="Another title")
    build(newsletter)
    after = ids(newsletter)
    assert after.pop("Another title") == before.pop(f"Leek & potato of {NEW}")
    assert after == before | {"Leek & potato of 2026-04-13": "tag:example.com,2026-04-13:2026-04-13"}
    feeds = [feedparser.parse(site(newsletter)[name]) for name in ("feed.xml", "rss.xml")]
    of_json = json.loads(site(newsletter)["feed.json"])["items"]
    listed = [entry.id for entry in feeds[0].entries]
    assert listed == [entry.id for entry in feeds[1].entries] == [item["id"] for item in of_json]


def test_updated_changes_only_with_the_key(newsletter: Newsletter) -> None:
    build(newsletter)
    before = {entry.id: entry.updated for entry in feedparser.parse(site(newsletter)["feed.xml"]).entries}
    add(newsletter, OLD, text="Cut, cook, eat.")
    build(newsletter)
    unchanged = {entry.id: entry.updated for entry in feedparser.parse(site(newsletter)["feed.xml"]).entries}
    assert unchanged == before
    add(newsletter, OLD, fields="ready: true\nupdated: 2026-04-29\n")
    build(newsletter)
    after = {entry.id: entry.updated for entry in feedparser.parse(site(newsletter)["feed.xml"]).entries}
    assert [key for key in after if after[key] != before[key]] == [f"tag:example.com,{OLD}:{OLD}"]
    page = material.parsed(site(newsletter)[f"{OLD}/index.html"].decode())
    assert page.xpath("//meta[@property='article:modified_time']/@content") == ["2026-04-29"]


# Mistakes in templates


def test_a_mistake_in_an_own_template_is_named_with_its_line(newsletter: Newsletter) -> None:
    own_template(newsletter, "story.html.j2", "<p>\n{{ story.nothing }}</p>")
    with pytest.raises(TemplateError, match=r"story\.html\.j2:2: Story has no field 'nothing'"):
        build(newsletter)
    assert not site(newsletter)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param('{{ ("<div>"*20000)|safe }}{{ ("</b>"*20000)|safe }}', id="elements"),
        pytest.param('{{ ("a"*64~"@")*4000 }}', id="addresses"),
    ],
)
def test_a_template_cannot_make_what_follows_slow(newsletter: Newsletter, written: str) -> None:
    own_template(newsletter, "article.html.j2", written)
    build(newsletter)


def test_a_page_that_is_too_large_is_refused(newsletter: Newsletter) -> None:
    own_template(newsletter, "article.html.j2", "{{ 'soup ' * 1000000 }}")
    with pytest.raises(TemplateError, match="a page of the archive has more than 2,000,000 characters"):
        build(newsletter)


def test_a_template_without_end_is_stopped(newsletter: Newsletter) -> None:
    own_template(newsletter, "index.html.j2", "{% for n in range(99999) %}{{ 'x' * 9999999 }}{% endfor %}")
    with pytest.raises((TemplateError, LimitReached), match=r"too much memory|MB of memory|longer than"):
        build(newsletter)
    assert not site(newsletter)
