"""Pictures come from elsewhere, or not at all: their address, width and words have to be right."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from newsletter.checks.document import Element
from newsletter.checks.proof import Proof
from newsletter.display import counted, printable
from newsletter.errors import Problem
from newsletter.hosts import is_public

# mj-body's own width where a template names none.
_MAIL_WIDTH = 600
_FILE_NAME = re.compile(
    r"\S+\.(?:png|jpe?g|gif|webp|svg|avif)|(?:img|dsc|image|screenshot|pxl)[ _-]?\d+|"
    "image|picture|photo|img|graphic|bild|foto|grafik|imagen|immagine",
    re.IGNORECASE,
)


def images(proof: Proof) -> Iterator[Problem]:
    """A picture that is not to be had over https, has no width in pixels, or is named like a file."""
    widest = _mail_width(proof)
    for image in proof.document.named("img"):
        for what, fix in (*_source(image), *_width(image, widest), *_words(image)):
            shown = printable(image.get("src", ""))
            yield Problem(proof.where(image), f"{what} ({shown})", fix, "warning")


def _source(image: Element) -> Iterator[tuple[str, str]]:
    source = (image.get("src") or "").strip()
    try:
        parts = urlsplit(source)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme == "data":
        yield "a picture inside the HTML, which Gmail and Outlook do not show", "put it on a web server"
    elif parts.scheme not in ("http", "https") or not host:
        yield "a picture without a web address", "write all of it: https://…"
    elif not is_public(host):
        yield f"{host} is not to be reached from outside", "put the picture where readers can get it"
    elif parts.scheme == "http":
        yield "a picture that is not https, which mail programs refuse or warn of", "write https://…"


def _width(image: Element, widest: int) -> Iterator[tuple[str, str]]:
    written = (image.get("width") or "").strip()
    styled = re.search(r"(?:^|;)\s*(?:max-)?width\s*:\s*([\d.]+)px", image.get("style", ""))
    if not re.fullmatch(r"\d+(?:px)?", written):
        what = f"width is {written}" if written else "no width"
        yield f"{what}: Outlook shows the picture as large as its file", 'write it in pixels: width="528"'
        return
    pixels = int(written.removesuffix("px"))
    if pixels > widest:
        yield f"{pixels} pixels wide in a mail of {widest}", f"at most {widest}: the mail gets wider with it"
    if styled and float(styled[1]) != pixels:
        what = f"{counted(pixels, 'pixel')} wide for Outlook, and {styled[1]} for the others"
        yield what, "write the same width in both places"


def _words(image: Element) -> Iterator[tuple[str, str]]:
    alt = (image.get("alt") or "").strip()
    if _FILE_NAME.fullmatch(alt):
        yield f'its alt text is "{printable(alt, 40)}"', "say what it shows: many readers see nothing else"


def _mail_width(proof: Proof) -> int:
    styles = (element.get("style", "") for element in proof.document.named("div", "table"))
    widths = [int(found) for style in styles for found in re.findall(r"max-width:\s*(\d+)px", style)]
    return max(widths, default=_MAIL_WIDTH)
