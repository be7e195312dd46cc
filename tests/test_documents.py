"""README and docs name exactly the commands, options, keys, checks, variables and links that exist."""

import ast
import inspect
import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from email import message_from_bytes
from functools import cache
from pathlib import Path
from typing import Any, get_args

import click
import jinja2.defaults
import jinja2.meta
import pytest
import yaml
from click.testing import CliRunner
from markdown_it import MarkdownIt
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from newsletter.checks import registry as checks
from newsletter.checks import settings
from newsletter.checks.caniemail import advice
from newsletter.cli.main import main
from newsletter.config import loader
from newsletter.config.environment import Secrets
from newsletter.config.model import Config, Labels
from newsletter.constants import (
    CHECK_FORMATS,
    INCOMPLETE,
    PLACEHOLDERS,
    PROVIDERS,
    RECIPIENT_STATES,
    REFUSED,
    SERVE_PORT,
    SERVICE_MAIL_KINDS,
    SUBSCRIBER_STATES,
)
from newsletter.errors import Severity
from newsletter.issue import files
from newsletter.issue.model import Image, IssueFile, Link, Passage, Section, Story
from newsletter.render import pages, sandbox, template_files, templates
from newsletter.render.pipeline import render
from newsletter.render.service_mail import ServiceInput
from newsletter.render.template_data import template_data
from newsletter.render.themes import THEMES
from newsletter.web.public_address import public_address
from newsletter.web.server import open_context
from tests import samples
from tests.render import material, page_values
from tests.web.visitors import Clock, PublicServer

ROOT = Path(__file__).parent.parent
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
PROVIDER_PAGES = [f"docs/providers/{name}.md" for name in PROVIDERS if name != "outbox"]
FOR_USERS = ["README.md", "CHANGELOG.md", "SECURITY.md", *PAGES]
DOCUMENTS = [*FOR_USERS, "CONTRIBUTING.md"]
SEVERITIES = get_args(Severity)
# One word for each concept: use cancel, recall, held batch, unknown, "is sending it now" in place of these.
RETIRED = r"\b(?:call(?:s|ed|ing)? (?:it |them )?back|lanes?|in doubt|is at it|whoever|whatever)\b"
# Sentences and headings that open with a relative clause are hard to read in a second language.
OPENINGS = r"(?:^|^#+ |^- |[.:] )(?:What|Who|Whoever|Whether|Which)\b"
# Placeholders in command lines of the documents, and values for them.
EXAMPLES = {"…": "2026-05-04", "DATE": "2026-05-04", "ADDRESS": "ada@example.com", "FILE": "list.csv"}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(name: str) -> str:
    """Return a document without its code blocks."""
    return re.sub(r"^```.*?^```", "", read(name), flags=re.DOTALL | re.MULTILINE)


def section(name: str, heading: str) -> str:
    """Return the text under a heading, up to the next heading of the same level or a higher one."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", read(name), re.MULTILINE)
    assert found, f"{name} has no heading {heading}"
    return re.split(rf"^#{{1,{len(found[1])}}} ", read(name)[found.end() :], flags=re.MULTILINE)[0]


def tables(text: str) -> list[list[list[str]]]:
    """Return the tables of a text: rows without the header, cells without the escaped bars."""
    found: list[list[list[str]]] = []
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        rows = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in block.splitlines()]
        found.append([[cell.strip().replace("\\|", "|") for cell in row] for row in rows[2:]])
    return found


def rows(text: str) -> list[list[str]]:
    """Return the rows of all tables of a text."""
    return [row for table in tables(text) for row in table]


def spans(text: str) -> list[str]:
    """Return the pieces of inline code."""
    return re.findall(r"`([^`]+)`", text)


def blocks(name: str, language: str) -> list[str]:
    """Return the code blocks of a document in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", read(name), re.DOTALL | re.MULTILINE)


# Commands


def commands(group: click.Group, prefix: str = "news") -> dict[str, click.Command]:
    """Return every command by its full name."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, f"{prefix} {name}")
        else:
            found[f"{prefix} {name}"] = command
    return found


def options(command: click.Command) -> set[str]:
    """Return the options of a command, without --help."""
    return {
        name
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("-")
    }


def split(line: str) -> tuple[list[str], str, list[str]]:
    """Return the options before the command, the command's full name, and its arguments."""
    words = shlex.split(line.partition("#")[0].partition(">")[0])[1:]
    first = 0
    flags = {name for one in main.params if getattr(one, "is_flag", False) for name in one.opts} | {
        "-v",
        "-vv",
    }
    while first < len(words) and words[first].startswith("-"):
        first += 1 if words[first] in flags or first + 1 == len(words) else 2
    length = (
        2
        if words[first : first + 1]
        in (["subscribers"], ["bounces"], ["state"], ["db"], ["theme"], ["unsubscribes"], ["signups"])
        else 1
    )
    return words[:first], " ".join(["news", *words[first : first + length]]), words[first + length :]


def command_lines(name: str) -> list[str]:
    """Return the `news …` lines of code blocks."""
    return [line for block in blocks(name, "sh") for line in block.splitlines() if line.startswith("news ")]


def mentions(name: str) -> list[str]:
    """Return the `news …` command lines in running text."""
    return [" ".join(span.split()) for span in spans(prose(name)) if span.startswith("news ")]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_and_their_options_exist(name: str) -> None:
    known = commands(main) | {"news": main, "news subscribers": main}
    for line in command_lines(name) + mentions(name):
        before, command, arguments = split(line)
        assert command in known, f"{name}: {line}"
        for words, allowed in ((before, main), (arguments, known[command])):
            for option in (word for word in words if re.match(r"--?[A-Za-z]", word)):
                option = "-v" if option == "-vv" else option
                assert option in options(allowed), f"{name}: {line}: no option {option}"


@pytest.mark.parametrize("name", FOR_USERS)
def test_options_in_running_text_exist(name: str) -> None:
    known = set().union(*map(options, [main, *commands(main).values()])) | {"-h", "--help"}
    for span in spans(prose(name)):
        if re.match(r"--?[A-Za-z]", span):
            assert span.split()[0] in known | {"-vv"}, f"{name}: {span}"


@pytest.mark.parametrize("name", FOR_USERS)
def test_command_lines_are_understood(name: str) -> None:
    for line in command_lines(name):
        _, command, arguments = split(line)
        arguments = [EXAMPLES.get(word, word) for word in arguments]
        try:
            commands(main)[command].make_context(command, arguments, parent=click.Context(main))
        except click.UsageError as error:
            pytest.fail(f"{name}: {line}: {error.format_message()}")


def test_every_command_is_described_with_all_its_options() -> None:
    listed = [spans(row[0])[0] for row in rows(section("docs/commands.md", "All commands"))]
    assert sorted(listed) == sorted(commands(main))
    for name, command in commands(main).items():
        described = {
            word.split()[0]
            for row in rows(section("docs/commands.md", f"`{name}`"))
            for word in spans(row[0])
        }
        assert described == options(command), name
        assert command.help
    shared = rows(section("docs/commands.md", "Options of every command"))
    assert {word.split()[0] for row in shared for word in spans(row[0])} == options(main) | {"-h", "--help"}


def test_exit_codes_and_states_are_those_of_the_code() -> None:
    codes = [row[0] for row in rows(section("docs/commands.md", "Exit codes"))]
    assert codes == ["0", str(REFUSED), "2", str(INCOMPLETE)]
    states = [row[0].strip("*") for row in rows(section("docs/sending.md", "States of a recipient"))]
    assert states == list(RECIPIENT_STATES)
    named = section("docs/commands.md", "Lists of recipients")
    assert spans(named.partition("The states are ")[2].partition(" |")[0]) == list(RECIPIENT_STATES)
    assert set(SUBSCRIBER_STATES) <= set(spans(section("docs/commands.md", "Subscribers")))
    providers = [spans(row[0])[0] for row in rows(section("docs/configuration.md", "Providers"))]
    assert providers == list(PROVIDERS)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_make_targets_exist(name: str) -> None:
    written = "\n".join(blocks(name, "sh") + spans(prose(name)))
    for target in re.findall(r"^make ([a-z-]+)", written, re.MULTILINE):
        assert re.search(rf"^{target}:", read("Makefile"), re.MULTILINE), f"{name}: make {target}"


# Configuration


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield each key with dots for nesting, without the labels, which have another table."""
    for name, field in model.model_fields.items():
        nested = field.annotation
        optional = next((part for part in get_args(nested) if part is not type(None)), None)
        if isinstance(nested, type) and issubclass(nested, BaseModel) and nested is not Labels:
            if any(isinstance(part, BeforeValidator) for part in field.metadata):  # it has a short form
                yield prefix + name, field
            yield from keys(nested, f"{prefix}{name}.")
            continue
        yield prefix + name, field
        if isinstance(optional, type) and issubclass(optional, BaseModel):  # it may be left out as a whole
            yield from keys(optional, f"{prefix}{name}.")


def test_every_key_is_described_with_its_default() -> None:
    table = {spans(row[0])[0]: row for row in rows(section("docs/configuration.md", "Keys"))}
    assert sorted(table) == sorted(name for name, _ in keys(Config))
    for name, field in keys(Config):
        default = table[name][2]
        if field.is_required():
            assert default == "required", name
        elif isinstance(field.default, tuple):
            assert spans(default) == list(field.default), name
        elif isinstance(field.default, str | bool | int):
            assert spans(default) == [str(field.default).replace("False", "false")], name
        else:
            assert default != "required", name


def test_every_label_is_described_with_its_default() -> None:
    described = {name: default for name, default in rows(section("docs/configuration.md", "Labels"))}
    assert described.pop("`months`") == "the names that the language has"
    texts = {name: field.default for name, field in Labels.model_fields.items() if name != "months"}
    assert described == {f"`{name}`": f"`{text}`" for name, text in texts.items()}


def test_every_secret_is_described() -> None:
    asked: list[str] = []

    class Environment(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            asked.append(name)
            return default

    Secrets.from_environment(Environment())
    described = [spans(row[0])[0] for row in rows(section("docs/configuration.md", "Secrets"))]
    assert sorted(described) == sorted(asked)
    assert set(asked) == set(
        re.findall(r"`([A-Z_]+)`", section("docs/automation.md", "Secrets of the repository"))
    )


def test_examples_of_the_configuration_are_valid(tmp_path: Path) -> None:
    least = yaml.safe_load(samples.NEWSLETTER)
    examples = [
        block
        for name in ("docs/configuration.md", "docs/checks.md", "docs/serve.md", *PROVIDER_PAGES)
        for block in blocks(name, "yaml")
    ]
    assert len(examples) >= 3 + len(PROVIDER_PAGES)
    for block in examples:
        (tmp_path / loader.FILE).write_text(yaml.safe_dump(least | yaml.safe_load(block)))
        settings.refuse_invalid(loader.load(tmp_path, {}))


# Checks


def severities(check: Callable[..., Any]) -> set[str]:
    """Return the severities that a check can give: those in its code and in the functions that it calls."""
    if check is checks.CHECKS["clients"].find:  # its severities are in a table of another module
        return {
            str(node.value)
            for node in ast.walk(ast.parse(inspect.getsource(advice)))
            if isinstance(node, ast.Constant) and node.value in SEVERITIES
        }
    module = inspect.getmodule(check)
    assert module
    functions = {
        node.name: node
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.FunctionDef)
    }
    found, seen, open_ = set[str](), set[str](), [check.__name__]
    while open_:
        name = open_.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        for node in ast.walk(functions[name]):
            if isinstance(node, ast.Name):
                open_.append(node.id)
            elif isinstance(node, ast.Constant) and node.value in SEVERITIES:
                found.add(str(node.value))
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                named = len(node.args) > 3 or any(one.arg == "severity" for one in node.keywords)
                found |= (
                    set() if named or any(isinstance(one, ast.Starred) for one in node.args) else {"error"}
                )
    return found


@pytest.mark.parametrize(
    ("heading", "group"),
    [
        ("The text", checks.CONTENT),
        ("The mail", checks.MAIL),
        ("Private files", checks.FILES),
        ("Links and pictures online", checks.ONLINE),
        ("Spam score", checks.SPAM),
    ],
)
def test_every_check_is_described_with_its_severities(
    heading: str, group: Mapping[str, checks.Check]
) -> None:
    table = {spans(row[0])[0]: row for row in rows(section("docs/checks.md", heading))}
    assert list(table) == list(group)
    for name, check in group.items():
        assert table[name][1].split(", ") == sorted(severities(check.find), key=SEVERITIES.index), name
        assert table[name][1].split(", ")[0] == check.default, name


@pytest.mark.parametrize("name", checks.CHECKS)
def test_a_check_with_fixed_errors_is_registered_so(name: str) -> None:
    check = checks.CHECKS[name]
    module = inspect.getmodule(check.find)
    assert module and check.has_fixed_errors == ("fixed_severity=" in inspect.getsource(module))


@pytest.mark.parametrize("name", sorted({**checks.CONTENT, **checks.MAIL}))
def test_the_cases_of_a_check_have_severities_that_are_described(name: str) -> None:
    described = next(row[1] for row in rows(read("docs/checks.md")) if row[0] == f"`{name}`")
    expected = (ROOT / "tests" / "data" / "checks" / name).glob("trips*/expected")
    lines = [line for path in expected for line in path.read_text(encoding="utf-8").splitlines()]
    given = {found[1] for line in lines if (found := re.search(rf": (\w+): .*\[{name}\]$", line))}
    assert given and given <= set(described.split(", "))


def test_the_documents_count_checks_and_formats() -> None:
    assert f"{len(checks.CONTENT) + len(checks.MAIL)} checks" in read("CHANGELOG.md")
    formats = [spans(row[0])[0] for row in rows(section("docs/checks.md", "Output for programs"))]
    assert formats == [f"--format {name}" for name in CHECK_FORMATS]
    listed = [row[0].strip("`") for row in rows(section("docs/checks.md", "Severities"))]
    assert listed == list(SEVERITIES)


# The issue file


def test_every_field_of_an_issue_is_described() -> None:
    models = [IssueFile, Section, Story, Passage, Link, Image]
    found = tables(section("docs/issue-file.md", "Fields"))
    for model, table in zip(models, found, strict=True):
        described = {spans(row[0])[0]: row[2] for row in table}
        assert list(described) == list(model.model_fields), model.__name__
        for name, field in model.model_fields.items():
            assert (described[name] == "required") == field.is_required(), f"{model.__name__}.{name}"
            if isinstance(field.default, bool | int):
                assert described[name] == f"`{str(field.default).lower()}`", f"{model.__name__}.{name}"


def test_examples_of_issues_are_valid(tmp_path: Path) -> None:
    examples = [block for name in PAGES for block in blocks(name, "yaml") if block.startswith("subject:")]
    assert len(examples) >= 3
    for block in examples:
        path = tmp_path / "2026-05-04.yml"
        path.write_text(block, encoding="utf-8")
        assert files.load(path).stories


def test_the_example_of_an_issue_in_markdown_is_valid(tmp_path: Path) -> None:
    (example,) = re.findall(r"^~~~markdown\n(.*?)^~~~$", read("docs/issue-file.md"), re.DOTALL | re.MULTILINE)
    path = samples.write(tmp_path) / "issues" / "2026-05-04.md"
    path.write_text(example, encoding="utf-8")
    issue = files.load(path)
    stories = [story for _, story in issue.located_stories()]
    assert issue.opening and [section.heading for section in issue.sections] == ["Recipes", "Until next week"]
    assert [(story.sponsor, story.link is not None) for story in stories] == [(False, True), (True, True)]
    result = CliRunner().invoke(main, ["-C", str(tmp_path), "check", "--strict"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("name", ["docs/issue-file.md", "docs/templates.md"])
def test_every_placeholder_is_described(name: str) -> None:
    described = [spans(row[0])[0] for row in rows(section(name, "Placeholders"))]
    assert sorted(described) == sorted(f"[[{one}]]" for one in PLACEHOLDERS)


# Templates

BUILT_IN = {path.name: path.read_text(encoding="utf-8") for path in template_files.BUILT_IN.glob("*.j2")}


THEME_FILES = {
    path: path.read_text(encoding="utf-8")
    for theme in THEMES
    for path in (template_files.BUILT_IN / theme).glob("*.j2")
}


def classes(source: str) -> set[str]:
    """Return the classes that a template writes."""
    found = re.findall(r'(?<!mj-)class="([^"]+)"', source)
    plain = (re.sub(r"\{\{.*?\}\}", " ", value) for value in found)
    chosen = re.findall(r"'([\w ]+)'", " ".join(found))
    return {word for value in [*plain, *chosen] for word in value.split()}


def given_to_templates() -> set[str]:
    """Return the names that the renderer hands to each template."""
    return set(template_data(material.full_issue(), material.site()))


def described_data(prefix: str) -> set[str]:
    """Return the documented fields of a variable: the first column of the tables under Data."""
    table = rows(section("docs/templates.md", "Data"))
    return {found[1] for row in table if (found := re.fullmatch(rf"`{re.escape(prefix)}\.(\w+)`", row[0]))}


def test_every_variable_of_a_template_is_described() -> None:
    assert given_to_templates() == {"elements", "issue", "site", "labels"}
    # The file of the issue and the folders of the newsletter are paths of this machine, no data of a mail.
    given = template_data(material.full_issue(), material.site())
    assert described_data("issue") == set(given["issue"])
    assert described_data("site") == set(given["site"])
    assert described_data("labels") == set(Labels.model_fields)
    (section,), (story, *_) = given["issue"]["sections"], given["issue"]["stories"]
    assert described_data("section") == set(section)
    assert described_data("story") == set(story)
    assert described_data("entry") == set(given["issue"]["contents"][0])
    for name, model in {"passage": Passage, "link": Link, "story.image": Image}.items():
        assert described_data(name) == set(model.model_fields), name


def test_every_method_of_a_value_is_described() -> None:
    methods = {row[0]: set(spans(row[1])) for row in rows(section("docs/templates.md", "Data"))}
    for name, of in {"text": str, "mappings": dict, "lists": list}.items():
        assert methods[name] == sandbox.ATTRIBUTES[of], name


def test_every_web_page_is_described_with_its_values() -> None:
    files, values, variables = tables(section("docs/templates.md", "Web pages"))
    described = {spans(row[0])[0]: set(spans(row[2])) for row in files}
    assert described == {f"{name}.html.j2": set(given) for name, given in pages.PAGES.items()}
    explained = {word for row in values for word in spans(row[0])}
    assert explained == set().union(*pages.PAGES.values())
    assert {word for row in variables for word in spans(row[0])} == page_values.SHARED


def test_the_example_of_a_web_page_works(tmp_path: Path) -> None:
    (example,) = re.findall(r"```jinja\n(.*?)^```", section("docs/templates.md", "Web pages"), re.S | re.M)
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "confirmed.html.j2").write_text(example, encoding="utf-8")
    values = {"address": page_values.MASKED, "sender": ""}
    page = pages.render_page("confirmed", page_values.site(templates=str(tmp_path)), values)
    assert "Welcome to the kitchen" in page and "1 Kitchen Road" in page


def test_every_template_of_mail_about_subscriptions_is_described() -> None:
    files, words, variables = tables(section("docs/templates.md", "Mail about subscriptions"))
    folder = template_files.BUILT_IN / "service"
    assert {spans(row[0])[0] for row in files} == {file.name for file in folder.iterdir()}
    written = {
        name
        for kind in SERVICE_MAIL_KINDS
        for name in re.findall(r"{% set (\w+) =", (folder / f"{kind}.j2").read_text(encoding="utf-8"))
    }
    assert {word for row in words for word in spans(row[0])} == written
    given = ServiceInput(material.full_issue(), material.site(), "data").variables
    assert {word for row in variables for word in spans(row[0])} == {f"mail.{key}" for key in given["mail"]}


def test_every_template_is_described_with_what_it_receives() -> None:
    environment = templates._environment(None, True, traced=False)
    table = tables(section("docs/templates.md", "Files"))
    described = {spans(row[0])[0]: set(spans(row[2])) for row in table[0]}
    read_by = {
        name: jinja2.meta.find_undeclared_variables(environment.parse(source)) - given_to_templates()
        for name, source in BUILT_IN.items()
    }
    assert described == read_by
    explained = {word for row in table[1] for word in spans(row[0])}
    assert explained == set().union(*read_by.values())
    assert not any("{% block" in source for source in BUILT_IN.values()), (
        "docs/templates.md says there is none"
    )


def test_every_variable_of_a_theme_is_described() -> None:
    environment = templates._environment(None, True, traced=False)
    sites = [template_data(material.full_issue(), material.site(theme=theme))["site"] for theme in THEMES]
    names, _, variables = tables(section("docs/templates.md", "Themes"))
    (own,) = tables(section("docs/templates.md", "Files of letter and gazette"))
    assert [spans(row[0])[0] for row in names] == list(THEMES)
    for site in sites:
        given = {f"site.{part}.{key}" for part in ("colors", "fonts") for key in site[part]}
        assert {spans(row[0])[0] for row in variables} == given
    read_by = {
        name
        for source in THEME_FILES.values()
        for name in jinja2.meta.find_undeclared_variables(environment.parse(source)) - given_to_templates()
    }
    shared = {word for row in tables(section("docs/templates.md", "Files"))[1] for word in spans(row[0])}
    assert {word for row in own for word in spans(row[0])} == read_by - shared


def test_every_filter_is_described() -> None:
    environment = templates._environment(None, True, traced=False)
    text = section("docs/templates.md", "Filters")
    described = {spans(row[0])[0] for row in rows(text)}
    assert described == set(environment.filters) - set(jinja2.defaults.DEFAULT_FILTERS)
    tail = text.rpartition("\n\nAll\n")[2]
    removed = set(jinja2.defaults.DEFAULT_FILTERS) - set(environment.filters)
    lost = set(jinja2.defaults.DEFAULT_NAMESPACE) - set(environment.globals)
    assert set(spans(tail)) == {*removed, *lost, *environment.globals}


def test_every_class_is_described() -> None:
    source = "\n".join(text for name, text in BUILT_IN.items() if name.endswith(".mjml.j2"))
    used = classes(source)
    text = section("docs/templates.md", "Classes")
    shared, of_themes = tables(text)
    assert {spans(row[0])[0] for row in shared} == used
    themed = {word for source in THEME_FILES.values() for word in classes(source)}
    assert {word for row in of_themes for word in spans(row[0])} == themed - used
    defined = set(re.findall(r'<mj-class name="(\w+)"', source))
    assert set(spans(text.rpartition("`mj-class` takes")[2])) == {*defined, "head.mjml.j2"}


def test_examples_of_templates_work(tmp_path: Path) -> None:
    text = read("docs/templates.md")
    written = re.findall(r"^`templates/(\S+)`:\n\n```jinja\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "templates").mkdir()
    for name, content in written:
        (tmp_path / "templates" / name).write_text(content, encoding="utf-8")
    assert {"footer.mjml.j2", "sponsor.mjml.j2"} <= {name for name, _ in written}
    (tmp_path / "newsletter.yml").write_text(blocks("docs/configuration.md", "yaml")[0], encoding="utf-8")
    path = tmp_path / "issues" / "2026-05-04.yml"
    path.parent.mkdir()
    (issue,) = (block for block in blocks("docs/templates.md", "yaml") if "extra:" in block)
    path.write_text(issue, encoding="utf-8")
    mail = render(files.load(path), loader.load(tmp_path, {}).site)
    for part in (mail.html, mail.text):
        assert "pots.example.com" in part and "All recipes" in part
    result = CliRunner().invoke(main, ["-C", str(tmp_path), "check", "--strict"])
    assert result.exit_code == 0, result.output
    path.write_text(issue.partition("extra:")[0], encoding="utf-8")
    assert "Example Pots" not in render(files.load(path), loader.load(tmp_path, {}).site).html


# The preview


def test_every_key_of_the_preview_is_described() -> None:
    page = read("newsletter/preview/page/page.js").partition("wireKeys({")[2].partition("});")[0]
    known = re.findall(r'^  "?(.)"?: \["', page, re.MULTILINE)
    assert known and [spans(row[0])[0] for row in rows(section("docs/preview.md", "Keys"))] == known


def test_every_view_of_the_preview_is_described() -> None:
    page = read("newsletter/preview/page/index.html")
    known = re.findall(r'name="view" value="\w+"><span>(\w+)<', page)
    assert known and [row[0] for row in rows(section("docs/preview.md", "Views"))] == known


# The pages themselves


@cache
def headings(name: str) -> list[tuple[int, str]]:
    """Return the level and the text of each heading."""
    tokens = MarkdownIt("commonmark").parse(read(name))
    return [
        (int(token.tag[1]), "".join(child.content for child in tokens[n + 1].children or []))
        for n, token in enumerate(tokens)
        if token.type == "heading_open"
    ]


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_and_anchors_lead_somewhere(name: str) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(read(name))
    children = [child for token in tokens for child in token.children or []]
    targets = [str(child.attrs.get("href") or child.attrs.get("src") or "") for child in children]
    for target in filter(None, targets):
        if re.match(r"\w+:", target):
            continue
        path, _, fragment = target.partition("#")
        linked = (ROOT / name).parent.joinpath(path) if path else ROOT / name
        assert linked.exists(), f"{name}: {target}"
        if fragment:
            known = [anchor(text) for _, text in headings(str(linked.resolve().relative_to(ROOT)))]
            assert known.count(fragment) == 1, f"{name}: {target}"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_it_answers_and_lists_its_contents(name: str) -> None:
    title, sentence = read(name).split("\n\n")[:2]
    assert title.startswith("# ") and sentence.startswith("This page ")
    listed = re.findall(r"^- \[(.+)\]\(#(.+)\)$", read(name), re.MULTILINE)
    chapters = [text for level, text in headings(name) if level == 2]
    assert listed == [(text, anchor(text)) for text in chapters]
    assert f"({name})" in read("README.md"), f"README does not link {name}"


def test_the_pages_of_providers_have_the_same_form() -> None:
    assert sorted(PROVIDER_PAGES) == [name for name in PAGES if name.startswith("docs/providers/")]
    chapters = {name: [text for level, text in headings(name) if level == 2] for name in PROVIDER_PAGES}
    first = chapters[PROVIDER_PAGES[0]]
    assert {name: found for name, found in chapters.items() if found != first} == {}
    for name in PROVIDER_PAGES:
        example = yaml.safe_load(blocks(name, "yaml")[0])
        assert {"sender", "provider"} <= set(example), name
        assert f"({name.removeprefix('docs/')})" in read("docs/providers.md"), name
        for target in ("configuration.md#secrets", "providers.md#change-the-provider"):
            assert f"(../{target})" in read(name), f"{name} does not link {target}"


@pytest.mark.parametrize("name", FOR_USERS)
def test_a_document_uses_no_retired_word(name: str) -> None:
    without_code = re.sub(r"`[^`]*`", "", prose(name))
    assert re.findall(RETIRED, without_code, re.IGNORECASE) == []
    assert re.findall(OPENINGS, without_code, re.MULTILINE) == []


def test_the_newsletter_in_the_readme_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("CI", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY"):
        monkeypatch.delenv(variable, raising=False)
    lines = [line for line in command_lines("README.md") if not line.startswith("news preview")]
    assert [split(line)[1] for line in lines] == [
        "news init",
        "news check",
        "news subscribers add",
        "news send",
        "news send",
        "news new",
    ]
    date = ""
    for line in lines:
        _, command, arguments = split(line)
        arguments = [date if word == "DATE" else word for word in arguments]
        result = CliRunner().invoke(
            main, ["-C", str(tmp_path), *command.split()[1:], *arguments], input="1\n"
        )
        assert result.exit_code == 0, f"{line}\n{result.output}"
        if command == "news init":
            for file in tmp_path.rglob("*.yml"):
                file.write_text(file.read_text(encoding="utf-8").replace("TODO", "soup"), encoding="utf-8")
            (issue,) = (tmp_path / "issues").iterdir()
            date = issue.stem
    (sent,) = (tmp_path / "outbox" / "new").iterdir()
    assert "you@example.com" in sent.read_text(encoding="utf-8")


def test_the_trial_of_the_archive_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(samples.write(tmp_path, extra=blocks("docs/archive.md", "yaml")[0]))
    Path("pictures").mkdir()
    Path("pictures", "bowl.png").write_bytes((ROOT / "docs" / "review.png").read_bytes())
    trial = section("docs/archive.md", "Try it")
    line = command_lines("docs/archive.md")[0]
    assert line in trial and "python -m http.server --bind 127.0.0.1 -d site\n" in trial
    result = CliRunner().invoke(main, [*shlex.split(line)[1:], "--no-cards"])
    assert result.exit_code == 0, result.output
    (files,) = re.findall(r"The folder has(.*?)\.\s", trial, re.DOTALL)
    named = spans(files)
    assert "feed.xml" in named and "pictures/" in named
    assert [word for word in named if not Path("site", word).exists()] == []
    page = Path("site", "2026-04-27", "index.html").read_text(encoding="utf-8")
    assert 'rel="canonical" href="https://ada.github.io/soup/2026-04-27/"' in page


def test_the_trial_of_the_public_server_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("CI", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY", "NEWS_STATE_DIR"):
        monkeypatch.delenv(variable, raising=False)

    def news(line: str) -> str:
        _, command, arguments = split(line.replace("DATE", date))
        words = ["-C", str(tmp_path), *command.split()[1:], *arguments]
        result = CliRunner().invoke(main, words, input="1\n")
        assert result.exit_code == 0, f"{line}\n{result.output}"
        return result.output

    def link(beginning: str) -> str:
        """Return the path of a link in the mail that comes to the outbox."""
        end = time.monotonic() + 60
        while True:
            for file in (tmp_path / "outbox" / "new").glob("*.eml"):
                body = message_from_bytes(file.read_bytes()).get_payload(0)
                plain = body.get_payload(decode=True).decode()
                if found := re.search(rf"http://127\.0\.0\.1:8080({beginning}\S+)", plain):
                    return found[1]
            assert time.monotonic() < end, f"no mail has a link {beginning}"
            time.sleep(0.02)

    date = ""
    trial = section("docs/serve.md", "Try it on this machine")
    init, serve = command_lines("docs/serve.md")[:2]
    assert serve == "news serve" and init in trial
    assert all(f"`{command}`" in trial for command in ("news subscribers list", "news send DATE"))
    news(init)
    for file in tmp_path.rglob("*.yml"):
        file.write_text(file.read_text(encoding="utf-8").replace("TODO", "soup"), encoding="utf-8")
    (date,) = (path.stem for path in (tmp_path / "issues").iterdir())
    newsletter = loader.load(tmp_path, {})
    with open_context(newsletter, public_address(newsletter, SERVE_PORT)) as context:
        server = PublicServer(context, Clock())
        assert server.sign_up("ada@example.com").status_code == 200
        assert server.post(link("/confirm/")).status_code == 200
        assert news("news subscribers list") == "ada@example.com\tactive\n"
        news("news send DATE")
        leaving = link("/unsubscribe/")
        assert server.post(leaving).status_code == 200
        assert news("news subscribers list") == "ada@example.com\tunsubscribed\n"
        assert server.post(leaving.replace("unsubscribe", "undo")).status_code == 200
        assert news("news subscribers list") == "ada@example.com\tactive\n"
        assert server.post("/lost", {"address": "ada@example.com"}).status_code == 200
        assert "ada@example.com" in server.get(link("/me/")).text
