"""The code of the built-in templates is kept on the disk beside that of modules; that of others is not."""

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

from newsletter.config.loader import Newsletter
from newsletter.errors import TemplateError
from newsletter.issue import files
from newsletter.render import compiled_templates, template_files, templates
from newsletter.render.compiled_templates import CompiledTemplates
from newsletter.render.model import Rendered
from newsletter.render.pipeline import render
from newsletter.render.sandbox import RestrictedEnvironment
from newsletter.render.template_files import BUILT_IN
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


def own(newsletter: Newsletter, name: str, text: str) -> None:
    """Write a template of a newsletter."""
    newsletter.templates.mkdir(exist_ok=True)
    (newsletter.templates / name).write_text(text, encoding="utf-8")


def forbid_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each template that is compiled be an error."""

    def compile_template(*_: object) -> None:
        raise AssertionError("a template was compiled")

    monkeypatch.setattr(RestrictedEnvironment, "compile", compile_template)


def test_another_process_compiles_no_built_in_template(
    folder: Path, newsletter: Newsletter, new_process: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = rendered(newsletter)
    names = sorted(file.name for file in folder.iterdir())
    assert any(name.startswith("story.mjml.j2.escaped.") for name in names), names
    assert all(name.endswith(f".{sys.implementation.cache_tag}.pyc") for name in names), names
    new_process()
    with monkeypatch.context() as patch:
        forbid_compiling(patch)
        assert rendered(newsletter) == first
    for file in folder.iterdir():
        file.unlink()
    new_process()
    forbid_compiling(monkeypatch)
    with pytest.raises(TemplateError, match="a template was compiled"):
        rendered(newsletter)


def test_templates_of_a_newsletter_leave_nothing(
    folder: Path, newsletter: Newsletter, new_process: Callable[[], None]
) -> None:
    own(newsletter, "footer.txt.j2", "Mine.\n")
    assert rendered(newsletter).text.endswith("Mine.\n")
    kept = {file.name.partition(".escaped")[0].partition(".plain")[0] for file in folder.iterdir()}
    assert "layout.txt.j2" in kept and "footer.txt.j2" not in kept


def test_traced_templates_leave_nothing(folder: Path, new_process: Callable[[], None]) -> None:
    templates._environment(None, True, traced=True).get_template("picture.mjml.j2")
    assert not folder.exists()


@pytest.mark.parametrize("name", ["./masthead.txt.j2", "//masthead.txt.j2", "/././/masthead.txt.j2"])
def test_a_template_is_kept_once_however_its_name_is_spelled(
    name: str, folder: Path, newsletter: Newsletter, new_process: Callable[[], None]
) -> None:
    rendered(newsletter)
    kept = set(folder.iterdir())
    own(newsletter, "footer.txt.j2", f'{{% include "{name}" %}}{{% include ["../x.j2", "{name}"] %}}')
    new_process()
    assert rendered(newsletter).text.count("THE SOUP LETTER\n") == 3
    assert set(folder.iterdir()) == kept
    assert {name for name, *_ in CompiledTemplates._compiled if "/" in name.partition("\0")[0]} == set()


def test_each_theme_has_its_own(
    folder: Path, tmp_path: Path, new_process: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    newsletters = [
        samples.newsletter(tmp_path / theme, extra=f"theme: {theme}\n")
        for theme in ("digest", "letter", "gazette")
    ]
    mails = [rendered(newsletter) for newsletter in newsletters]
    new_process()
    forbid_compiling(monkeypatch)
    assert [rendered(newsletter) for newsletter in newsletters] == mails
    assert len({mail.html for mail in mails}) == 3


def test_code_that_escapes_nothing_is_not_used_where_values_are_escaped(
    folder: Path, newsletter: Newsletter, new_process: Callable[[], None]
) -> None:
    """Complaint: a mail differed after that of a newsletter whose text part includes a part of the HTML."""
    first = rendered(newsletter)
    for _ in range(2):  # the second time, all are on the disk
        new_process()
        for file in sorted(BUILT_IN.glob("*.mjml.j2")):
            templates._environment(None, False, traced=False).get_template(file.name)
        assert rendered(newsletter) == first


def test_a_template_that_both_parts_include_is_escaped_in_the_html_alone(newsletter: Newsletter) -> None:
    """Complaint: the text part said `Leek &amp; potato`."""
    own(newsletter, "shared.j2", "Shared: {{ issue.subject }}")
    own(newsletter, "footer.txt.j2", '{% include "shared.j2" %}\n')
    text = '<mj-text>{% include "shared.j2" %}</mj-text>'
    own(newsletter, "footer.mjml.j2", f"<mj-section><mj-column>{text}</mj-column></mj-section>")
    mail = rendered(newsletter)
    assert "Shared: Leek &amp; potato" in mail.html
    assert mail.text.endswith("Shared: Leek & potato\n")


def test_the_folder_is_that_of_the_bytecode_of_the_package() -> None:
    bucket = CompiledTemplates(traced=False).get_bucket(
        RestrictedEnvironment(), "footer.txt.j2", str(BUILT_IN / "footer.txt.j2"), "a source"
    )
    file = CompiledTemplates(traced=False)._file(bucket)
    assert file and compiled_templates.__spec__ and compiled_templates.__spec__.cached
    assert file.parent == Path(compiled_templates.__spec__.cached).parent


DAMAGES = {
    "empty": lambda whole: b"",
    "cut": lambda whole: whole[:-20],
    "without-code": lambda whole: whole[:32],
    "longer": lambda whole: whole + b"\0",
    "another-checksum": lambda whole: b"\0" + whole[1:],
    "another-letter": lambda whole: whole[:-200] + bytes([whole[-200] ^ 1]) + whole[-199:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_replaced(
    damage: Callable[[bytes], bytes], folder: Path, newsletter: Newsletter, new_process: Callable[[], None]
) -> None:
    first = rendered(newsletter)
    whole = {file: file.read_bytes() for file in folder.iterdir()}
    for file, content in whole.items():
        file.write_bytes(damage(content))
    new_process()
    assert rendered(newsletter) == first
    assert {file: file.read_bytes() for file in folder.iterdir()} == whole


def test_the_file_of_another_template_is_replaced(
    folder: Path, newsletter: Newsletter, new_process: Callable[[], None]
) -> None:
    first = rendered(newsletter)
    whole = {file: file.read_bytes() for file in sorted(folder.iterdir())}
    for file, content in zip(reversed(whole), whole.values(), strict=True):
        file.write_bytes(content)
    new_process()
    assert rendered(newsletter) == first
    assert {file: file.read_bytes() for file in sorted(folder.iterdir())} == whole


CHANGES = {
    "source": lambda patch: patch.setattr(template_files, "_read", lambda file, _: f"{file.read_text()} "),
    "jinja": lambda patch: patch.setattr(jinja2, "__version__", "99"),
    "news": lambda patch: patch.setattr(compiled_templates, "__version__", "99"),
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
        for name in (
            *("autoescape", "keep_trailing_newline", "lstrip_blocks", "newline_sequence", "optimized"),
            *("sandboxed", "trim_blocks"),
        )
    },
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
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
    forbid_compiling(monkeypatch)
    with pytest.raises(TemplateError, match="a template was compiled"):
        rendered(newsletter)


def filtered_constants(source: str) -> list[int]:
    """Return the lines of a template in which it writes a filtered constant."""
    lines = []
    for written in RestrictedEnvironment().parse(source).find_all(nodes.Output):
        for node in written.nodes:
            if isinstance(node, nodes.Filter):
                with suppress(nodes.Impossible):
                    node.as_const()
                    lines.append(node.lineno)
    return lines


def test_no_built_in_template_writes_a_filtered_constant() -> None:
    assert filtered_constants('{{ issue|string }}\n{{ "soup"|upper }}') == [2]
    files = sorted(BUILT_IN.rglob("*.j2"))
    found = {str(file): filtered_constants(file.read_text(encoding="utf-8")) for file in files}
    assert len(found) > 50
    assert {file: lines for file, lines in found.items() if lines} == {}


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
