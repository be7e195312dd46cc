"""Inputs that a check once complained about without reason, or with the wrong place or advice."""

from pathlib import Path

import pytest

from newsletter.checks import runner
from newsletter.checks.proof import Proof
from newsletter.config.loader import load
from newsletter.issue import files
from newsletter.services.prepare import proof
from tests.checks.material import BASE


@pytest.fixture(autouse=True)
def _in_the_newsletter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Show files relative to the newsletter's folder."""
    monkeypatch.chdir(tmp_path)


def issue(
    text: str = "Cut, cook.", *, title: str = "Leek soup", link: str = "https://soup.example.com/leek"
) -> str:
    """Return an issue file with one story, whose text begins in line 12."""
    indented = text.replace("\n", "\n          ")
    return f"""\
subject: Leek & potato
preheader: A soup for the first cold evening of the year.
opening:
  - heading: Hello
    text: It is cold outside.
stories:
  - title: {title}
    link: {link}
    passages:
      - heading: How
        text: |
          {indented}
"""


def proof_of(source: str, earlier: str = "", settings: str = "") -> Proof:
    """Return the proof of an issue in the current folder."""
    folder = Path.cwd()
    (folder / "issues").mkdir()
    settings = (BASE / "newsletter.yml").read_text(encoding="utf-8") + settings
    (folder / "newsletter.yml").write_text(settings, encoding="utf-8")
    (folder / "issues" / "2026-04-27.yml").write_text(source, encoding="utf-8")
    if earlier:
        (folder / "issues" / "2026-04-20.yml").write_text(earlier, encoding="utf-8")
    newsletter = load(folder, {})
    return proof(newsletter, files.load(files.find(newsletter.issues)))


def findings(source: str, earlier: str = "", settings: str = "") -> list[str]:
    """Return the problems of an issue as `file:line: what`."""
    return [f"{p.where}: {p.what}" for p in runner.run(proof_of(source, earlier, settings))]


ADDRESSES = [
    "https://example.com/Gemüse",
    "https://example.com/leek?taste=süß#größe",
    "https://bücher.example.com/leek",
    "https://BÜCHER.example.com/leek",
    "https://例え.example.com/レシピ",
    "https://example.com/leek?a=b|c{}^",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_has_one_spelling_in_both_parts(address: str) -> None:
    text = f"See [the soup]({address}), <{address}> and ![a picture]({address}/picture)."
    text += f"\n\nSee [{address}]({address}), and [a reference][r].\n\n[r]: {address}"
    checked = proof_of(issue(text, link=f'"{address}"'))
    assert [problem.what for problem in runner.run(checked)] == []
    assert all(target.isascii() for target in checked.document.targets)
    assert all(word.isascii() for word in checked.rendered.text.split() if "://" in word)


def test_an_address_that_a_template_writes_has_the_same_spelling() -> None:
    (Path.cwd() / "templates").mkdir()
    for name, words in (
        (
            "passage.mjml.j2",
            "<mj-text css-class='ink'>{{ passage.text|markdown }} <a href='{{ issue.extra.to }}'>Soup</a></mj-text>",
        ),
        ("passage.txt.j2", "{{ passage.text|plain }}\nSoup: {{ issue.extra.to }}"),
    ):
        (Path.cwd() / "templates" / name).write_text(words, encoding="utf-8")
    checked = proof_of(issue() + "extra: {to: 'https://bücher.example.com/ü?a=1&b=2'}\n")
    assert runner.run(checked) == []
    assert "https://xn--bcher-kva.example.com/%C3%BC?a=1&b=2" in checked.document.targets


def test_a_link_that_markdown_rewrites_is_located_in_the_issue() -> None:
    links = r"""
[a b](http://example.com/ü)
[c d](http://example.com/a\_b)
[e f](http://example.com/?a=1&amp;b=|2)
[g h](<http://example.com/a b>)
<http://bücher.example.com/x>
[i j](http://example.com/Lauch_(Gemüse))
[k l](gemüse.html)
[m n](http://bücher.example.com)
[o p](http://bücher.example.com/xy)
请看[链接](http://example.com/zz-ü)和[另一](http://example.com/yy-ö)。
[q r](http://example.com/ü)
[s t](http://example.com/%C3%BC)
![u](http://example.com/bild-ä.png)
[v w](http://localhost/"x")
[z]: http://example.com/ö "Title"
""".strip().splitlines()
    problems = findings(issue("\n\n".join([*links[:-1], "[x y][z]", links[-1]])))
    found = [line for line in problems if "https" not in line.partition(": ")[0]]
    expected = [12 + 2 * n for n in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 11, 12, 13, 15)]
    assert [int(line.split(":")[1]) for line in found] == expected
    assert all(line.startswith("issues/2026-04-27.yml:") for line in found)
