"""The data of one person as files that the person can take along: JSON, and a table."""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from newsletter.store.person_record import PersonRecord
from newsletter.subscribers.csv_guard import write_rows


def as_mapping(record: PersonRecord) -> dict[str, Any]:
    """Return the record of a person as a mapping of texts, numbers, lists and times."""
    content = asdict(record)
    return {"address": content.pop("address"), "status": record.status, **content}


def as_json(record: PersonRecord) -> str:
    """Return the record of a person as JSON; times are in ISO 8601."""
    return json.dumps(as_mapping(record), default=_text, ensure_ascii=False, indent=1)


def as_csv(record: PersonRecord) -> str:
    """Return the record of a person as a table of names and values, such as `issues.1.issue`."""
    file = io.StringIO()
    write_rows(file, [("name", "value"), *_flat(as_mapping(record))])
    return file.getvalue()


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the values in mappings and lists with the path to each."""
    if isinstance(value, list):
        value = dict(enumerate(value, 1))
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _flat(part, f"{name}.{key}" if name else str(key))
    else:
        yield name, "" if value is None else _text(value)


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
