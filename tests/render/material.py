"""Issues and sites for the tests of rendering."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from lxml import html

from newsletter.config import loader, model
from newsletter.issue import files
from newsletter.issue.model import Image, Issue, Link, Passage, Story
from newsletter.render.model import Rendered, Site
from newsletter.render.pipeline import render

Refusal = Callable[..., str]

REPOSITORY = Path(__file__).parents[2]
REAL = REPOSITORY / "issues" / "2026-04-27.yml"

EVERYTHING = """\
Some *opening* words with `inline code`, a [link](https://example.com/?a=1&b=2) and **bold**.

> A quotation that goes on for long enough to need more than one line on the page.

- A thing, which is long enough to need a second line on every screen that we look at here
  - a nested one
- A second thing

1. one
2. two

## A heading

### A heading below it

#### The lowest heading

| Model | Parameters | Score | Notes |
|:------|-----------:|------:|-------|
| Alpha | 7B | ~~81.2~~ 82 | fast, `code` |
| Beta large | 70B | 84.55 | [paper](https://example.com/beta)[^stock] |

- [x] Done
- [ ] Open, with https://example.com/an/address/that/is/bare in it

![A bowl of soup](https://pictures.example.com/a.png "Leek soup, on a **cold** evening"){width=300}

<!-- not for readers -->

[^stock]: With *stock* from the day before.

```python
def render(issue: Issue, site: Site) -> Rendered: return Rendered(issue.subject, "a line of code")
```

---

Pneumonoultramicroscopicsilicovolcanoconiosis_Pneumonoultramicroscopicsilicovolcanoconiosis.
"""


def story(**changes: Any) -> Story:
    fields = {
        "title": "Leek soup",
        "link": "https://soup.example.com/leek?size=4&time=30",
        "passages": (Passage(heading="How", text="Cut, cook, **blend**."),),
    }
    return Story(**{**fields, **changes})


def full_story(**changes: Any) -> Story:
    """Return a story with every field that a story can have."""
    fields = {
        "title": "A long title: with a colon, a subtitle & an ampersand, as titles now and then are",
        "authors": ("Ada Example", "Bo Sample", "Chidi Placeholder"),
        "more_authors": 12,
        "passages": (Passage(heading="What", text=EVERYTHING), Passage(text="Without a heading.")),
        "tags": ("leek", "a tag of several words", "a-long-tag-that-goes-on-and-on-until-it-stops"),
        "links": tuple(Link(text=f"Link {n}", link=f"https://example.com/{n}") for n in range(3)),
        "image": Image(src="https://pictures.example.com/a.png?x=1&y=2", alt="A bowl", width=528),
    }
    return story(**{**fields, **changes})


def issue(*stories: Story, **changes: Any) -> Issue:
    """Return an issue with these stories; by default with a short one."""
    fields = {
        "subject": "Leek & potato",
        "preheader": "A soup for a cold evening.",
        "date": date(2026, 4, 27),
    }
    return Issue(**{**fields, "stories": stories or (story(),), **changes})


def full_issue() -> Issue:
    passages = (Passage(heading="Opening", text=EVERYTHING), Passage(text="More."))
    return issue(full_story(), story(), opening=passages, closing=(Passage(heading="Bye", text="See you."),))


def site(templates: Path | None = None, **changes: Any) -> Site:
    fields = {"name": "The Soup Letter", "postal_address": "1 Kitchen Road", "labels": labels()}
    return Site(**{**fields, "templates": str(templates) if templates else None, **changes})


def labels(**changes: str) -> dict[str, str]:
    return {**model.Labels().model_dump(), **changes}


def parsed(mail: str) -> Any:
    """Parse the mail with lxml."""
    return html.document_fromstring(mail)


@cache
def real_site() -> Site:
    return replace(loader.load(REPOSITORY, {}).site, templates=None)


@cache
def real_issue() -> Issue:
    return files.load(REAL)


@cache
def real() -> Rendered:
    """Return the repository's issue, rendered with the built-in templates."""
    return render(real_issue(), real_site())
