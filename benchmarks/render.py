"""Print the time of rendering: as a whole process and warm, and compared with npm's mjml in both ways."""

import json
import os
import re
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import measure
import peers

from newsletter.config import loader
from newsletter.issue import files
from newsletter.render.commonmark import parser
from newsletter.render.inline_css import inline
from newsletter.render.mjml import compile_mjml
from newsletter.render.pipeline import render, to_mjml
from newsletter.render.template_data import TemplateInput

ISSUE = "2026-04-27"
INLINE_STYLE = re.compile(r'<mj-style inline="inline">.*?</mj-style>', re.DOTALL)
_REQUIRED = "const fs = require('fs'), mjml = require('mjml'), compile = mjml.default || mjml;"
_ONCE = f"""{_REQUIRED}
(async () => {{
  const compiled = await compile(fs.readFileSync(process.argv[1], 'utf8'));
  fs.writeFileSync(process.argv[2], compiled.html);
}})();
"""
_WARM = f"""{_REQUIRED}
const source = fs.readFileSync(process.argv[1], 'utf8');
(async () => {{
  await compile(source);
  const taken = [];
  for (let n = 0; n < 20; n++) {{
    const start = process.hrtime.bigint();
    await compile(source);
    taken.push(Number(process.hrtime.bigint() - start) / 1e6);
  }}
  taken.sort((a, b) => a - b);
  console.log(JSON.stringify(taken[10]));
}})();
"""


def main() -> None:
    # As for users: Python compiles the modules once, not at each start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    newsletter = loader.load(measure.REPOSITORY, {})
    issue = files.load(newsletter.issues / f"{ISSUE}.yml")
    source = to_mjml(TemplateInput(issue, newsletter.site))

    def fresh() -> None:
        """Render with an empty cache of texts, as after an edit."""
        parser.parse.cache_clear()
        render(issue, newsletter.site)

    with tempfile.TemporaryDirectory() as folder:
        rendered = measure.whole_process(measure.news(), "render", ISSUE, "-o", folder)
        rendered()
        measure.row("", "median", "aim")
        measure.row("news --help, whole process", ms(measure.seconds(helped(), 15)), "100 ms")
        measure.row("news render, whole process", ms(measure.seconds(rendered, 15)), "400 ms")
        checked = measure.whole_process(measure.news(), "check", ISSUE)
        measure.row("news check, whole process", ms(measure.seconds(checked, 15)), "1000 ms")
        measure.row("rendering, warm, text not seen before", ms(measure.seconds(fresh, 50)), "15 ms")
        compiled = measure.seconds(lambda: inline(*compile_mjml(source)), 50)
        measure.row("  of which MJML to HTML with inlined CSS", ms(compiled))
        file = Path(folder) / "issue.mjml"
        # Without the CSS that is inlined, on which npm's juice fails: npm has less to do than news.
        file.write_text(INLINE_STYLE.sub("", source.text), encoding="utf-8")
        if peers.installed(peers.MJML):
            warm_against_npm(file, compiled)
            start_against_npm(file)


def helped() -> Callable[[], object]:
    return measure.whole_process(measure.news(), "--help")


def warm_against_npm(file: Path, ours: float) -> None:
    """Print the time of npm's mjml for the same MJML, warm in one process."""
    theirs = json.loads(node("-e", _WARM, file).output) / 1000
    measure.row("  npm mjml on the same MJML, CSS not inlined", ms(theirs), f"{theirs / ours:.1f} x ours")


def start_against_npm(file: Path) -> None:
    """Print the time of `news render`, as a share of the time of npm's mjml for the same MJML.

    Its command reads options and finds files, like `news`; a script that calls its function has less to do.
    """

    def ours() -> measure.Run:
        return measure.run(measure.news(), "render", ISSUE, "-o", file.parent)

    output, command = file.with_suffix(".html"), peers.MJML.parent / ".bin" / "mjml"
    rivals = {
        "its command": lambda: measure.run(command, file, "-o", output),
        "a script of four lines": lambda: node("-e", _ONCE, file, output),
    }
    print("\nnews render / npm mjml on the same MJML, whole processes in turn, median of 15 pairs")
    measure.row("", "wall", "processor", "aim, wall")
    for name, theirs in rivals.items():
        pairs = measure.pairs(ours, theirs, 15)
        wall = statistics.median(a.seconds / b.seconds for a, b in pairs)
        cpu = statistics.median(a.cpu / b.cpu for a, b in pairs)
        measure.row(f"  against {name}", f"{wall:.2f}", f"{cpu:.2f}", "0.75")


def node(*arguments: str | Path) -> measure.Run:
    return measure.run("node", *arguments, NODE_PATH=str(peers.MJML.parent))


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


if __name__ == "__main__":
    main()
