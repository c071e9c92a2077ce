"""Whatever a person's camera, scanner or drawing program wrote is read as they see it."""

import io
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from lenet.errors import DataFileError, PictureError, PictureFormatError, PictureSizeError
from lenet.pictures import read_picture


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    """A grey PNG that declares a size, whatever it holds."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def refusal(source: bytes | Path) -> str:
    with pytest.raises(PictureError) as caught:
        read_picture(source)
    assert isinstance(caught.value, DataFileError)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """Smooth in colour, so that lossy formats keep it."""
    y, x = np.mgrid[0:40, 0:60]
    return Image.fromarray(np.stack([x * 4, y * 6, 200 - x - y], axis=-1).astype(np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF", "WEBP", "JPEG"])
def test_every_format_is_read_as_pillow_reads_it(photo: Image.Image, kind: str) -> None:
    content = encoded(photo, kind)
    with Image.open(io.BytesIO(content)) as opened:
        expected = np.asarray(opened.convert("RGB"))
    assert np.array_equal(read_picture(content), expected)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "JPEG"])
def test_a_grey_file_stays_grey(photo: Image.Image, kind: str) -> None:
    pixels = read_picture(encoded(photo.convert("L"), kind))
    assert pixels.shape == (40, 60)
    assert pixels.dtype == np.uint8


def test_paths_bytes_and_open_files_are_the_same(tmp_path: Path, photo: Image.Image) -> None:
    path = tmp_path / "photo.png"
    photo.save(path)
    with path.open("rb") as file:
        from_file = read_picture(file)
    assert np.array_equal(read_picture(path), from_file)
    assert np.array_equal(read_picture(str(path)), read_picture(path.read_bytes()))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_its_exif_says(orientation: int) -> None:
    upright = np.zeros((24, 48), np.uint8)
    upright[:12, :24] = 250  # top left
    turn_back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = Image.fromarray(upright)
    if orientation in turn_back:
        stored = stored.transpose(turn_back[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = read_picture(encoded(stored, "JPEG", exif=exif, quality=95))
    assert np.abs(pixels.astype(int) - upright).mean() < 3


def test_broken_exif_does_not_matter(photo: Image.Image) -> None:
    assert read_picture(encoded(photo, "JPEG", exif=b"Exif\0\0garbage")).shape == (40, 60, 3)


def test_cmyk_becomes_the_colours_that_pillow_gives(photo: Image.Image) -> None:
    content = encoded(photo.convert("CMYK"), "JPEG")
    with Image.open(io.BytesIO(content)) as opened:
        assert opened.mode == "CMYK"
        assert np.array_equal(read_picture(content), np.asarray(opened.convert("RGB")))


def test_ink_on_transparent_ground_is_on_white_if_dark_and_on_black_if_light() -> None:
    for ink, ground in ((20, 255), (230, 0)):
        drawn = np.zeros((30, 30, 4), np.uint8)
        drawn[10:20, 10:20] = (ink, ink, ink, 255)
        pixels = read_picture(encoded(Image.fromarray(drawn)))
        assert pixels.shape == (30, 30)
        assert (pixels[0, 0], pixels[15, 15]) == (ground, ink)


def test_a_palette_with_a_transparent_colour(photo: Image.Image) -> None:
    indexed = Image.new("P", (20, 20), 0)
    indexed.putpalette([200, 0, 0, 0, 0, 90])
    indexed.paste(1, (5, 5, 15, 15))
    for kind in ("PNG", "GIF"):
        pixels = read_picture(encoded(indexed, kind, transparency=0))
        assert tuple(pixels[0, 0]) == (255, 255, 255)
        assert tuple(pixels[10, 10]) == (0, 0, 90)


def test_half_transparent_pixels_are_mixed_as_pillow_mixes_them() -> None:
    drawn = Image.new("RGBA", (8, 8), (10, 60, 120, 255))
    drawn.putalpha(Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) + 190))
    expected = Image.alpha_composite(Image.new("RGBA", (8, 8), "white"), drawn).convert("RGB")
    difference = read_picture(encoded(drawn)).astype(int) - np.asarray(expected)
    assert np.abs(difference).max() <= 1


def test_16_bits_become_8() -> None:
    values = np.linspace(0, 65535, 20 * 30).reshape(20, 30).astype(np.uint16)
    for kind in ("PNG", "TIFF"):
        pixels = read_picture(encoded(Image.fromarray(values), kind))
        assert np.array_equal(pixels, np.rint(values / 257).astype(np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_become_8_by_the_same_scale_in_every_picture(kind: str) -> None:
    values = np.linspace(0, 1, 600).reshape(20, 30)
    picture = encoded(Image.fromarray((5000 * values).astype(np.uint16)), kind)
    assert read_picture(picture).max() == round(5000 / 257)
    for white in (250, 4000):
        picture = encoded(Image.fromarray((white * values).astype(np.uint16)), kind)
        named = 255 if white == 250 else 4095
        with pytest.raises(
            PictureError, match=rf"white at 65535\. If {named} is .*`--white {named}`"
        ):
            read_picture(picture)
        assert read_picture(picture, pixel_range=(0.0, 65535.0)).max() == round(white / 257)
        pixels = read_picture(picture, pixel_range=(0.0, 4095.0))
        expected = np.rint((white * values).astype(np.uint16) * (255 / 4095))
        assert np.array_equal(pixels, expected)


def test_whole_numbers_of_32_bits_and_floats_go_by_a_range() -> None:
    for dtype in (np.int32, np.float32):
        values = np.linspace(-1024, 90000, 600).reshape(20, 30).astype(dtype)
        picture = encoded(Image.fromarray(values), "TIFF")
        pixels = read_picture(picture, pixel_range=(-1024.0, 90000.0))
        expected = np.rint((values.astype(float) + 1024) / 91024 * 255)
        assert np.array_equal(pixels, expected)
        with pytest.raises(PictureError, match=r"holds values from -1024 to 90000\. Pixels are"):
            read_picture(picture)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_are_an_error_that_names_the_file(
    value: float, tmp_path: Path
) -> None:
    values = np.linspace(0, 1, 600).reshape(20, 30).astype(np.float32)
    values[3, 4] = value
    Image.fromarray(values).save(tmp_path / "depth.tif")
    for pixel_range in ((), (0.0, 1.0)):
        with pytest.raises(PictureError, match=r"depth\.tif` holds values that are not finite"):
            read_picture(tmp_path / "depth.tif", pixel_range=pixel_range)


def test_pillows_images_are_read_as_their_files_are(photo: Image.Image, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    photo.save(tmp_path / "turned.jpg", exif=exif)
    grey = np.linspace(0, 65535, 600).reshape(20, 30).astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / "deep.png")
    clear = photo.convert("RGBA")
    clear.putalpha(128)
    clear.save(tmp_path / "clear.png")
    for name in ("turned.jpg", "deep.png", "clear.png"):
        with Image.open(tmp_path / name) as image:
            before = image.mode, image.size
            assert np.array_equal(read_picture(image), read_picture(tmp_path / name))
            assert (image.mode, image.size) == before
            image.load()  # it is still open
    with pytest.raises(PictureSizeError, match="The picture has more than 10 pixels"):
        read_picture(clear, most_pixels=10)


@pytest.mark.parametrize("source", [None, 5, ("a.png", 3), {"a": 1}])
def test_what_is_no_picture_at_all_is_named_by_its_type(source: object) -> None:
    with pytest.raises(PictureFormatError, match=f"`{type(source).__name__}` is no picture. Pass"):
        read_picture(source)  # type: ignore[arg-type]


def test_floats_become_8_bits() -> None:
    values = np.linspace(0, 1, 600).reshape(20, 30).astype(np.float32)
    pixels = read_picture(encoded(Image.fromarray(values), "TIFF"))
    assert np.array_equal(pixels, np.rint(values * 255).astype(np.uint8))


def test_of_an_animation_the_first_frame_is_read() -> None:
    frames = [Image.new("L", (16, 16), value) for value in (40, 200, 90)]
    for kind in ("GIF", "PNG", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert (read_picture(content) == 40).all()


def test_a_large_picture_is_made_smaller_and_keeps_its_proportions() -> None:
    large = Image.new("L", (6000, 3000), 10)
    large.paste(240, (0, 0, 3000, 3000))
    for kind in ("PNG", "JPEG"):
        height, width = read_picture(encoded(large, kind)).shape
        assert height * width <= 2**22
        assert width == 2 * height


@pytest.mark.parametrize("size", [(1, 1), (20_000, 3), (3, 20_000)])
def test_odd_sizes_are_read_as_they_are(size: tuple[int, int]) -> None:
    assert read_picture(encoded(Image.new("L", size, 9))).shape == size[::-1]


@pytest.mark.parametrize("size", [(100_000, 100_000), (20_000, 20_000), (11_000, 11_000)])
def test_a_bomb_is_refused_before_it_is_unpacked(size: tuple[int, int]) -> None:
    assert "more than 100 million pixels" in refusal(png(*size))


@pytest.mark.parametrize("size", [(1, 65_536), (50_000_000, 1)])
def test_a_side_that_no_picture_has_is_refused(size: tuple[int, int]) -> None:
    assert "a side of more than 65,535 pixels" in refusal(png(*size))
    assert read_picture(encoded(Image.new("L", (1, 65_535)))).shape == (65_535, 1)


def test_a_jpeg_is_decoded_in_as_many_passes_as_a_picture_needs() -> None:
    content = encoded(Image.new("L", (400, 300), 128), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    usual = content[:last] + 90 * content[last:-2] + content[-2:]
    assert read_picture(usual).shape == (300, 400)
    assert "a JPEG of 2,0" in refusal(content[:last] + 2000 * content[last:-2] + content[-2:])
    with pytest.raises(PictureSizeError, match="is a JPEG of 9"):
        read_picture(usual, most_pixels=300 * 400)


MANY = 140_000
PLAIN = encoded(Image.new("L", (9, 9), 7), "JPEG")
STRIPS = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 273, 4, MANY, 8) + bytes(4)
GIF = b"GIF89a" + struct.pack("<HHBBB", 9, 9, 0, 0, 0)


@pytest.mark.parametrize(
    "content",
    [
        png(9, 9)[:33] + (bytes(4) + b"IDAT" + bytes(4)) * MANY,
        PLAIN[:2] + b"\xff\xfe\0\2" * MANY + PLAIN[2:],
        PLAIN[:2] + b"\xff" * MANY + PLAIN[2:],
        PLAIN[:2] + bytes(MANY) + PLAIN[2:],
        GIF + b"!\xfe\1a\0" * MANY,
        GIF + b"!\xfe" + b"\1a" * MANY,
        STRIPS,
        b"P5\n#" + b"1" * MANY,
        b"P5 9 " + b"1" * MANY,
        b"P2 9 9 255 " + b"#\n" * MANY,
    ],
)
def test_a_file_of_more_parts_than_a_picture_has_is_refused(content: bytes) -> None:
    with pytest.raises(PictureSizeError, match=r"is made of more than 131,072 parts"):
        read_picture(content)


def test_a_large_picture_of_many_parts_is_read() -> None:
    rows = np.zeros((40_000, 9), np.uint8)
    file = encoded(Image.fromarray(rows), "TIFF", tiffinfo={278: 1})
    assert read_picture(file).shape == (40_000, 9)
    chunks = png(9, 9)[:33] + (bytes(4) + b"juNk" + struct.pack(">I", zlib.crc32(b"juNk"))) * 9999
    assert read_picture(chunks + encoded(Image.new("L", (9, 9)))[33:]).shape == (9, 9)


def test_fewer_pixels_may_be_allowed() -> None:
    content = encoded(Image.new("L", (40, 30)))
    assert read_picture(content, most_pixels=1200).shape == (30, 40)
    with pytest.raises(PictureSizeError, match=r"more than 1,199 pixels\."):
        read_picture(content, most_pixels=1199)


def test_what_is_no_picture_is_told_from_what_is_damaged() -> None:
    content = encoded(Image.effect_noise((40, 30), 9))
    with pytest.raises(PictureFormatError):
        read_picture(b"hello")
    with pytest.raises(PictureError, match="is damaged") as damaged:
        read_picture(content[: len(content) // 2])
    assert not isinstance(damaged.value, (PictureFormatError, PictureSizeError))


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from `/proc`")
def test_the_largest_picture_allowed_takes_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(png(10_000, 9_999, bytes(10_001 * 9_999)))
    code = (
        "import re, sys\n"
        "from lenet.pictures import read_picture\n"
        "assert read_picture(sys.argv[1]).size <= 2**22\n"
        "status = open('/proc/self/status').read()\n"
        "assert int(re.search(r'VmHWM:\\s+(\\d+) kB', status)[1]) < 2**20"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def test_threads_leave_the_filters_of_warnings_as_they_were(photo: Image.Image) -> None:
    odd = encoded(photo, "JPEG", exif=b"Exif\0\0garbage")
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        shapes = {picture.shape for picture in pool.map(read_picture, [odd] * 200)}
    assert shapes == {(40, 60, 3)}
    assert warnings.filters == before


def test_a_picture_without_pixels_is_refused() -> None:
    assert refusal(png(0, 0))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello, I am a text file\n", "not a picture that lenet reads"),
        (b"%PDF-1.7\n%", "PDF document; save the page as PNG"),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", "SVG drawing; save it as PNG"),
        (b"<!DOCTYPE html><html></html>", "It is a web page"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC photo; save it as JPEG or PNG"),
    ],
)
def test_what_is_no_picture_gets_one_line_that_names_it(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "scan.png"
    path.write_bytes(content)
    message = refusal(path)
    assert words in message
    assert f"`{path}`" in message


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "nowhere.png")
    assert "is a directory" in refusal(tmp_path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_a_file_that_was_cut_is_refused(photo: Image.Image, kind: str) -> None:
    content = encoded(photo, kind)
    assert refusal(content[: len(content) // 2])


@settings(max_examples=80, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"]))
def test_damage_gives_pixels_or_one_clear_error(data: st.DataObject, kind: str) -> None:
    content = bytearray(encoded(Image.new("RGB", (12, 9), (1, 200, 3)), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        pixels = read_picture(bytes(content))
    except PictureError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim in (2, 3)


def test_a_png_whose_pixels_are_damaged_is_not_half_read() -> None:
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40), np.uint8)).save(
        content, "PNG"
    )
    damaged = bytearray(content.getvalue())
    damaged[700:800] = b"\xff" * 100
    with pytest.raises(PictureError, match="is damaged"):
        read_picture(bytes(damaged))


def test_other_pixels_than_a_pngs_check_sum_has_are_refused() -> None:
    content = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (40, 40), np.uint8)
    Image.fromarray(pixels).save(content, "PNG", compress_level=0)
    whole = content.getvalue()
    place = whole.index(b"IDAT") + 800
    damaged = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
    for one in (damaged, damaged[:-20]):  # cut behind the last row, as Pillow reads no further
        with pytest.raises(PictureError, match="is damaged"):
            read_picture(one)
