"""Inputs that a check once complained about without reason, or with the wrong place or advice."""

from collections.abc import Iterable
from pathlib import Path
from textwrap import indent

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


def passages(texts: Iterable[str]) -> str:
    """Return further passages of the story, each with its text in the line below `- text:`."""
    return "".join(f"      - text: |\n{indent(text, ' ' * 10)}\n" for text in texts)


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


@pytest.mark.parametrize(
    "text",
    ["请看https://soup.example.org，谢谢。", "看（https://soup.example.org）", "见https://example.org：好"],
)
def test_a_bare_address_before_an_east_asian_mark_is_in_the_text_part(text: str) -> None:
    assert findings(issue(text)) == []


def test_an_address_that_a_template_writes_has_the_same_spelling() -> None:
    (Path.cwd() / "templates").mkdir()
    link = "<a href='{{ issue.extra.to }}'>Soup</a>"
    html = f"<mj-text css-class='ink'>{{{{ passage.text|markdown }}}} {link}</mj-text>"
    text = "{{ passage.text|plain }}\nSoup: {{ issue.extra.to }}"
    for name, template in (("passage.mjml.j2", html), ("passage.txt.j2", text)):
        (Path.cwd() / "templates" / name).write_text(template, encoding="utf-8")
    checked = proof_of(issue() + "extra: {to: 'https://bücher.example.com/ü?a=1&b=2'}\n")
    assert runner.run(checked) == []
    assert "https://xn--bcher-kva.example.com/%C3%BC?a=1&b=2" in checked.document.targets


def test_words_that_name_another_host_in_another_spelling() -> None:
    same = "[https://bücher.example.com](https://xn--bcher-kva.example.com/a)"
    other = "[https://bücher.example.com](https://bucher.example.com/b)"
    assert findings(issue(f"{same} or {other}")) == [
        'issues/2026-04-27.yml:12: the words "https://bücher.example.com" lead to bucher.example.com,'
        " as in phishing mails"
    ]


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
    assert sorted(int(line.split(":")[1]) for line in found) == expected
    assert all(line.startswith("issues/2026-04-27.yml:") for line in found)


NO_ALARMS = {
    "HTML by entities": "Write &lt;b&gt; and &#60;i&#62;, or &lt;div class=x&gt;, for that.",
    "HTML with backslashes": r"Write \<b>, \<p\> and \<br> for that.",
    "entities": "Write &amp;lt; and &amp;amp; for these, or &amp;#160;.",
    "HTML over two lines": "Write &lt;span\nclass=x&gt; for that.",
    "code": "Write `<b>` and `&lt;` for that.",
    "marks with backslashes": r"It is \*\*not bold\*\*, \[no link\](https://example.com) and \_\_init\_\_.",
    "stars": "⭐⭐⭐⭐⭐",
    "text stars": "★★★☆☆",
    "heart": "❤️",
    "arrow": "→",
    "long line of code": "Do this:\n\n    " + "curl --silent --show-error " * 5,
    "long line in a fence": "Do this:\n\n```\n" + "x = 1 + " * 14 + "1\n```",
    "long line in a list": "- Do this:\n\n  ```\n  " + "x = 1 + " * 14 + "1\n  ```",
    "long line in a quotation": "> Do this:\n>\n>     " + "curl --silent --show-error " * 5,
    "hashtag in capitals": "#ICYDNCI the soup is hot.",
    "hashtag in lower case": "#soup",
    "hashtag of two words": "#BlackFriday for soups",
    "hashtags": "#Soup #Stew",
    "hashtag in a sentence": "#Soup is what we eat in January.",
    "hashtag with a backslash": r"\#Soup",
    "heading that is a link": "## [A soup](https://example.com/soup)",
    "heading of code that is a link": "### [`soup`](https://example.com/soup)",
    "link alone in a list": "- [A soup](https://example.com/soup)",
}


def test_texts_without_a_problem() -> None:
    assert findings(issue("Cut.") + passages(NO_ALARMS.values())) == []


ALARMS = {
    "heading without a space": ("##Soup", 'readers would see "##Soup"'),
    "main heading without a space": ("#Soup and stew", 'readers would see "#Soup and stew"'),
    "Chinese heading without a space": ("#热汤", 'readers would see "#热汤"'),
    "HTML beside HTML with entities": ("&lt;b> and <b>", 'readers would see "…b> and <b>"'),
    "marks": ("⭐ **not bold **", 'readers would see "⭐ **not bold **"'),
    "a rule only": ("***", 'the passage has no words ("***")'),
    "dots only": ("…", 'the passage has no words ("…")'),
    "a mark only": ("^", 'the passage has no words ("^")'),
}


def test_texts_with_a_problem() -> None:
    found = findings(issue("Cut.") + passages(text for text, _ in ALARMS.values()))
    # A passage begins every second line, from line 13, and its text in the line below.
    assert sorted(found) == sorted(
        f"issues/2026-04-27.yml:{13 + 2 * n + ('readers' in what)}: {what}"
        for n, (_, what) in enumerate(ALARMS.values())
    )


def test_titles_that_wrapping_breaks_inside_a_word() -> None:
    titles = ("A" * 75, "Donaudampf" * 9 + " and more", "The " + "ß" * 80, "漢字" * 50, "e\u0301" * 40 + "s")
    stories = (
        f"  - {{title: {title}, link: 'https://soup.example.com/{n}', passages: [{{text: Cut.}}]}}\n"
        for n, title in enumerate(titles)
    )
    assert [what for what in findings(issue() + "".join(stories)) if "text part" in what] == []


def test_html_in_the_text_part_that_the_editor_did_not_write(tmp_path: Path) -> None:
    """An escaped tag of the editor does not excuse another tag of the same name."""
    (tmp_path / "templates").mkdir()
    template = "{{ passage.text|plain }} <b class='x'>Eat.</b>\n{{ 'words ' * 20 }}\n"
    (tmp_path / "templates" / "passage.txt.j2").write_text(template, encoding="utf-8")
    found = [finding for finding in findings(issue("Write &lt;b&gt; for that.")) if "text part" in finding]
    assert [finding.partition(" (")[0] for finding in found] == [
        "templates/passage.txt.j2:1: HTML is left in the text part: <b class='x'>",
        "templates/passage.txt.j2:2: a line of 119 columns in the text part",
    ]


def test_a_low_heading_of_a_template_of_ones_own_is_a_problem_of_the_template(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "passage.mjml.j2").write_text(
        '<mj-text css-class="ink">\n{{ passage.text|markdown(2) }}</mj-text>', encoding="utf-8"
    )
    source = issue().replace("It is cold outside.", '"## [A soup](https://example.com/soup)"')
    assert findings(source) == ['templates/passage.mjml.j2:2: the link "A soup" is 18 pixels high on a phone']


def story(title: str, link: str, more: str = "") -> str:
    return f"  - {{title: {title}, link: '{link}', text: Cut, {more}}}\n"


def test_what_may_be_in_every_issue() -> None:
    """The newsletter's own pages and advertisements are no repetition; other stories are."""
    site = "site: https://www.bücher.example/letter\n"
    permanent = [
        story("Home", "https://bücher.example/letter/"),
        story("Archive", "https://bücher.example/letter"),
        story("Sign up", "https://xn--bcher-kva.example/letter/sign-up"),
        story("Pots", "https://pots.example.com/?utm_source=letter", "sponsor: true"),
        story("Pans", "https://pots.example.com/?utm_source=letter", "sponsor: true"),
    ]
    repeated = [
        story("Stew", "https://soup.example.com/Gemüse"),
        story("Other letter", "https://bücher.example/letters"),
    ]
    earlier = [
        story("Stew", "https://soup.example.com/Gem%C3%BCse"),
        story("Other letter", "https://xn--bcher-kva.example/letters"),
    ]
    before = issue().replace("Leek & potato", "Soups").replace("/leek", "/first")
    found = findings(
        issue() + "".join(permanent + repeated), before + "".join(permanent + earlier), settings=site
    )
    assert found == [
        'issues/2026-04-27.yml:18: "Stew" was in the issue of 2026-04-20 (issues/2026-04-20.yml:18)',
        'issues/2026-04-27.yml:19: "Other letter" was in the issue of 2026-04-20 (issues/2026-04-20.yml:19)',
    ]


def test_an_advertisement_keeps_its_parameters_in_markdown() -> None:
    link = "https://pots.example.com/Töpfe?utm_source=a|b"
    text = f"text: 'See [our pots]({link}) and [their pans]({link}2).', sponsor: true"
    assert findings(issue() + f"  - {{title: Pots, {text}}}\n") == []
