"""What tests write in place of pictures that nobody looks at: painting is half of their time."""

from io import BytesIO

from PIL import Image


def save_blank(file: BytesIO, *, format: str, **options: object) -> None:
    """Write a picture of one pixel, as `Figure.savefig` writes one."""
    if format == "svg":
        file.write(b'<svg xmlns="http://www.w3.org/2000/svg"/>')
    else:
        Image.new("RGB", (1, 1)).save(file, format)
