"""Each check on a mail that trips it and on a near miss."""

from dataclasses import replace
from pathlib import Path

import pytest

from newsletter import checks, issues
from newsletter.errors import ConfigError
from newsletter.models import Issue, Rendered
from newsletter.render import render
from tests import samples


@pytest.fixture
def sample(tmp_path: Path) -> tuple[Issue, Rendered]:
    newsletter = samples.newsletter(tmp_path)
    issue = issues.load(issues.find(newsletter.issues))
    return issue, render(issue, newsletter.site)


def found(sample: tuple[Issue, Rendered], **changes: str) -> list[str]:
    issue, rendered = sample
    changed = {name: value for name, value in changes.items() if name != "add"}
    html = rendered.html.replace("</body>", changes.get("add", "") + "</body>")
    findings = checks.run(issue, replace(rendered, **{"html": html, **changed}), {})
    return [f"{one.check} {one.problem.severity}: {one.problem.what}" for one in findings]


def test_the_sample_has_no_problem(sample: tuple[Issue, Rendered]) -> None:
    assert found(sample) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"add": "[[nme]]"}, "placeholders error: [[nme]] is no placeholder", id="placeholder"),
        pytest.param({"add": "[[Name]]"}, "placeholders error: [[Name]] is no placeholder", id="capital"),
        pytest.param({"add": "[[ name ]]"}, "placeholders error: [[ name ]] is no placeholder", id="spaces"),
        pytest.param({"add": "[[first-name2]]"}, "placeholders error: [[first-name2]]", id="dash"),
        pytest.param(
            {"add": "https://x.example/?to=[[address]]"}, "placeholders error: a web addr", id="link"
        ),
        pytest.param({"subject": "[[name]]"}, "placeholders error: subject: [[name]]", id="in-the-subject"),
        pytest.param({"text": "x"}, "unsubscribe error: the text part has no", id="no-way-out"),
        pytest.param({"add": "x" * 105_000}, "weight error: the HTML weighs", id="clipped"),
        pytest.param({"add": "x" * 75_000}, "weight warning: the HTML weighs", id="nearly-clipped"),
        pytest.param({"add": '<img src="https://x.example/o" width="1">'}, "tracking error", id="pixel"),
        pytest.param(
            {"add": '<img src="//x.example/o" style="width:1px">'}, "tracking error", id="css-pixel"
        ),
        pytest.param(
            {"add": '<img src="//x.example/o" style="display: none">'}, "tracking error", id="hidden"
        ),
        pytest.param({"add": "<script>1</script>"}, "tracking error: <script>", id="script"),
    ],
)
def test_what_trips(changes: dict[str, str], expected: str, sample: tuple[Issue, Rendered]) -> None:
    (only,) = found(sample, **changes)
    assert only.startswith(expected)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"add": "[[name]] [[address]] [[unsubscribe_url]]"}, id="known-placeholders"),
        pytest.param({"add": "a[[1]] [[Not one]] [[]]"}, id="double-brackets"),
        pytest.param({"add": "x" * 60_000}, id="heavy-enough"),
        pytest.param({"add": '<img src="https://x.example/soup.png" width="528" alt="Soup">'}, id="picture"),
    ],
)
def test_near_misses(changes: dict[str, str], sample: tuple[Issue, Rendered]) -> None:
    assert found(sample, **changes) == []


def test_a_placeholder_is_found_where_it_was_written(tmp_path: Path) -> None:
    samples.write(tmp_path, issue=samples.ISSUE.replace("[blend]", "[[nme]] [blend]"))
    issue = issues.load(tmp_path / "issues" / "2026-04-27.yml")
    rendered = render(issue, samples.newsletter(tmp_path.joinpath("other")).site)
    (finding,) = checks.run(issue, rendered, {})
    assert finding.problem.where.endswith("issues/2026-04-27.yml:12")


def test_severities_are_the_newsletters_to_choose(sample: tuple[Issue, Rendered]) -> None:
    issue, rendered = sample
    heavy = replace(rendered, html=rendered.html + "x" * 110_000)
    assert [one.problem.severity for one in checks.run(issue, heavy, {"weight": "note"})] == ["note"]
    assert checks.run(issue, heavy, {"weight": "off"}) == []
    with pytest.raises(ConfigError, match="there is no check `wieght`"):
        checks.run(issue, heavy, {"wieght": "off"})
