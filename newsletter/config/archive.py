"""The part of newsletter.yml about the archive, the pages of the published issues at `site`."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator

from newsletter.config.serve_url import UNSUBSCRIBE_END, serve_url
from newsletter.yamlfile.fields import StrictModel, invalid, suggesting, web_address

FORM = "form"
"""The value of `sign_up` for a form on the pages, which posts to `news serve`."""


def _sign_up_way(text: str) -> str:
    """Return `form` or a web address; else raise `invalid`."""
    if text == FORM:
        return text
    if "://" not in text:
        fix = f"write {FORM}, or the address of the page on which people sign up: https://…"
        raise invalid(f'is neither {FORM} nor a web address ("{text[:80]}")', fix)
    return web_address(text)


class Archive(StrictModel):
    """The archive of a newsletter; `sign_up` is the way on its pages to sign up, None for no settings."""

    exists: ClassVar[bool] = True
    sign_up: Annotated[str, AfterValidator(_sign_up_way), suggesting(FORM)] | None = None


class NoArchive(Archive):
    """The value of `archive: false`: the newsletter has no archive."""

    exists: ClassVar[bool] = False


def archive_setting(setting: object) -> object:
    """Return the settings for the short forms `false` and `true`; raise `invalid` for an empty value."""
    if isinstance(setting, bool):
        return Archive() if setting else NoArchive()
    if setting is None or isinstance(setting, str):
        fix = f"write false for a newsletter without an archive, or {{sign_up: {FORM}}}"
        raise invalid("is empty" if not setting else f'is "{setting[:80]}"', fix)
    return setting


def refuse_form_without_server(archive: Archive, unsubscribe_url: str | None) -> None:
    """Raise `invalid` for a form whose server is not known from the unsubscribe link."""
    if archive.sign_up == FORM and serve_url(unsubscribe_url or "") is None:
        what = f"has sign_up: {FORM}, and unsubscribe.url does not lead to the pages of news serve"
        fix = (
            f"write unsubscribe.url: https://news.example.com{UNSUBSCRIBE_END} with the host of news serve, "
            "or the address of another page to sign up"
        )
        raise invalid(what, fix)
