"""Writes the golden files anew: `python -m tests.golden`; then read the diff."""

from tests.render import golden

for file in golden.FILES:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(golden.content(file))
    print(file.relative_to(golden.GOLDEN.parent.parent))
