"""Tests that rendering and checking open no connection, and no file of others."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.errors import TemplateError
from newsletter.render.pipeline import render
from tests.render import material

# Runs in a process of its own, because an audit hook cannot be removed.
PROGRAM = """
import json, sys
from pathlib import Path

touched = []

def note(event, arguments):
    if event.partition(".")[0] in ("socket", "subprocess", "urllib") or event in ("os.system", "os.exec"):
        touched.append(f"{event} {arguments[1:]}")
    elif event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str):
        path = Path(arguments[0]).resolve()
        if not any(path.is_relative_to(Path(folder).resolve()) for folder in ALLOWED):
            touched.append(f"{event} {path}")

ALLOWED = [*json.loads(sys.argv[2]), *filter(None, sys.path), sys.prefix, sys.base_prefix]
sys.addaudithook(note)

from newsletter.checks import registry, runner
from newsletter.config import loader
from newsletter.errors import NewsError
from newsletter.issue import files
from newsletter.render.inline_css import inline
from newsletter.services.prepare import proof

newsletter = loader.load(Path(sys.argv[1]), {})
read = proof(newsletter, files.load(files.find(newsletter.issues)))
html = read.rendered.html + read.rendered.text
runner.run(read)
for url in json.loads(sys.argv[3]):
    html += inline("<html><body><p>x</p></body></html>", f"@import url({url}); p {{ color: red }}")
print(json.dumps([touched, html]))
"""

LOADING = """<mj-raw>
  <link rel="stylesheet" href="{url}" />
  <style>@font-face {{ font-family: x; src: url({url}) }} p {{ background: url("{url}") }}</style>
  <STYLE>p {{ background: url("{url}") }}</STYLE>
  <object data="{url}"></object><iframe src="{url}"></iframe><script src="{url}"></script>
  <p style="background: url({url})"><img src="{url}" /></p>
</mj-raw>
<mj-section background-url="{url}"><mj-column>
  <mj-image src="{url}" alt="x" /><mj-text>&x;</mj-text>
</mj-column></mj-section>
"""


def test_templates_make_rendering_load_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        touched, output = rendered_and_checked(tmp_path, f"http://127.0.0.1:{server.getsockname()[1]}/x.css")
        with pytest.raises(BlockingIOError):  # nobody has connected
            server.accept()
    assert touched == []
    assert "a secret" not in output


def rendered_and_checked(tmp_path: Path, url: str) -> tuple[list[str], str]:
    """Return the files and connections that a program opens outside of its folders, and what it prints."""
    secret = tmp_path / "secret.css"
    secret.write_text("p { color: red } /* a secret */")
    folder = tmp_path / "newsletter"
    urls = [url, secret.as_uri(), str(secret), "../secret.css"]
    (folder / "templates").mkdir(parents=True)
    (folder / "issues").mkdir()
    (folder / "newsletter.yml").write_bytes((material.REPOSITORY / "newsletter.yml").read_bytes())
    (folder / "issues" / "2026-04-27.yml").write_bytes(material.REAL.read_bytes())
    allowed = [folder, material.REPOSITORY]
    loading = "".join(LOADING.format(url=url) for url in urls).replace("&x;", "x")
    footer = (material.REPOSITORY / "templates" / "footer.mjml.j2").read_text()
    (folder / "templates" / "footer.mjml.j2").write_text(loading + footer)
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), json.dumps([*map(str, allowed)]), json.dumps(urls)],
        stdout=subprocess.PIPE,
        check=True,
        cwd=folder,
    )
    touched, output = json.loads(ran.stdout)
    return touched, output


@pytest.mark.parametrize(
    "css",
    [
        pytest.param("@import url(https://example.com/x.css);", id="url"),
        pytest.param('@import "file:///etc/passwd";', id="file"),
        pytest.param("@IMPORT url(//example.com);", id="capitals"),
        pytest.param("@\\69mport 'x';", id="escaped"),
        pytest.param("@im\\port 'x';", id="escaped-letter"),
        pytest.param("&#64;import 'x';", id="reference"),
        pytest.param("p { color: red }\n@import 'x';", id="too-late-for-css"),
    ],
)
@pytest.mark.parametrize(
    "style",
    [
        pytest.param('<mj-style inline="inline">{}</mj-style>', id="inlined"),
        pytest.param("<mj-style>{}</mj-style>", id="plain"),
        pytest.param("<mj-raw><style>{}</style></mj-raw>", id="raw"),
        pytest.param("<mj-raw><style media='print'>{}</style></mj-raw>", id="print"),
    ],
)
def test_an_import_is_a_mistake_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, style: str, css: str
) -> None:
    monkeypatch.chdir(tmp_path)
    head = (material.REPOSITORY / "templates" / "head.mjml.j2").read_text()
    lines = head.count("\n", 0, head.index("<mj-head>")) + 2
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "head.mjml.j2").write_text(
        head.replace("<mj-head>", "<mj-head>\n" + style.format(css))
    )
    with pytest.raises(TemplateError) as refused:
        render(material.issue(), material.site(tmp_path / "templates"))
    (problem,) = refused.value.problems
    assert problem.what == "@import loads another style sheet"
    line = lines + (css.count("\n") if "@import" in css.lower() else 0)
    assert problem.where == f"templates/head.mjml.j2:{line}"


@pytest.mark.parametrize(
    "style",
    [
        pytest.param("<mj-raw><STYLE>@import 'file:///etc/passwd';</STYLE></mj-raw>", id="capital-tag"),
        pytest.param("<mj-raw><svg><sTyle>@import 'file:///etc/passwd';</sTyle></svg></mj-raw>", id="svg"),
        pytest.param("<mj-raw><svg:style>@import 'file:///etc/passwd';</svg:style></mj-raw>", id="prefix"),
        pytest.param("<mj-raw><style><!-- @import 'x.css'; --></style></mj-raw>", id="comment"),
        pytest.param(
            "<mj-raw><!--[if mso]><style>@import 'file:///etc/passwd';</style><![endif]--></mj-raw>",
            id="outlook",
        ),
    ],
)
def test_an_import_is_found_in_every_kind_of_style_sheet(tmp_path: Path, style: str) -> None:
    (tmp_path / "footer.mjml.j2").write_text(f"<mj-section></mj-section>\n{style}")
    with pytest.raises(TemplateError, match=r"footer.mjml.j2:2: @import loads another style sheet"):
        render(material.issue(), material.site(tmp_path))


def test_words_about_imports_are_no_mistake() -> None:
    assert "@import" in render(material.issue(subject="Avoid @import in CSS"), material.site()).html
