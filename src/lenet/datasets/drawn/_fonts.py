"""Printed characters: fonts that come with Matplotlib, and free ones of Debian where installed."""

import math
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np

from lenet.datasets.drawn._hands import Random, bell, between
from lenet.datasets.drawn._pen import SIDE, Ink, Points

_DEBIAN = Path("/usr/share/fonts")
_MATPLOTLIB = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
    *("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique", "DejaVuSerif"),
    *("DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic", "STIXGeneral"),
    *("STIXGeneralBol", "STIXGeneralBolIta", "STIXGeneralItalic", "cmr10", "cmb10", "cmss10"),
    *("cmtt10", "cmti10"),
)

# Of a package whose Nimbus fonts are those that FreeFont, which is held out, began with.
_NOT_HELD_OUT = ("C059", "P052", "URW", "Z003")

# Debian's packages, and patterns of their files below /usr/share/fonts: to learn from besides those
# of Matplotlib; for text of other scripts, of Matplotlib alone, as TeX's have other characters in
# their places; held out; held out, as people write; and with 汉字.
FontSet = Literal["learn", "text", "held-out", "script", "han"]
PACKAGES: dict[FontSet, dict[str, tuple[str, ...]]] = {
    "learn": {
        "fonts-lato": ("truetype/lato/Lato-[RBLIM]*.ttf",),
        "fonts-roboto-unhinted": ("truetype/roboto/unhinted/Roboto*/*.ttf",),
        "fonts-inconsolata": ("truetype/inconsolata/*.otf",),
        "fonts-comic-neue": ("opentype/comic-neue/*.otf",),
        "fonts-quicksand": ("truetype/quicksand/*.ttf",),
        "fonts-urw-base35": tuple(f"opentype/urw-base35/{name}*.otf" for name in _NOT_HELD_OUT),
    },
    "text": {},
    "held-out": {
        "fonts-liberation": ("truetype/liberation*/*.ttf",),
        "fonts-freefont-ttf": ("truetype/freefont/*.ttf",),
        "fonts-noto-core": (
            "truetype/noto/NotoSans-[RBIM]*.ttf",
            "truetype/noto/NotoSerif-[RBIM]*.ttf",
        ),
        "fonts-open-sans": ("truetype/open-sans/*.ttf",),
        "fonts-linuxlibertine": ("opentype/linux-libertine/*_R*.otf",),
        "fonts-hack": ("truetype/hack/*.ttf",),
    },
    "script": {
        "fonts-dkg-handwriting": ("truetype/fifthhorseman/*.ttf",),
        "fonts-breip": ("truetype/breip/Breip.ttf",),
        "fonts-ecolier-court": ("truetype/ecolier-court/*.ttf",),
        "fonts-humor-sans": ("truetype/humor-sans/*.ttf",),
        "fonts-sjfonts": ("truetype/sjfonts/*.ttf",),
        "fonts-tomsontalks": ("truetype/tomsontalks/*.ttf",),
        "fonts-kristi": ("truetype/kristi/*.ttf",),
        "fonts-rufscript": ("truetype/rufscript/*.ttf",),
    },
    "han": {"fonts-wqy-microhei": ("truetype/wqy/wqy-microhei.ttc",)},
}
_SIZE = 72  # pixels at which glyphs are kept


@cache
def fonts(which: FontSet) -> tuple[Path, ...]:
    """The files of a set of fonts that are here, in an order that does not depend on folders."""
    found: list[Path] = []
    spec = find_spec("matplotlib") if which in ("learn", "text") else None
    for place in (spec.submodule_search_locations or []) if spec else []:
        names = [name for name in _MATPLOTLIB if which == "learn" or not name.startswith("cm")]
        found += [Path(place) / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf" for name in names]
    for patterns in PACKAGES[which].values():
        found += [path for pattern in patterns for path in sorted(_DEBIAN.glob(pattern))]
    return tuple(path for path in found if path.is_file())


def lack_of(which: FontSet) -> str:
    """What to say where no font of a set is here."""
    if which in ("learn", "text"):
        return "Matplotlib's fonts are not installed: `pip install matplotlib`."
    packages = " ".join(PACKAGES[which])
    return f"None of these packages of fonts is installed: `apt-get install {packages}`."


@cache
def _glyph(path: Path, text: str) -> Ink:
    """A character, or several, as a font has it, cropped: float32 (H, W)."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(str(path), _SIZE, layout_engine=ImageFont.Layout.BASIC)
    left, top, right, bottom = (round(end) for end in font.getbbox(text))
    image = Image.new("L", (max(1, right - left) + 4, max(1, bottom - top) + 4))
    ImageDraw.Draw(image).text((2 - left, 2 - top), text, fill=255, font=font)
    glyph: Ink = np.asarray(image, np.float32) / np.float32(255)
    return glyph


@cache
def has_glyph(path: Path, text: str) -> bool:
    """Whether a font draws a character, rather than its box for those that it lacks."""
    glyph, lacking = _glyph(path, text), _glyph(path, "\uffff")
    return bool(glyph.max() > 0.5) and not (
        glyph.shape == lacking.shape and np.array_equal(glyph, lacking)
    )


def draw_printed(text: str, path: Path, random: Random) -> Ink:
    """A character as a font has it, a little turned, slanted and stretched, float32 (96, 96)."""
    glyph = _glyph(path, text)
    size = between(random, 44, 80)
    aspect = 1 + 0.08 * float(bell(random))
    angle, slant = 0.05 * float(bell(random)), 0.05 * float(bell(random))
    height, width = glyph.shape
    cosine, sine = math.cos(angle), math.sin(angle)
    scale = size / max(height, width * aspect)
    matrix = scale * np.array([[cosine * aspect, -sine], [sine * aspect, cosine]])
    matrix = matrix @ np.array([[1, -slant], [0, 1]])
    reach = np.abs(matrix) @ (width / 2, height / 2)
    matrix *= min(1.0, float((SIDE / 2 - 4) / reach.max()))
    reach = np.abs(matrix) @ (width / 2, height / 2)
    free = SIDE / 2 - 3 - reach
    middle = SIDE / 2 + free * (0.5 * bell(random, 2)).clip(-1, 1)
    return transformed(glyph, matrix, middle)


def transformed(glyph: Ink, matrix: Points, middle: Points) -> Ink:
    """A drawing put through a matrix, with its middle at a place (x, y) of a picture."""
    from PIL import Image

    back = np.linalg.inv(matrix)
    height, width = glyph.shape
    offset = np.array([width / 2, height / 2]) - back @ middle
    values = (*back[0], offset[0], *back[1], offset[1])
    image = Image.fromarray(glyph)
    method = Image.Resampling.BILINEAR
    drawn = image.transform((SIDE, SIDE), Image.Transform.AFFINE, values, method)
    return np.asarray(drawn)
