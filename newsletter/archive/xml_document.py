"""Write XML documents as bytes, the same for the same elements."""

import xml.etree.ElementTree as ET

from newsletter.archive.clean_text import clean


def root(name: str, namespaces: dict[str, str], **attributes: str) -> ET.Element:
    """Return a root element; `namespaces` has their addresses by prefix, that of the elements by `""`.

    Names are written with their prefixes, so the prefixes are those that readers of feeds expect.
    """
    declared = {f"xmlns:{prefix}" if prefix else "xmlns": uri for prefix, uri in namespaces.items()}
    return ET.Element(name, {**declared, **_cleaned(attributes)})


def add(parent: ET.Element, name: str, text: str | None = None, /, **attributes: str) -> ET.Element:
    """Add an element at the end of another one and return it."""
    child = ET.SubElement(parent, name, _cleaned(attributes))
    child.text = None if text is None else clean(text)
    return child


def to_bytes(element: ET.Element) -> bytes:
    """Return the document of a root element in UTF-8, with one element in a line."""
    ET.indent(element)
    document: bytes = ET.tostring(element, "utf-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + document + b"\n"


def _cleaned(attributes: dict[str, str]) -> dict[str, str]:
    return {name: clean(value) for name, value in attributes.items()}
