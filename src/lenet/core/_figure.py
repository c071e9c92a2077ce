"""The figure that all pictures are drawn into: it finds fonts, and notebooks show it."""

from __future__ import annotations

import logging
import os
import re
import sys
import unicodedata
import warnings
from contextlib import suppress
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from lenet.core._storage import write_atomically
from lenet.errors import MissingExtraError

# Where a home can't be written, matplotlib keeps its table of fonts among temporary files.
logging.getLogger("matplotlib").addFilter(
    lambda record: not str(record.msg).startswith(("mkdir -p failed", "Matplotlib created a temp"))
)
try:  # a home that is a circle of links would stop its import
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        Path(os.environ.get(variable, "")).resolve()
except (OSError, RuntimeError):
    os.environ.setdefault("MPLCONFIGDIR", os.devnull)  # so that it takes a temporary folder
try:
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontEntry, findfont, findSystemFonts, fontManager
    from matplotlib.ft2font import FT2Font
    from matplotlib.text import Text
    from matplotlib.ticker import MaxNLocator
except ModuleNotFoundError as error:
    raise MissingExtraError("Drawing a picture", package="matplotlib") from error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase
    from matplotlib.transforms import Bbox

    from lenet.core._chart import Series

# Colours that stay apart for the colour-blind (Okabe and Ito 2008).
INKS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("-", "--", "-.", ":")
# Looked into before all others, as they are legible and know many characters; simplified Chinese
# is first, as these decide which form a character has that Chinese and Japanese share.
_WELL_KNOWN = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Noto Sans CJK JP",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Hiragino Sans",
    "Yu Gothic",
    "Apple SD Gothic Neo",
    "Malgun Gothic",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Arial Unicode MS",
)
_PLAIN = re.compile(r"[ -~\n]*")  # all fonts have these
_BOXES = "Glyph .* missing|Matplotlib currently does not support"
_BOXES_AS_FONT = "Last Resort High-Efficiency"  # comes with matplotlib from 3.10 on
_EAST_ASIAN = re.compile("CJK|HIRAGANA|KATAKANA|HANGUL|FULLWIDTH|HALFWIDTH|IDEOGRAPHIC")

_log = logging.getLogger("lenet")
_families: dict[str, str | None] = {}  # where a character is found, as far as was looked


class Drawing(Figure):
    """A figure that belongs to no window, and that any notebook shows.

    Words that the chosen font can't write are drawn in an installed font that can. A character that
    no font has is a box, and a line in the log says what would help.
    """

    def draw(self, renderer: RendererBase) -> None:
        """Draw all, with fonts that have the characters."""
        self._choose_fonts()
        super().draw(renderer)

    def get_tightbbox(
        self,
        renderer: RendererBase | None = None,
        *,
        bbox_extra_artists: Iterable[Artist] | None = None,
    ) -> Bbox:
        """Measure all, with the same fonts."""
        self._choose_fonts()
        return super().get_tightbbox(renderer, bbox_extra_artists=bbox_extra_artists)

    def _choose_fonts(self) -> None:
        """Give words that lack characters further families, in which matplotlib looks in turn."""
        texts = self.findobj(Text)
        for text in texts:  # a class called `$5-$10` is no formula; a power on an axis is one
            text.set_parse_math("\\mathdefault" in text.get_text())
        needy = {text: _lacking(text) for text in texts}
        needy = {text: characters for text, characters in needy.items() if characters}
        if needy:
            _look_for(frozenset[str]().union(*needy.values()))
        for text, characters in needy.items():
            found = [_families[character] for character in sorted(characters)]
            families = dict.fromkeys([*text.get_fontfamily(), *filter(None, found)])
            text.set_fontfamily(list(families))
            if _lacking(text):
                _accept_boxes()

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows, if nobody has told it how to show figures."""
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if shell and any(Figure in form for form in shell.display_formatter.formatters.values()):
            return None
        picture = BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()


def _lacking(text: Text) -> frozenset[str]:
    """The characters that none of the text's fonts has."""
    content = text.get_text()
    if _PLAIN.fullmatch(content):
        return frozenset()
    characters = frozenset(content) - {"\n"}
    for family in text.get_fontfamily():
        properties = text.get_fontproperties().copy()
        properties.set_family(family)
        characters = _not_in(findfont(properties), characters)
    return characters


@lru_cache(maxsize=4096)
def _not_in(path: str, characters: frozenset[str]) -> frozenset[str]:
    """Those of the characters that a font file does not have."""
    try:
        font = FT2Font(path)
    except (OSError, RuntimeError):  # it is gone, or broken
        return characters
    return frozenset(one for one in characters if not font.get_char_index(ord(one)))


def _look_for(characters: frozenset[str]) -> None:
    missing = frozenset(one for one in characters if one not in _families)
    known = {entry.fname for entry in fontManager.ttflist}
    missing = _look_into(fontManager.ttflist, missing)
    if missing:  # matplotlib keeps a list from earlier days; fonts may have come since
        for path in findSystemFonts():
            if path not in known:
                with suppress(Exception):  # whatever a strange file raises
                    fontManager.addfont(path)
        added = [entry for entry in fontManager.ttflist if entry.fname not in known]
        missing = _look_into(added, missing)
    _families.update(dict.fromkeys(missing))
    for character in sorted(filter(str.isprintable, missing)):
        _advise(_package(character))


def _look_into(entries: list[FontEntry], missing: frozenset[str]) -> frozenset[str]:
    """Look into fonts until all is found; returns what was not."""
    files = {entry.name: entry.fname for entry in entries if entry.style == "normal"}
    files.pop(_BOXES_AS_FONT, None)
    ranks = {name: rank for rank, name in enumerate(_WELL_KNOWN)}
    names = sorted(files, key=lambda one: (ranks.get(one, len(ranks)), "Sans" not in one, one))
    for name in names:
        if not missing:
            break
        still_missing = _not_in(files[name], missing)
        _families.update(dict.fromkeys(missing - still_missing, name))
        missing = still_missing
    return missing


def _package(character: str) -> str:
    """The package of Debian and Ubuntu that brings a font for a character."""
    if _EAST_ASIAN.match(unicodedata.name(character, "")):
        return "fonts-noto-cjk"
    return "fonts-symbola" if unicodedata.category(character) == "So" else "fonts-noto-core"


@cache
def _advise(package: str) -> None:
    _log.warning(
        "No font here has some characters of the picture; they are boxes. On Debian and Ubuntu, "
        "`apt-get install %s` brings one.",
        package,
    )


def _accept_boxes() -> None:
    """Let matplotlib be silent about the boxes in our own figures, in this thread and in others."""
    rule = ("ignore", re.compile(_BOXES), UserWarning, re.compile(re.escape(__name__)), 0)
    if rule not in warnings.filters:  # each change makes Python repeat what it has warned of before
        warnings.filterwarnings("ignore", _BOXES, UserWarning, re.escape(__name__))


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a record of matplotlib's is not of a font that we chose and that has no bold face."""
    is_weight = str(record.msg).startswith("findfont: Failed to find font weight")
    return not (
        is_weight and isinstance(record.args, tuple) and record.args[1] in _families.values()
    )


logging.getLogger("matplotlib.font_manager").addFilter(_is_news)


def draw_series(axes: Axes, drawn: Iterable[Series], counted: str) -> None:
    """Draw lines with their marks and bands, on a faint grid in no box.

    Args:
        axes: Where to draw.
        drawn: What to draw, later ones above earlier ones.
        counted: What the x axis counts, in whole numbers.
    """
    for one in drawn:
        colour = INKS[(one.colour - 1) % len(INKS)]
        xs, ys = zip(*one.points, strict=True) if one.points else ((), ())
        axes.plot(
            xs,
            ys,
            color=colour,
            linestyle="none" if one.kind == "marks" else _DASHES[one.dashes % len(_DASHES)],
            label=one.name,
            marker="o" if one.kind != "line" or len(xs) == 1 else None,
            markersize=one.mark_size,
        )
        if one.ranges:
            low, high = zip(*one.ranges, strict=True)
            axes.fill_between(xs, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set_xlabel(counted)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def write_figure(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure as PNG and as SVG; the same figure gives the same files.

    Raises:
        StorageError: The folder can't be written to.
    """
    for kind in ("png", "svg"):
        picture = BytesIO()
        with rc_context({"svg.hashsalt": "lenet"}):  # no random names, and no date
            date = {"Date": None} if kind == "svg" else None
            figure.savefig(picture, format=kind, dpi=150, metadata=date)
        write_atomically(folder / f"{name}.{kind}", picture.getvalue())
