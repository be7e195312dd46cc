"""Characters that reorder or hide text: named in a warning, refused in a subscriber's name."""

from pathlib import Path

import pytest

from newsletter.errors import Problem, SubscriberError
from newsletter.hidden_characters import find_hidden
from newsletter.render.template_files import BUILT_IN
from newsletter.subscribers.import_row import ImportRow
from newsletter.subscribers.parsing import parse_subscriber
from tests.checks.material import BASE, problems_of
from tests.import_tables import read_file

ORDER = "which changes the order of the text around it"
ISSUE = "issues/2026-04-27.yml"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("\u202eevil", f"U+202E RIGHT-TO-LEFT OVERRIDE, {ORDER}", id="rlo"),
        pytest.param("\u202devil", f"U+202D LEFT-TO-RIGHT OVERRIDE, {ORDER}", id="lro"),
        pytest.param("\u202bx\u202b", f"U+202B RIGHT-TO-LEFT EMBEDDING, {ORDER}", id="rle"),
        pytest.param("\u202ax", f"U+202A LEFT-TO-RIGHT EMBEDDING, {ORDER}", id="lre"),
        pytest.param("x\u202c", f"U+202C POP DIRECTIONAL FORMATTING, {ORDER}", id="pdf"),
        pytest.param(
            "\u2067x", "U+2067 RIGHT-TO-LEFT ISOLATE, an isolate without its end (U+2069)", id="rli"
        ),
        pytest.param(
            "\u2068x\n\ny\u2069", "U+2068 FIRST STRONG ISOLATE, an isolate without", id="paragraphs"
        ),
        pytest.param("x\u2069\u2066", "U+2069 POP DIRECTIONAL ISOLATE, the end of an isolate that", id="pdi"),
        pytest.param("a\U000e0041b", "U+E0041 TAG LATIN CAPITAL LETTER A, which is invisible", id="tag"),
        pytest.param("\U0001f3f4" + "\U000e0061" * 9 + "\U000e007f", "U+E0061 TAG LATIN SMALL", id="no-flag"),
        pytest.param("pay\u200bpal", "U+200B ZERO WIDTH SPACE, which splits a word invisibly", id="zwsp"),
        pytest.param("pay\u2060pal", "U+2060 WORD JOINER, which splits", id="word-joiner"),
        pytest.param("\u0440\u200d\u0430", "U+200D ZERO WIDTH JOINER, which splits", id="cyrillic"),
        pytest.param(
            "x\u200c\u200d\u200c", "U+200C ZERO WIDTH NON-JOINER, the first of 3 invisible", id="row"
        ),
        pytest.param("x" + "\U000e0101" * 4, "U+E0101 VARIATION SELECTOR-18, the first of 4", id="selectors"),
        pytest.param("\u200b ", "U+200B ZERO WIDTH SPACE, in a text without a visible character", id="blank"),
        pytest.param("\u3164", "U+3164 HANGUL FILLER, which is invisible", id="filler"),
        pytest.param("x\u206a", "U+206A INHIBIT SYMMETRIC SWAPPING, which is invisible", id="deprecated"),
        pytest.param("x\ufff9y", "U+FFF9 INTERLINEAR ANNOTATION ANCHOR, which", id="annotation"),
    ],
)
def test_what_reorders_or_hides_is_named(text: str, found: str, tmp_path: Path) -> None:
    assert str(find_hidden(text)[0]).startswith(found)
    with pytest.raises(SubscriberError, match="the name has U"):
        parse_subscriber("ada@example.com", text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a \u2066b\u2069 \u2067c \u2068d\u2069\u2069", id="closed-isolates"),
        pytest.param("\u200e\u05d0\u05d1 (1)\u200f \u061c", id="marks"),
        pytest.param("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", id="persian"),
        pytest.param("\u0915\u094d\u200d\u0937", id="hindi"),
        pytest.param("\u2764\ufe0f \U0001f468\u200d\u2764\ufe0f\u200d\U0001f468", id="emoji"),
        pytest.param("\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", id="flag"),
        pytest.param("\u845b\U000e0101", id="variation-of-a-han-character"),
        pytest.param("\u0e2a\u0e27\u0e31\u200b\u0e2a\u0e14\u0e35", id="thai"),
        pytest.param("Donau\u00addampf\u00adschiff, Auf\u200clage, and/\u200bor", id="hyphens-and-breaks"),
    ],
)
def test_normal_writing_is_left_alone(text: str) -> None:
    assert find_hidden(text) == []
    assert parse_subscriber("ada@example.com", text)[1] == text


def warnings(folder: Path, over: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the warnings of `hidden-characters` for the base newsletter with these files."""
    monkeypatch.chdir(folder)
    for name, content in over.items():
        (folder / "over" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "over" / name).write_text(content, encoding="utf-8")
    problems: list[Problem] = problems_of(folder, folder / "over")
    assert all(problem.severity == "warning" and problem.fix for problem in problems)
    return [f"{p.where}: {p.what}" for p in problems if p.check == "hidden-characters"]


def test_every_text_of_an_issue_and_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A preheader, a tag, the words of a link, Markdown; the name, the sender and the address."""
    issue = (BASE / ISSUE).read_text(encoding="utf-8")
    issue = issue.replace("A soup", "A \u202esoup")
    issue = issue.replace("text: Cut, cook, [", "text: |\n          Yes.\n          No, \u202dno [\u202b")
    issue += "    tags: [x, \u202ay]\nextra: {note: [\u202ez]}\n"
    settings = (BASE / "newsletter.yml").read_text(encoding="utf-8")
    settings = settings.replace("name: The", "name: \u202eThe").replace("1 Kitchen", "1 \u202dKitchen")
    found = warnings(tmp_path, {ISSUE: issue, "newsletter.yml": settings}, monkeypatch)
    assert [line.split(" has U+")[0] for line in found] == [
        "issues/2026-04-27.yml:2: preheader",
        "issues/2026-04-27.yml:13: stories[0].passages[0].text",
        "issues/2026-04-27.yml:13: stories[0].passages[0].text",
        "issues/2026-04-27.yml:14: stories[0].tags[1]",
        "issues/2026-04-27.yml:15: extra.note[0]",
        "newsletter.yml:1: name",
        "newsletter.yml:2: sender.name",
        "newsletter.yml:3: postal_address",
    ]


def test_a_template_is_found_by_what_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its line is found too, if the character stands in it."""
    html = (BUILT_IN / "footer.mjml.j2").read_text(encoding="utf-8").replace("<br />", "\u202e<br />", 1)
    text = (BUILT_IN / "footer.txt.j2").read_text(encoding="utf-8") + "\u202d\n"
    over = {"templates/footer.mjml.j2": html, "templates/footer.txt.j2": text}
    last = len(text.splitlines())
    assert warnings(tmp_path, over, monkeypatch) == [
        f"templates/footer.mjml.j2:3: the mail has U+202E RIGHT-TO-LEFT OVERRIDE, {ORDER}",
        f"templates/footer.txt.j2:{last}: the mail has U+202D LEFT-TO-RIGHT OVERRIDE, {ORDER}",
    ]


def test_an_import_leaves_out_a_line_with_such_a_name(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("address,name\nada@example.com,\u202eadA\nbo@example.com,Bo\n", encoding="utf-8")
    refused, row = read_file(path)
    assert isinstance(refused, Problem) and refused.where.endswith("list.csv:2") and refused.fix
    assert refused.what == f"the name has U+202E RIGHT-TO-LEFT OVERRIDE, {ORDER}"
    assert isinstance(row, ImportRow) and row.name == "Bo"
