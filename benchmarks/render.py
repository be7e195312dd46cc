"""Prints what rendering costs: whole processes, warm, and against npm's mjml where that is installed."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import measure

from newsletter.config import loader
from newsletter.issue import files
from newsletter.render import markdown
from newsletter.render.inline_css import inline
from newsletter.render.mjml import compile_mjml
from newsletter.render.pipeline import render, to_mjml

ISSUE = "2026-04-27"
INLINE_STYLE = re.compile(r'<mj-style inline="inline">.*?</mj-style>', re.DOTALL)
_NODE = """
const fs = require('fs'), mjml = require('mjml');
const compile = mjml.default || mjml, source = fs.readFileSync(process.argv[1], 'utf8');
(async () => {
  await compile(source);
  const taken = [];
  for (let n = 0; n < 20; n++) {
    const start = process.hrtime.bigint();
    await compile(source);
    taken.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  taken.sort((a, b) => a - b);
  console.log(JSON.stringify(taken[10]));
})();
"""


def main() -> None:
    newsletter = loader.load(measure.REPOSITORY, {})
    issue = files.load(newsletter.issues / f"{ISSUE}.yml")
    source = to_mjml(issue, newsletter.site)

    def fresh() -> None:
        """As after an edit: nothing of the text is remembered."""
        markdown._parse.cache_clear()
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
        # Without the CSS to be inlined, on which npm's juice fails: npm has less to do than we.
        file.write_text(INLINE_STYLE.sub("", source.text), encoding="utf-8")
        against_npm(file, compiled)


def helped() -> Callable[[], object]:
    return measure.whole_process(measure.news(), "--help")


def against_npm(file: Path, ours: float) -> None:
    """The same MJML through npm's mjml, warm in one process."""
    found = shutil.which("node") and subprocess.run(
        ["node", "-e", _NODE, str(file)], capture_output=True, text=True, cwd=measure.REPOSITORY, check=False
    )
    if not found or "Cannot find module" in found.stderr:
        print("npm mjml is not installed here (npm install --no-save mjml), so there is no ratio")
        return
    if found.returncode:
        raise SystemExit(f"npm mjml failed:\n{found.stderr}")
    theirs = json.loads(found.stdout) / 1000
    measure.row("  npm mjml on the same MJML, CSS not inlined", ms(theirs), f"{theirs / ours:.1f} x ours")


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


if __name__ == "__main__":
    main()
