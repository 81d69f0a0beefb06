"""A figure's SVG made part of a page: no declaration, ids of its own, and one name for those who do not see it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_ALONE = (f"{_SVG}metadata", f"{_SVG}style")  # what matters to a file of its own; the page has its own style
_PIXELS = 1.7  # of the page, per point of the drawing: the printed text width fills the page's column


def inline(svg: str, prefix: str, alt: str) -> str:
    """An <svg> element for HTML; the same drawing gives the same text.

    Args:
        svg: the drawing's file, with its size in points.
        prefix: goes before each of its ids, which then are unique on the page.
        alt: what the drawing shows.

    Raises:
        xml.etree.ElementTree.ParseError: it is no XML.
    """
    root = ElementTree.fromstring(svg)
    for parent in [*root.iter()]:
        for child in [child for child in parent if child.tag in _ALONE]:
            parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        for name, value in [*element.attrib.items()]:
            if name == "id":
                element.set(name, f"{prefix}-{value}")
            elif name == _LINK:
                del element.attrib[name]
                element.set("href", value.replace("#", f"#{prefix}-", 1))
            else:
                element.set(name, re.sub(r"url\(#", f"url(#{prefix}-", value))
    width = float(root.attrib.pop("width").removesuffix("pt"))
    del root.attrib["height"]  # follows from the viewBox
    root.attrib.pop("version", None)
    root.attrib |= {"role": "img", "aria-label": alt, "style": f"max-width: {width * _PIXELS:.0f}px"}
    return ElementTree.tostring(root, encoding="unicode")
