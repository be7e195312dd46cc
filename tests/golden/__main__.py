"""Writes the golden files, and what the checks are expected to find, anew: `python -m tests.golden`.

Then read the diff.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.checks import material
from tests.render import golden

for file in golden.FILES:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(golden.content(file))
    print(file.relative_to(golden.GOLDEN.parent.parent))

for case in material.TRIPS:
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        told = material.told(material.found(Path(folder), case))
    (case / "expected").write_text(told, encoding="utf-8")
    print(f"tests/data/checks/{material.named(case)}/expected")
