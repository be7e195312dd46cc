"""Update the golden files, the expected problems of the checks and the workflows: `python -m tests.golden`.

Then read the diff.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from newsletter.starter.github_workflows import workflows
from tests import runner
from tests.checks import material
from tests.render import golden
from tests.review import golden as reviews

for file in golden.FILES:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(golden.content(file))
    print(file.relative_to(golden.GOLDEN.parent.parent))

for file in reviews.FILES:
    file.parent.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        file.write_text(reviews.content(file, Path(folder)), encoding="utf-8")
    print(file.relative_to(reviews.FOLDER.parent.parent))

for case in material.TRIPS:
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        report = material.report(material.problems_of(Path(folder), case))
    (case / "expected").write_text(report, encoding="utf-8")
    print(f"tests/data/checks/{material.case_name(case)}/expected")

for workflow, text in workflows(runner.OWN_WORKFLOWS).items():
    (runner.ROOT / workflow).write_text(text, encoding="utf-8")
    print(workflow)
