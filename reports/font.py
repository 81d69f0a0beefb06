"""The face that matplotlib measures the figures' labels with, for pages: in another, labels outgrow their place."""

from __future__ import annotations

import base64
import io

from fontTools import subset
from matplotlib.font_manager import findfont

NAME = "STIXGeneral"  # in figures.mplstyle, and part of matplotlib


def face(text: str) -> str:
    """A CSS rule that holds the outlines of a text's characters; the same characters give the same rule."""
    options = subset.Options(flavor="woff", hinting=False, drop_tables=[*subset.Options().drop_tables, "FFTM"])
    font = subset.load_font(findfont(NAME, fallback_to_default=False), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=text)
    subsetter.subset(font)
    stream = io.BytesIO()
    font.flavor = options.flavor
    font.save(stream)
    outlines = base64.b64encode(stream.getvalue()).decode()
    return f'@font-face {{ font-family: "{NAME}"; src: url("data:font/woff;base64,{outlines}"); }}\n'
