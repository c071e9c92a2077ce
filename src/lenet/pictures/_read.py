"""Reading picture files of any kind that may hold anything."""

import importlib
import io
import threading
import warnings
import zlib
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from lenet.core import open_to_read
from lenet.errors import ArrayError, PictureError, PictureFormatError, PictureSizeError
from lenet.pictures._file_parts import MOST_PARTS, has_too_many_parts
from lenet.pictures._pixels import Numbers, to_pixels

Pixels = npt.NDArray[np.uint8]  # (H, W) grey, or (H, W, 3) red, green and blue
PictureSource = Path | str | bytes | BinaryIO | Image.Image

# Formats that are read; Pillow knows others, which are rare as pictures or need other programs.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP", "AVIF")
_PLUGINS = ("TiffImagePlugin", "WebPImagePlugin", "AvifImagePlugin")  # Pillow waits with these
SUFFIXES = frozenset(
    ".png .jpg .jpeg .jpe .jfif .mpo .bmp .dib .gif .webp .tif .tiff .ppm .pgm .pbm .avif".split()
)
MOST_BYTES = 2**27  # of a file
MOST_PIXELS = 100_000_000  # that a file may declare; four bytes each while it is decoded
_MOST_SIDE = 65_535  # pixels, as in JPEG; millions of rows cost more than what is in them
_MOST_SCANS = 100  # of a JPEG: each passes over all pixels; progressive ones have ten
KEPT_PIXELS = 2**22  # a larger picture is made smaller, by a whole factor
_USUAL_SCANS = 20  # of a picture with as many pixels as are read at all
_SCAN = b"\xff\xda"  # what each begins with, in JPEG
_LIGHT = 128


class _QuietPillow:
    """Keeps Pillow's warnings about odd or large files to itself while any thread is inside.

    `warnings.catch_warnings` alone would leave its filters behind where threads overlap.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before: warnings.catch_warnings[None]

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = warnings.catch_warnings()
                self._before.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\b")
            self._inside += 1

    def __exit__(self, *raised: Any) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._before.__exit__(*raised)


_QUIET_PILLOW = _QuietPillow()


def read_picture(
    source: PictureSource,
    *,
    most_pixels: int = MOST_PIXELS,
    pixel_range: tuple[float, ...] = (),
) -> Pixels:
    """Read a picture as a person sees it.

    It is turned as its EXIF says; of an animation it is the first frame; CMYK, palettes and 16 bits
    become ordinary pixels. What is transparent becomes white, or black where the rest is light. A
    picture of more than four million pixels is made smaller.

    Args:
        source: A file's path, its bytes, an open binary file, or Pillow's image.
        most_pixels: How many pixels the file may declare.
        pixel_range: Which values of a grey picture of more than 8 bits become 0 and 255, as
            `Preparation` has them; without, 16 bits go from 0 to 65535, if one is above 4095, and
            floats from 0 to 1 or from 0 to 255.

    Returns:
        uint8 (H, W) where the file is grey, else (H, W, 3).

    Raises:
        PictureError: The file is missing or damaged, or its values are of another range.
        PictureSizeError: It is too large.
        PictureFormatError: It is no picture of a known format.

    >>> import io
    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("L", (40, 30), 7).save(file, "PNG")
    >>> read_picture(file.getvalue()).shape
    (30, 40)
    """
    values = read_values(source, most_pixels=most_pixels)
    try:
        return to_pixels(values, pixel_range, _name(source))
    except ArrayError as error:
        raise PictureError(str(error)) from error


def read_values(source: PictureSource, *, most_pixels: int = MOST_PIXELS) -> Numbers:
    """Read a picture as `read_picture` does, but leave a grey one of more than 8 bits as it is.

    Returns:
        uint8 (H, W) or (H, W, 3), as from `read_picture`; or uint16, int32 or float32 (H, W).
    """
    if isinstance(source, Image.Image):
        return _read(_name(source), source, most_pixels)
    name, content = _name(source), _content(source)
    if not content:
        message = f"{name} is empty."
        raise PictureError(message)
    if len(content) > MOST_BYTES:
        message = f"{name} is larger than {MOST_BYTES // 2**20} MiB."
        raise PictureSizeError(message)
    return _read(name, content, most_pixels)


def _read(name: str, source: bytes | Image.Image, most_pixels: int) -> Numbers:
    try:
        values = _decode(name, source, most_pixels)
        if not values.size:
            message = f"{name} has no pixels."
            raise PictureError(message)
        return values
    except (PictureError, MemoryError):
        raise
    except Image.DecompressionBombError as error:  # Pillow's own limit
        raise _too_many_pixels(name, most_pixels) from error
    except UnidentifiedImageError as error:
        advice = _advice(source) if isinstance(source, bytes) else ""
        message = f"{name} is not a picture that lenet reads.{advice}"
        raise PictureFormatError(message) from error
    except Exception as error:  # Pillow's decoders raise anything, up to `SyntaxError`
        message = f"{name} is damaged: {str(error).rstrip('.') or type(error).__name__}."
        raise PictureError(message) from error


def _name(source: PictureSource) -> str:
    if isinstance(source, (str, Path)):
        return f"`{Path(source)}`"
    name = getattr(source, "name", None) or getattr(source, "filename", None)
    return f"`{name}`" if name else "The picture"


def _content(source: Path | str | bytes | BinaryIO) -> bytes:
    """The bytes of a picture's file; not many more than are allowed."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, (str, Path)):
        path = Path(source)
        with open_to_read(path, PictureError) as file:
            return file.read(MOST_BYTES + 1)
    if hasattr(source, "read"):
        try:
            content = source.read(MOST_BYTES + 1)
        except (OSError, ValueError) as error:  # such as of a file that was closed
            message = f"{_name(source)} can't be read: {error}"
            raise PictureError(message) from error
        if isinstance(content, bytes):
            return content
        message = f"{_name(source)} is open as text; open it with `rb`."
        raise PictureError(message)
    message = (
        f"`{type(source).__name__}` is no picture. Pass a path, a file's bytes, an open file, "
        "Pillow's image or an array of numbers."
    )
    raise PictureFormatError(message)


def _decode(name: str, source: bytes | Image.Image, most_pixels: int) -> Numbers:
    """The values of a file's first picture, or of an image that is open already."""
    if isinstance(source, bytes) and has_too_many_parts(source):
        message = f"{name} is made of more than {MOST_PARTS:,} parts, as no picture is."
        raise PictureSizeError(message)
    with _QUIET_PILLOW, _opened(source) as opened:
        width, height = opened.size
        _check_cost(name, source, opened, most_pixels)
        if opened.format == "PNG":  # whose EXIF may stand last: what is damaged must not pass there
            opened.load()
            if isinstance(source, bytes):
                _check_png(source)
        turned = _orientation(opened)
        if isinstance(source, bytes):
            factor = _whole_factor(width, height)  # where the decoder itself can shrink
            opened.draft(None, (max(1, width // factor), max(1, height // factor)))
        image = _with_plain_channels(opened)
    if turned is not None:
        image = image.transpose(turned)
    values = np.array(image)
    if image.mode == "I" and 0 <= values.min() <= values.max() <= 65535:
        return values.astype(np.uint16)
    return values


def _check_cost(
    name: str, source: bytes | Image.Image, opened: Image.Image, most_pixels: int
) -> None:
    """Raise the `PictureSizeError` for a picture that would take long to decode."""
    width, height = opened.size
    if width * height > most_pixels:
        raise _too_many_pixels(name, most_pixels)
    if max(width, height) > _MOST_SIDE:
        message = f"{name} has a side of more than {_MOST_SIDE:,} pixels."
        raise PictureSizeError(message)
    if isinstance(source, bytes) and opened.format in ("JPEG", "MPO"):
        scans = source.count(_SCAN)
        if scans > _MOST_SCANS or scans * width * height > _USUAL_SCANS * most_pixels:
            message = f"{name} is a JPEG of {scans:,} scans, many more than a picture needs."
            raise PictureSizeError(message)


def _check_png(content: bytes) -> None:
    """See that the pixels of a PNG have the check sums that it holds, which Pillow does not read.

    Pillow also stops as soon as it has all rows, so that what ends too early is not told.
    """
    view, place, is_begun = memoryview(content), 8, False
    while place < len(content):
        size, kind = int.from_bytes(view[place : place + 4], "big"), content[place + 4 : place + 8]
        end = place + 8 + size
        if kind == b"IDAT":
            is_begun = True
            written = int.from_bytes(view[end : end + 4], "big")
            if end + 4 > len(content) or zlib.crc32(view[place + 4 : end]) != written:
                raise ValueError("the check sum of its pixels is wrong")
        elif is_begun:
            return
        place = end + 4


def _opened(source: bytes | Image.Image) -> AbstractContextManager[Image.Image]:
    """An image that is closed behind, if it was not open already."""
    if isinstance(source, bytes):
        return Image.open(io.BytesIO(source), formats=_known_formats())
    return nullcontext(source)


def _too_many_pixels(name: str, most: int) -> PictureSizeError:
    limit = f"{most / 10**6:g} million" if most >= 10**6 else f"{most:,}"
    return PictureSizeError(f"{name} has more than {limit} pixels.")


@cache
def _known_formats() -> tuple[str, ...]:
    for plugin in _PLUGINS:
        with suppress(ImportError):  # the last one came with Pillow 11.3
            importlib.import_module(f"PIL.{plugin}")
    Image.preinit()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _whole_factor(width: int, height: int) -> int:
    """How many times smaller a picture must get in each direction."""
    return max(1, int(np.ceil(np.sqrt(width * height / KEPT_PIXELS))))


def _orientation(image: Image.Image) -> Image.Transpose | None:
    """How a picture has to be turned, by its EXIF; broken EXIF says nothing."""
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    with suppress(Exception):
        return turns.get(int(image.getexif()[ExifTags.Base.Orientation]))
    return None


def _with_plain_channels(image: Image.Image) -> Image.Image:
    """A picture of mode `L` or `RGB`, with 8 bits a channel; or of `I` or `F`, with 32 bits."""
    if image.mode.startswith(("I", "F")):
        return _smaller(_in_mode(image, "F" if image.mode == "F" else "I"))
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        return _on_a_ground(_smaller(_in_mode(image, "RGBA")))
    if image.mode in ("1", "L"):
        return _smaller(_in_mode(image, "L"))
    return _smaller(_in_mode(image, "RGB"))


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    """A picture in another mode, without a second copy of one that is in it already."""
    if image.mode != mode or "transparency" in image.info:
        return image.convert(mode)
    image.load()
    return image


def _smaller(image: Image.Image) -> Image.Image:
    factor = _whole_factor(image.width, image.height)
    return image.reduce(factor) if factor > 1 else image


def _on_a_ground(image: Image.Image) -> Image.Image:
    """A picture with transparency on white, or on black where what is to be seen is light."""
    pixels = np.asarray(image)
    opacity = pixels[..., 3:].astype(np.float64) / 255
    brightness = np.asarray(image.convert("RGB").convert("L"))
    seen = float(opacity.sum())
    is_light = seen > 0 and float((brightness * opacity[..., 0]).sum()) / seen >= _LIGHT
    is_cut_out = opacity.min() < 0.5
    ground = 0 if is_light and is_cut_out else 255
    blended = np.rint(pixels[..., :3] * opacity + ground * (1 - opacity)).astype(np.uint8)
    if (blended == blended[..., :1]).all():
        blended = blended[..., 0]
    return Image.fromarray(blended)


def _advice(content: bytes) -> str:
    """What to do about a file that is often met and not read."""
    if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1", b"ftyphevc"):
        return " It is a HEIC photo; save it as JPEG or PNG."
    start = content[:512].lstrip().lower()
    if b"<svg" in start:
        return " It is an SVG drawing; save it as PNG."
    if start.startswith(b"%pdf"):
        return " It is a PDF document; save the page as PNG."
    if start.startswith((b"<!doctype html", b"<html")):
        return " It is a web page."
    return ""
