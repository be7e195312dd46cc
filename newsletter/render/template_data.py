"""Convert an issue and its site to the data of templates: plain values without methods of our own.

Templates are input that nobody may have reviewed. A model, whose methods can read files and run code, must
not be reachable from them.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import count
from typing import Any, NamedTuple

from newsletter.issue.model import NO_BUTTON, Image, Issue, IssueFile, Passage, Story
from newsletter.render import themes
from newsletter.render.commonmark.notes import NotedText
from newsletter.render.date_line import date_line
from newsletter.render.issue_markdown import IssueMarkdown, prepare
from newsletter.render.language_tags import direction
from newsletter.render.model import Site
from newsletter.render.page_address import page_of
from newsletter.render.pictures import Picture
from newsletter.render.section_notes import IssueNotes
from newsletter.yamlfile.fields import StrictModel

Plain = Callable[..., Any]
# The fields of an issue file whose texts may share notes.
_IN_SECTIONS = ("opening", "sections", "stories", "closing")


class Fields(dict[str, Any]):
    """The fields of a part of an issue or site; `part` names that part in messages."""

    def __init__(self, part: str, fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.part = part


class Date(NamedTuple):
    """A date, printed as `2026-04-27`."""

    year: int
    month: int
    day: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}-{self.day:02}"


@dataclass(frozen=True)
class TemplateInput:
    """An issue and its site, as all templates of one mail receive them; each part is computed once."""

    issue: Issue
    site: Site

    @cached_property
    def markdown(self) -> IssueMarkdown:
        """Return the facts of the issue's Markdown and pictures; raise IssueError as `prepare`."""
        return prepare(self.issue, self.site)

    @cached_property
    def variables(self) -> dict[str, Any]:
        """Return the variables of every template."""
        return template_data(self.issue, self.site, self.markdown)


def template_data(issue: Issue, site: Site, prepared: IssueMarkdown | None = None) -> dict[str, Any]:
    """Return the variables of every template: `issue`, `site`, `labels` and `elements`.

    The last are the names of the HTML elements that the Markdown of the issue becomes.
    """
    prepared = prepared or prepare(issue, site)
    plain = partial(_plain, pictures=prepared.context.pictures, texts={})
    return {
        "issue": Fields("Issue", _issue(issue, site, prepared.notes, plain)),
        "site": Fields("Site", site_fields(site) | {"logo": plain(site.logo)}),
        "labels": Fields("Labels", site.labels),
        "elements": prepared.elements,
    }


def site_variable(site: Site) -> dict[str, Any]:
    """Return the variable `site` of templates that belong to no issue."""
    return {"site": Fields("Site", site_fields(site))}


def site_fields(site: Site) -> dict[str, Any]:
    """Return the fields of the variable `site`, except the logo: the size of its picture must be known."""
    return {
        "name": site.name,
        "description": site.description,
        "postal_address": site.postal_address,
        "language": site.language,
        "direction": direction(site.language),
        "url": site.url,
        "theme": site.theme,
        "colors": Fields("Colors", themes.palette(site.theme, site.colors)),
        "fonts": Fields("Fonts", themes.fonts(site.theme, site.fonts)),
    }


def _issue(issue: Issue, site: Site, notes: IssueNotes, plain: Plain) -> dict[str, Any]:
    contents = issue.contents or site.contents or themes.THEMES[site.theme].contents
    sections = tuple(_sections(issue, contents, notes, plain))
    stories = tuple(story for section in sections for story in section["stories"])
    content: dict[str, Any] = dict.fromkeys(IssueFile.model_fields)
    content |= {name: plain(getattr(issue, name)) for name in content if name not in _IN_SECTIONS}
    for name in ("opening", "closing"):
        of_section = notes.of((name,))
        content[name] = _shown(plain(getattr(issue, name), texts=of_section.texts))
        content[f"{name}_notes"] = of_section.notes
    content |= {"name": issue.name, "date": plain(issue.date), "week": plain(issue.week)}
    content |= {"sections": sections, "stories": stories}
    content["number_line"] = _number_line(issue.number, site.labels)
    content["date_line"] = _date_line(issue, site)
    content["page"] = page_of(issue, site)
    content["contents"] = tuple(_contents(contents, sections))
    return content


def _number_line(number: int | str | None, labels: Mapping[str, str]) -> str:
    if isinstance(number, int):
        return labels["issue_number"].replace("{number}", str(number))
    return number or ""


def _date_line(issue: Issue, site: Site) -> str:
    match issue.date_line or site.date_line:
        case "week" | "day" | "month" as kind:
            return date_line(kind, issue.date, site.language, site.labels.get("months"))
        case "none":
            return ""
        case words:
            return words


def _sections(issue: Issue, contents: str | None, notes: IssueNotes, plain: Plain) -> Iterator[Fields]:
    """Yield the sections and their stories with the number of each; advertisements have no number.

    `anchor` is the id to which an entry of the contents leads; "" if none does.
    """
    numbers = count(1)
    for section_number, (loc, section) in enumerate(issue.located_sections(), 1):
        of_section = notes.of(loc)
        noted = partial(plain, texts=of_section.texts)
        fields = noted(section)
        fields["stories"] = tuple(
            _story(story, 0 if story.sponsor else next(numbers), contents, noted) for story in section.stories
        )
        fields["notes"] = of_section.notes
        if _is_only_notes(fields["text"]):
            fields["text"] = None
        fields["number"] = section_number
        is_advertisement = bool(section.stories) and all(story.sponsor for story in section.stories)
        is_listed = contents == "sections" and section.heading and not is_advertisement
        fields["anchor"] = f"section-{section_number}" if is_listed else ""
        yield fields


def _story(story: Story, number: int, contents: str | None, plain: Plain) -> Fields:
    """Return the fields of a story; `text` is its first passage, and `button` the words of its own button.

    A `brief` story is one of a few lines, without parts of its own.
    """
    fields: Fields = plain(story)
    parts = (story.passages, story.image, story.authors, story.tags, story.links, story.sponsor)
    fields["brief"] = not any(parts) and story.button in (None, NO_BUTTON)
    if story.text:
        fields["passages"] = (plain(Passage(text=story.text)), *fields["passages"])
    fields["passages"] = _shown(fields["passages"])
    fields["has_button"] = bool(story.link) and story.button != NO_BUTTON
    fields["button"] = None if story.button == NO_BUTTON else story.button
    fields["number"] = number
    fields["anchor"] = f"story-{number}" if contents == "stories" and number else ""
    return fields


def _shown(passages: Iterable[Fields]) -> tuple[Fields, ...]:
    """Return the passages without those that have only notes, which stand at the end of the section."""
    return tuple(
        passage
        for passage in passages
        if passage["heading"] or passage["image"] or not _is_only_notes(passage["text"])
    )


def _is_only_notes(text: str | None) -> bool:
    return isinstance(text, NotedText) and text.is_only_notes


def _contents(contents: str | None, sections: tuple[Fields, ...]) -> Iterator[Fields]:
    """Yield the entries of the list "In this issue"; an entry without a `link` is plain text.

    Without a setting, an entry leads to the page of its story. Otherwise it leads down the mail.
    """
    if contents == "sections":
        listed = (section for section in sections if section["anchor"])
        for number, section in enumerate(listed, 1):
            titles = tuple(story["title"] for story in section["stories"] if story["number"])
            yield _entry(number, section["heading"], f"#{section['anchor']}", titles)
    elif contents != "off":
        for section in sections:
            for story in section["stories"]:
                if story["number"]:
                    link = f"#{story['anchor']}" if story["anchor"] else story["link"]
                    yield _entry(story["number"], story["title"], link, ())


def _entry(number: int, title: str, link: str | None, stories: tuple[str, ...]) -> Fields:
    return Fields("Entry", {"number": number, "title": title, "link": link, "stories": stories})


def _plain(value: Any, pictures: Mapping[str, Picture], texts: Mapping[str, NotedText]) -> Any:
    """Return a value as text, number, boolean, None, tuple, mapping or `Date`; raise TypeError for others.

    `texts` are the texts of the value's section that have notes.
    """
    if value is None or isinstance(value, str | int | float):
        return texts.get(value, value) if texts and isinstance(value, str) else value
    match value:
        case dt.date():
            return Date(value.year, value.month, value.day)
        case StrictModel():
            fields = {
                name: _plain(getattr(value, name), pictures, texts) for name in type(value).model_fields
            }
            if isinstance(value, Image):
                picture = pictures[value.src]
                web_width, web_height = picture.web_size(value.width)
                fields |= {"src": picture.src, "width": picture.shown_width(value.width)}
                fields |= {"web_width": web_width, "web_height": web_height}
            return Fields(type(value).__name__, fields)
        case dict():
            return {key: _plain(part, pictures, texts) for key, part in value.items()}
        case tuple() | list():
            return tuple(_plain(part, pictures, texts) for part in value)
    raise TypeError(f"templates cannot have a value of the type {type(value).__name__}")
