from pathlib import Path

import pytest

from newsletter.config import loader
from newsletter.config.answers import THEMES
from newsletter.issue import files
from newsletter.starter.details import Details, name_of_folder
from newsletter.starter.first_files import first_issue, missing_lines, newsletter_yml, readme, with_lines


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("soup-letter", "Soup Letter"),
        ("the_soup.letter", "The Soup Letter"),
        ("iPhone news", "IPhone News"),
        ("", "My Newsletter"),
        ("...", "My Newsletter"),
        ('a "b" <&> {c}: #d', 'A "b" <&> {c}: #d'),
        ("%{name}", "%{name}"),
        ("🍲", "🍲"),
        ("a\nb", "A\\u000ab"),
        ("x" * 300, "X" + "x" * 96 + "…"),
    ],
)
@pytest.mark.parametrize("window", ["", "90m"], ids=["outbox", "github"])
def test_newsletter_yml_can_be_loaded(folder: str, name: str, window: str, tmp_path: Path) -> None:
    (tmp_path / "newsletter.yml").write_text(
        newsletter_yml(Details(name_of_folder(folder)), window), encoding="utf-8"
    )
    config, _ = loader.load_file(tmp_path)
    assert (config.name, config.sender.name) == (name, name)
    assert config.provider == ("sendgrid" if window else "outbox")
    assert bool(config.state) == bool(window)
    assert config.send.undo_window == (window or "30m")


def test_the_comments_on_the_archive_can_be_used(tmp_path: Path) -> None:
    text = newsletter_yml(Details("Soup"))
    with_site = text.replace("# site: ", "site: ")
    without_archive = with_site.replace("# archive: ", "archive: ")
    assert len({text, with_site, without_archive}) == 3
    for content, has_archive in ((with_site, True), (without_archive, False)):
        (tmp_path / "newsletter.yml").write_text(content, encoding="utf-8")
        config, _ = loader.load_file(tmp_path)
        assert config.site == "https://example.com"
        assert config.archive.exists is has_archive


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "\\",
        "\\u0041 \\x",
        "no",
        "1e3",
        "~",
        "{a: b}",
        "# a",
        "%{name}",
        "${{ a }}",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "a\u202e\U000e0001",
    ],
)
def test_each_detail_is_written_as_it_is(text: str, tmp_path: Path) -> None:
    link = "https://example.com/{token}"
    details = Details(text, text, "ada@example.com", text, link, "no", "letter")
    (tmp_path / "newsletter.yml").write_text(newsletter_yml(details), encoding="utf-8")
    config, _ = loader.load_file(tmp_path)
    assert (config.name, config.sender.name, config.postal_address) == (text, text, text)
    assert (config.unsubscribe.url, config.language) == (link, "no")


@pytest.mark.parametrize("theme", THEMES)
def test_an_example_says_the_same_in_both_forms(theme: str, tmp_path: Path) -> None:
    issues = []
    for suffix in (".yml", ".md"):
        path = (tmp_path / suffix[1:] / "2026-05-04").with_suffix(suffix)
        path.parent.mkdir()
        path.write_text(first_issue(path.stem, theme, markdown=suffix == ".md"), encoding="utf-8")
        issue = files.load(path)
        assert not issue.ready
        sections = [section.model_dump() for _, section in issue.located_sections()]
        issues.append(issue.model_dump(exclude={"path", "source", "lines", "stories", "sections"}))
        issues[-1]["sections"] = sections
    assert _without_line_ends(issues[0]) == _without_line_ends(issues[1])


def _without_line_ends(value: object) -> list[str]:
    return repr(value).replace("\\n", " ").split()


WHY = b"# Secrets, mail, lists of subscribers and built files stay out of Git.\n"
ALL = b".env\n.venv/\nbuild/\noutbox/\nsite/\nsubscribers*.csv\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", WHY + ALL),
        (ALL, ALL),
        (b"/.env\r\n.venv\r\n/build\r\noutbox\r\n/site\r\nsubscribers*.csv", None),
        # This ignores a folder only.
        (ALL.replace(b".env\n", b".env/\n", 1), ALL.replace(b".env\n", b".env/\n", 1) + WHY + b".env\n"),
        (
            b"*.pyc\n.env\n.venv\nbuild",
            b"*.pyc\n.env\n.venv\nbuild\n" + WHY + b"outbox/\nsite/\nsubscribers*.csv\n",
        ),
        (b"\xff\xfe\n" + ALL, None),
    ],
    ids=["new", "complete", "other-spellings", "a-folder", "lines-missing", "not-utf-8"],
)
def test_missing_lines_are_added_to_gitignore(before: bytes, after: bytes | None) -> None:
    extended = with_lines(before, missing_lines(before))
    assert extended == (before if after is None else after)
    assert missing_lines(extended) == []


def test_lines_are_added_with_the_line_ends_of_the_file() -> None:
    before = b"*.pyc\r\n.env\r\n.venv/\r\nbuild/"
    after = with_lines(before, missing_lines(before))
    assert after == before + b"\r\n" + WHY[:-1] + b"\r\noutbox/\r\nsite/\r\nsubscribers*.csv\r\n"


@pytest.mark.parametrize("on_ref", [False, True])
def test_the_readme_has_ten_lines(on_ref: bool) -> None:
    text = readme("A <b>*new*</b> [letter]", on_ref=on_ref)
    assert text.count("\n") == 10
    assert text.startswith(r"# A \<b\>\*new\*\</b\> \[letter\]" + "\n")
    assert ("ref of this repository" in text) is on_ref
