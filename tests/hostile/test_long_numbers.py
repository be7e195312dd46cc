"""A number of thousands of digits, which Python refuses to convert, is an ordinary mistake."""

from pathlib import Path

from newsletter.checks.css import stylesheets
from newsletter.doctor.dmarc import dmarc
from newsletter.doctor.resolver import DnsResponse
from tests.checks.material import opened, problems_of

DIGITS = "9" * 5_000


def test_widths_of_pictures(tmp_path: Path) -> None:
    html = opened(tmp_path).rendered.html
    for written in (f'width="{DIGITS}"', f'width="528" style="width:{DIGITS}px"', 'style="width:1.2.3px"'):
        image = f'<p><img src="https://soup.example.com/a.png" alt="A pot" {written}></p></body>'
        found = problems_of(tmp_path, html=html.replace("</body>", image))
        named = ("example.com/a.png", "CSS that cannot be read")
        assert found and all(any(words in problem.what for words in named) for problem in found)


def test_numbers_in_css() -> None:
    assert stylesheets.sheet(f"p {{ width: {DIGITS}px }}") == stylesheets.Sheet(readable=False)
    assert stylesheets.declarations(f"width: {DIGITS}px") == ()


def test_a_percentage_in_a_dmarc_record() -> None:
    class Resolver:
        def ask(self, name: str, kind: str) -> DnsResponse:
            return DnsResponse("found", (f"v=DMARC1; p=reject; pct={DIGITS}",))

    findings = [finding.what for finding in dmarc("example.com", Resolver())]
    assert any("is not a number from 0 to 100" in what for what in findings)
