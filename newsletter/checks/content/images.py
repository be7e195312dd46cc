"""Check the address, the width and the alt text of pictures, which mail programs load from the web."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from newsletter.checks.document import Element
from newsletter.checks.proof import Proof
from newsletter.display import counted, printable
from newsletter.errors import Problem
from newsletter.network.hosts import is_public

# The default width of mj-body, in pixels.
_DEFAULT_MAIL_WIDTH = 600
_FILE_NAME = re.compile(
    r"\S+\.(?:png|jpe?g|gif|webp|svg|avif)|(?:img|dsc|image|screenshot|pxl)[ _-]?\d+|"
    "image|picture|photo|img|graphic|bild|foto|grafik|imagen|immagine",
    re.IGNORECASE,
)
# Markdown has not read these as attributes.
_ATTRIBUTES = re.compile(r"\s?\{[^{}]{0,200}\}")


def images(proof: Proof) -> Iterator[Problem]:
    """A picture without https, without a width in pixels, or with a file name as its alt text."""
    mail_width = _mail_width(proof)
    for image in proof.document.named("img"):
        for what, fix in (*_source(image), *_width(image, mail_width), *_alt_text(image), *_rest(image)):
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
        yield "a picture without a web address", "write the whole address: https://…"
    elif not is_public(host):
        yield f"{host} cannot be reached from the internet", "put the picture on a public web server"
    elif parts.scheme == "http":
        yield "a picture that is not https, which mail programs block or warn about", "write https://…"


def _width(image: Element, mail_width: int) -> Iterator[tuple[str, str]]:
    written = (image.get("width") or "").strip()
    styled = re.search(r"(?:^|;)\s*(?:max-)?width\s*:\s*(\d{1,9}(?:\.\d{1,9})?)px", image.get("style", ""))
    if not re.fullmatch(r"\d{1,9}(?:px)?", written):
        what = f"width is {written}" if written else "no width"
        yield f"{what}: Outlook shows the picture in its original size", 'write it in pixels: width="528"'
        return
    pixels = int(written.removesuffix("px"))
    if pixels > mail_width:
        what = f"the picture is {pixels} pixels wide, and the mail {mail_width}"
        yield what, f"use at most {mail_width} pixels: a wider picture makes the mail wider"
    if styled and float(styled[1]) != pixels:
        what = f"{counted(pixels, 'pixel')} wide in Outlook, and {styled[1]} in other mail programs"
        yield what, "write the same width in both places"


def _alt_text(image: Element) -> Iterator[tuple[str, str]]:
    alt = (image.get("alt") or "").strip()
    if _FILE_NAME.fullmatch(alt):
        what = f'the alt text "{printable(alt, 40)}" does not describe the picture'
        yield what, "describe the picture: many readers see only the alt text"


def _rest(image: Element) -> Iterator[tuple[str, str]]:
    if attributes := _ATTRIBUTES.match(image.tail or ""):
        what = f'readers would see "{printable(attributes[0].strip(), 40)}" behind the picture'
        yield what, "write {width=300}: only the width, in pixels, right behind the picture"


def _mail_width(proof: Proof) -> int:
    styles = (element.get("style", "") for element in proof.document.named("div", "table"))
    widths = [int(width) for style in styles for width in re.findall(r"max-width:\s*(\d{1,9})px", style)]
    return max(widths, default=_DEFAULT_MAIL_WIDTH)
