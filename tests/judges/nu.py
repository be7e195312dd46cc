"""Run the Nu HTML checker, which validates HTML and CSS: https://validator.github.io/validator/"""

import json
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.judges import installed
from tests.judges.verdicts import Verdict


def judge(mails: Mapping[str, str], folder: Path) -> dict[str, list[Verdict]]:
    """Return its verdicts on each mail, by name; one process checks all, since starting it takes longest."""
    files = {folder / f"{n}.html": name for n, name in enumerate(mails)}
    for file, name in files.items():
        file.write_text(mails[name], encoding="utf-8")
    command = [*installed.nu(), "--format", "json", "--exit-zero-always", "--stdout", *map(str, files)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    verdicts: dict[str, list[Verdict]] = defaultdict(list)
    for message in json.loads(done.stdout)["messages"]:
        name = files[Path(message["url"].removeprefix("file:"))]
        verdicts[name].append(Verdict("nu", message["message"], _element(message)))
    return {name: verdicts[name] for name in mails}


def _element(message: Mapping[str, Any]) -> str:
    start = message.get("hiliteStart", 0)
    return str(message.get("extract", ""))[start : start + message.get("hiliteLength", 0)]
