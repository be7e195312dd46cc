"""Fixtures of a newsletter with a templates folder."""

from pathlib import Path

import pytest

from newsletter.errors import TemplateError
from newsletter.render.pipeline import render
from newsletter.render.template_files import BUILT_IN
from tests.render import material
from tests.render.material import Refusal


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the templates folder of the newsletter in which the test runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "templates").mkdir()
    return tmp_path / "templates"


@pytest.fixture
def refusal(templates: Path) -> Refusal:
    """Return a function that renders with a wrong template and returns the message.

    The template has this `content`, or that of the built-in one with `new` for `old`.
    """

    def message(name: str, content: str = "", *, old: str = "", new: str = "") -> str:
        if old:
            content = (BUILT_IN / name).read_text(encoding="utf-8")
            assert old in content
            content = content.replace(old, new, 1)
        (templates / name).write_text(content, encoding="utf-8")
        with pytest.raises(TemplateError) as caught:
            render(material.full_issue(), material.site(templates))
        (problem,) = caught.value.problems
        return str(problem)

    return message
