"""The code of the built-in templates is kept on the disk beside that of modules; that of others is not."""

import marshal
import sys
from collections.abc import Callable
from pathlib import Path

import jinja2
import pytest

from newsletter.config.loader import Newsletter
from newsletter.errors import TemplateError
from newsletter.issue import files
from newsletter.render import compiled_templates, templates
from newsletter.render.compiled_templates import CompiledTemplates
from newsletter.render.model import Rendered
from newsletter.render.pipeline import render
from newsletter.render.sandbox import RestrictedEnvironment
from tests import samples


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep compiled templates in a new folder, as Python does by default; return the folder."""
    kept = tmp_path / "kept"
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(compiled_templates, "cache_from_source", lambda _: str(kept / "module.pyc"))
    return kept


@pytest.fixture
def new_process(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that forgets all templates, as a new process does not know them."""

    def forget() -> None:
        monkeypatch.setattr(CompiledTemplates, "_compiled", {})
        templates._environment.cache_clear()

    forget()
    return forget


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return samples.newsletter(tmp_path / "newsletter")


def rendered(newsletter: Newsletter) -> Rendered:
    return render(files.load(files.find(newsletter.issues)), newsletter.site)


def compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_template(*_: object) -> None:
        raise AssertionError("a template was compiled")

    monkeypatch.setattr(RestrictedEnvironment, "compile", compile_template)


def test_another_process_compiles_no_built_in_template(
    folder: Path, newsletter: Newsletter, new_process: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = rendered(newsletter)
    names = sorted(file.name for file in folder.iterdir())
    assert any(name.startswith("story.mjml.j2-") for name in names), names
    assert all(name.endswith(f".{sys.implementation.cache_tag}.pyc") for name in names), names
    new_process()
    with monkeypatch.context() as patch:
        compiles_nothing(patch)
        assert rendered(newsletter) == first
    for file in folder.iterdir():
        file.unlink()
    new_process()
    compiles_nothing(monkeypatch)
    with pytest.raises(TemplateError, match="a template was compiled"):
        rendered(newsletter)


def test_templates_of_a_newsletter_and_traced_ones_leave_nothing(
    folder: Path, newsletter: Newsletter, new_process: Callable[[], None]
) -> None:
    own = newsletter.folder / "templates"
    own.mkdir()
    story = "<mj-section><mj-column>\n<mj-nonsense /></mj-column></mj-section>"
    (own / "story.mjml.j2").write_text(story, encoding="utf-8")
    with pytest.raises(TemplateError) as refused:
        rendered(newsletter)  # and again, traced, for the line
    assert refused.value.problems[0].where.endswith("templates/story.mjml.j2:2"), str(refused.value)
    kept = {file.name.partition("-")[0] for file in folder.iterdir()}
    assert "layout.mjml.j2" in kept and "story.mjml.j2" not in kept
    assert len(kept) == len(list(folder.iterdir()))


DAMAGES = {
    "empty": lambda whole: b"",
    "cut": lambda whole: whole[:-20],
    "without-code": lambda whole: whole[:32],
    "no-code": lambda whole: whole[:32] + marshal.dumps(7),
    "no-marshal": lambda whole: whole[:32] + b"\xff" * 100,
    "of-another-template": lambda whole: b"\0" + whole[1:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_replaced(
    damage: Callable[[bytes], bytes],
    folder: Path,
    newsletter: Newsletter,
    new_process: Callable[[], None],
) -> None:
    first = rendered(newsletter)
    whole = {file: file.read_bytes() for file in folder.iterdir()}
    for file, content in whole.items():
        file.write_bytes(damage(content))
    new_process()
    assert rendered(newsletter) == first
    assert {file: file.read_bytes() for file in folder.iterdir()} == whole


OTHERS = {
    "source": lambda patch: patch.setattr(CompiledTemplates, "get_source_checksum", lambda *_: "other"),
    "jinja": lambda patch: patch.setattr(jinja2, "__version__", "99"),
    "python": lambda patch: patch.setattr(compiled_templates, "MAGIC_NUMBER", b"other"),
    "arguments-of-a-filter": lambda patch: patch.setattr(
        jinja2.filters.FILTERS["join"], "jinja_pass_arg", "another", raising=False
    ),
    "filter": lambda patch: patch.setitem(jinja2.defaults.DEFAULT_FILTERS, "another", str),
    "test": lambda patch: patch.setitem(jinja2.defaults.DEFAULT_TESTS, "another", bool),
    **{
        name: lambda patch, name=name: patch.setattr(
            RestrictedEnvironment, name, property(lambda _: "\r", lambda *_: None), raising=False
        )
        for name in compiled_templates._OPTIONS
    },
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_code_of_another_source_python_or_jinja_is_not_used(
    change: Callable[[pytest.MonkeyPatch], None],
    folder: Path,
    newsletter: Newsletter,
    new_process: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rendered(newsletter)
    new_process()
    change(monkeypatch)
    compiles_nothing(monkeypatch)
    with pytest.raises(TemplateError, match="a template was compiled"):
        rendered(newsletter)


def test_nothing_is_written_where_python_writes_no_bytecode(
    folder: Path, newsletter: Newsletter, new_process: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert "Leek" in rendered(newsletter).html
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_no_error(
    folder: Path, newsletter: Newsletter, new_process: Callable[[], None]
) -> None:
    folder.write_text("a file in its place")
    assert "Leek" in rendered(newsletter).html
    assert folder.read_text() == "a file in its place"


def test_a_python_without_bytecode_keeps_nothing(
    folder: Path, newsletter: Newsletter, new_process: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_bytecode(_: str) -> str:
        raise NotImplementedError

    monkeypatch.setattr(compiled_templates, "cache_from_source", no_bytecode)
    assert "Leek" in rendered(newsletter).html
    assert not folder.exists()
