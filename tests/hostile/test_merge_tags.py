"""Placeholders of other tools are found wherever an editor pastes them, and other text is left alone."""

import json
from pathlib import Path

import pytest

from newsletter.checks.content.merge_tags import find_merge_tags, merge_tags
from newsletter.checks.proof import Proof
from newsletter.config import loader
from newsletter.errors import Problem
from newsletter.issue import files
from newsletter.render.model import Rendered
from tests import samples

TEXT = "text: It is **cold** outside."
# By tool, from the documentation of each.
TAGS = {
    "mailchimp": ["*|FNAME|*", "*|EMAIL|*", "*|IF:FNAME|*", "*|LIST:ADDRESS|*", "*|UNSUB|*"],
    "mailgun": ["%recipient.name%", "%recipient%", "%recipient.first_name%", "%unsubscribe_url%"],
    "salesforce": ["%%first_name%%", "%%emailaddr%%", "%%=v(@name)=%%", "{!Contact.FirstName}"],
    "campaign-monitor": ["[firstname,fallback=you]", "[firstname, fallback=]", "[fullname]", "<unsubscribe>"],
    "activecampaign": ["%FIRSTNAME%", "%FULLNAME%", "%EMAIL%", "%UNSUBSCRIBELINK%"],
    "phplist": ["[FIRSTNAME]", "[FNAME]", "[EMAIL]", "[UNSUBSCRIBE]", "[First Name]", "[Your name]"],
    "liquid": ["{{ first_name }}", "{{name}}", "{{ contact.FIRSTNAME }}", "{{ .Subscriber.FirstName }}"],
    "code": ["{% if x %}", "{% endif %}", "<%= name %>", "{{{ name }}", '{{ name | default: "you" }}'],
    "mailerlite": ["{$name}", "{$email}", "{$last_name}", "{$unsubscribe}"],
    "ghost": ["{first_name}", '{first_name, "there"}', "{name}", "{email}"],
    "sendgrid": ["-name-", "-first_name-", "-firstName-", "#name#", "-email-"],
    "mailjet": ['[[data:firstname:"you"]]', "[[var:name]]"],
    "mailpoet": ["[subscriber:firstname | default:reader]", "[subscriber:email]"],
    "others": ["{!firstname}", "{subtag:name}", "@FIRSTNAME@", "~Contact.FirstName~", "::unsubscribeUrl::"],
    "mail-merge": ["<<First Name>>", "\xabVorname\xbb", "${first_name}", "%{first_name}", "#{first_name}"],
}
OTHER_TEXT = [
    "100%, 50%-60% of us, 5%, and % of names%",
    "[PATCH] and [RFC] and [1] and [sic] and [\u2026]",
    "[name](https://example.com), [email][1], [![name](https://example.com/a.png)](https://example.com)",
    "See [name].\n\n[name]: https://example.com",
    "f({x}) = {x, y}, {1, 2}, {brace}, a_{name_i}",
    "`{{ x }}`, ``*|FNAME|*`` and `%recipient.name%`",
    "```\n{{ x }} [FIRSTNAME]\n```\n\n    %%first_name%%",
    "std::name::x, the -name, name-, first-name-last, C#name#",
    "[[name]], [[address]], [leave]([[unsubscribe_url]])",
    "name@example.com, @name and #name, ~name and ~~name~~",
    "%PATH%, %USERNAME% and %s",
    "\xab Vorname \xbb, 1 << name >> 2, a <name> b",
    "*|x| and |x|* and | a | b |",
    "{newsletter}, {count}, {token}, {username}",
    "https://example.com/first-name-game/?a=5%25b",
]


def problems(folder: Path, issue: str, extra: str = "") -> list[Problem]:
    samples.write(folder, issue=issue, extra=extra)
    newsletter = loader.load(folder, {}, review=True)
    loaded = files.load(folder / "issues" / "2026-04-27.yml")
    return list(merge_tags(Proof(loaded, Rendered("", "", "", ""), newsletter)))


def in_text(folder: Path, text: str) -> list[Problem]:
    return problems(folder, samples.ISSUE.replace(TEXT, f"text: {json.dumps(text)}"))


@pytest.mark.parametrize("tag", [tag for tags in TAGS.values() for tag in tags])
def test_a_placeholder_of_another_tool_is_found(tmp_path: Path, tag: str) -> None:
    for text in (tag, f"- Hello {tag}, it is cold."):
        (problem,) = in_text(tmp_path, text)
        assert problem.what == f"readers would see {tag}, a placeholder of another tool"
        assert (problem.where.endswith("2026-04-27.yml:6") and "news" in problem.fix) or "[[" in problem.fix


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        pytest.param("|Name|\n|-|\n|*\\|FNAME\\|*|", "*|FNAME|*", id="cell"),
        pytest.param("Hello \\*|FNAME|\\*", "*|FNAME|*", id="stars"),
        pytest.param("Hello \\[FIRSTNAME\\]", "[FIRSTNAME]", id="brackets"),
        pytest.param("Hello %%first\\_name%%", "%%first_name%%", id="underscore"),
        pytest.param("Hello \\{\\{ first\\_name \\}\\}", "{{ first_name }}", id="braces"),
    ],
)
def test_an_escaped_placeholder_is_found(tmp_path: Path, text: str, tag: str) -> None:
    (problem,) = in_text(tmp_path, text)
    assert problem.what == f"readers would see {tag}, a placeholder of another tool"


@pytest.mark.parametrize("shown", ["HELLO %%FIRST_NAME%%", "[%%first_name%%]"])
def test_no_template_is_blamed_for_capitals_and_brackets(tmp_path: Path, shown: str) -> None:
    samples.write(tmp_path, issue=samples.ISSUE.replace("title: Leek", "title: Leek %%first_name%%"))
    newsletter = loader.load(tmp_path, {}, review=True)
    issue = files.load(tmp_path / "issues" / "2026-04-27.yml")
    proof = Proof(issue, Rendered("", "", f"<p>{shown}</p>", shown), newsletter)
    assert [problem.place[1] for problem in merge_tags(proof)] == [8]


@pytest.mark.parametrize("text", OTHER_TEXT)
def test_other_text_is_left_alone(tmp_path: Path, text: str) -> None:
    assert in_text(tmp_path, text) == []


@pytest.mark.parametrize(
    ("tag", "severity", "fix"),
    [
        ("*|FNAME|*", "error", "write [[name]]"),
        ("[FIRSTNAME]", "error", "write [[name]]"),
        ("{{ subscriber.email }}", "error", "write [[address]]"),
        ("%UNSUBSCRIBELINK%", "error", "write [[unsubscribe_url]]"),
        ("{% if x %}", "error", "delete it"),
        ("[name]", "warning", "write [[name]]"),
        ("-name-", "warning", "write [[name]]"),
        ("{email}", "warning", "write [[address]]"),
    ],
)
def test_the_fix_is_our_placeholder(tmp_path: Path, tag: str, severity: str, fix: str) -> None:
    (problem,) = in_text(tmp_path, f"Hello {tag}")
    assert (problem.severity, problem.fix.startswith(fix)) == (severity, True)
    assert "write it as `code`" in problem.fix


@pytest.mark.parametrize(
    ("old", "new", "line", "fix"),
    [
        ("Leek & potato", "Leek for *|FNAME|*", 1, "write words in its place: news fills nothing here"),
        ("A soup for", "A soup, %recipient.name%, for", 2, "write words in its place"),
        ("title: Leek", "title: Leek for [FIRSTNAME]", 8, "write [[name]]"),
        ("heading: Hello", "heading: Hello {first_name}", 5, "write [[name]]"),
        ("time=30", "time=30&for=%%email%%", 9, "delete it: news fills nothing inside a web address"),
        ("/blend)", "/blend?e=*|EMAIL|*)", 12, "write [[address]]"),
    ],
)
def test_every_field_is_read(tmp_path: Path, old: str, new: str, line: int, fix: str) -> None:
    (problem,) = problems(tmp_path, samples.ISSUE.replace(old, new, 1))
    assert problem.place[1] == line and problem.fix.startswith(fix)


def test_what_readers_see_of_newsletter_yml(tmp_path: Path) -> None:
    extra = 'labels: {reason: "You get this, *|FNAME|*.", reader: "-name-"}\n'
    assert [(p.place[1], p.severity) for p in problems(tmp_path, samples.ISSUE, extra)] == [
        (6, "error"),
        (6, "warning"),
    ]


def test_a_large_text_is_searched_in_time() -> None:
    assert find_merge_tags("{{ {% <% *| %% [a, -name [name {name << " * 5_000) == []
