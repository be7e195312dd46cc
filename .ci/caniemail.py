"""Update newsletter/checks/caniemail/caniemail.json from caniemail.com's data in its npm package.

Run it as `python .ci/caniemail.py [CANIEMAIL.tgz]`; without a file, npm fetches the newest package. Then read
the diff, and run the tests: they report each new feature.
"""

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "newsletter" / "checks" / "caniemail" / "caniemail.json"
SOURCE = "https://www.caniemail.com, from the npm package caniemail {version}"
LICENCE = "MIT, see caniemail.LICENSE"
# The values of the data: yes, no, almost (partly), unknown.
VALUES = "ynau"


def main() -> None:
    if len(sys.argv) > 1:
        return write(Path(sys.argv[1]))
    with TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", "caniemail"], cwd=folder, check=True)
        write(next(Path(folder).glob("*.tgz")))


def write(package: Path) -> None:
    data, version = member(package, "data/caniemail.json"), member(package, "package.json")["version"]
    columns = sorted({column for feature in data["data"] for column in supports(feature)})
    kept = {
        "source": SOURCE.format(version=version),
        "licence": LICENCE,
        "date": data["last_update_date"][:10],
        "families": {
            name: title for name, title in data["nicenames"]["family"].items() if name in families(columns)
        },
        "clients": columns,
    }
    features = {feature["slug"]: row(feature, columns) for feature in data["data"]}
    head = json.dumps(kept, ensure_ascii=False, indent=1).removesuffix("\n}")
    # One line per feature, for readable diffs.
    lines = ",\n".join(f"  {json.dumps(slug)}: {json.dumps(row)}" for slug, row in sorted(features.items()))
    TARGET.write_text(f'{head},\n "features": {{\n{lines}\n }}\n}}\n', encoding="utf-8")
    print(f"{TARGET.name}: {len(features)} features, {len(columns)} clients, {kept['date']}")


def member(package: Path, name: str) -> dict[str, Any]:
    with tarfile.open(package) as archive:
        file = archive.extractfile(f"package/{name}")
        assert file
        content: dict[str, Any] = json.load(file)
        return content


def families(columns: list[str]) -> set[str]:
    return {column.partition(".")[0] for column in columns}


def row(feature: dict[str, Any], columns: list[str]) -> list[str]:
    """Return a feature's title, and a value for the newest version of each column; `-` if untested."""
    known = supports(feature)
    return [feature["title"].strip(), "".join(known.get(column, "-") for column in columns)]


def supports(feature: dict[str, Any]) -> dict[str, str]:
    return {
        f"{family}.{platform}": newest(versions)
        for family, platforms in feature["stats"].items()
        for platform, versions in platforms.items()
        if versions
    }


def newest(versions: dict[str, str]) -> str:
    """Return the value of the newest version: the last one, or the latest if all versions are months."""
    months = all(re.fullmatch(r"\d{4}-\d\d", version) for version in versions)
    value = versions[max(versions) if months else list(versions)[-1]][0]
    assert value in VALUES, versions
    return value


if __name__ == "__main__":
    main()
