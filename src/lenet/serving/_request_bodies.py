"""The pictures that a request brings, in any of the forms that are allowed; read by the workers."""

import base64
import binascii
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lenet.errors import (
    ArrayError,
    LenetError,
    PictureSizeError,
    SettingError,
    UnknownNameError,
)
from lenet.pictures import Pixels, PreparedPicture, read_picture
from lenet.serving._messages import Job

_FORMS = ("base64", "pixels", "prepared")
_FIELDS = (*_FORMS, "name")


class BodyError(LenetError):
    """A request's body is not what its header says."""


class TooManyPicturesError(LenetError):
    """A request has more pictures than are answered at once."""


@dataclass(frozen=True)
class Sent:
    """A picture that was sent.

    Attributes:
        name: What the client calls it, if anything.
        picture: The bytes of its file, its pixels, or an image that is prepared already.
    """

    name: str | None
    picture: bytes | Pixels | PreparedPicture


def pictures_of(job: Job, shape: tuple[int, ...], most: int) -> list[Sent]:
    """Take the pictures out of a request's body.

    Args:
        job: The request.
        shape: Of the images that its model takes.
        most: How many pictures it may have.

    Raises:
        BodyError: The body is no form, or no JSON.
        SettingError: A field is missing, unknown or ill-typed.
        ArrayError: Pixels are no picture.
        TooManyPicturesError: There are too many.
    """
    if job.kind == "picture":
        return [Sent(None, job.body)]
    found = _parts_of(job) if job.kind == "form" else _objects_in(job.body, shape)
    pictures: list[Sent] = []
    for sent in found:
        if len(pictures) == most:
            message = f"A request may have up to {most} pictures; send the others in another one."
            raise TooManyPicturesError(message)
        pictures.append(sent)
    if not pictures:
        message = "The request has no picture."
        raise SettingError(message)
    return pictures


def read_sent(
    sent: Sent, most_pixels: int, pixel_range: tuple[float, ...]
) -> Pixels | PreparedPicture:
    """What a picture that was sent looks like, on the scale that its model was taught on.

    Raises:
        PictureError: It can't be read, or has too many pixels.
    """
    if isinstance(sent.picture, bytes):
        return read_picture(sent.picture, most_pixels=most_pixels, pixel_range=pixel_range)
    if (
        not isinstance(sent.picture, PreparedPicture)
        and np.prod(sent.picture.shape[:2]) > most_pixels
    ):
        message = f"The picture has more than {most_pixels:,} pixels."
        raise PictureSizeError(message)
    return sent.picture


def _parts_of(job: Job) -> Iterator[Sent]:
    """The files of a form (RFC 7578)."""
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import FormParser, parse_options_header

    _, options = parse_options_header(job.content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        message = "The form's `Content-Type` has no boundary; let your HTTP client set this header."
        raise BodyError(message)
    parts: list[Sent] = []
    fields: list[str] = []
    ends: list[bool] = []
    try:
        parser = FormParser(
            "multipart/form-data",
            lambda field: fields.append(_text(field.field_name)),
            lambda file: parts.append(Sent(_text(file.file_name) or None, _content(file))),
            on_end=lambda: ends.append(True),
            boundary=boundary,
            config={"MAX_MEMORY_FILE_SIZE": len(job.body) + 1},
        )
        parser.write(job.body)
        parser.finalize()
    except FormParserError as error:
        message = f"The form is damaged: {str(error).rstrip('.')}."
        raise BodyError(message) from error
    if not ends:
        message = "The form is damaged: it ends before its last boundary."
        raise BodyError(message)
    if fields:
        name = fields[0]
        message = (
            f"The form's field `{name}` holds no file. Files go into the form, settings into the "
            f"address, as in `/v1/predict?model=digits`."
        )
        raise SettingError(message)
    yield from parts


def _text(name: bytes | None) -> str:
    """A name in a form as text."""
    return (name or b"").decode(errors="replace")


def _content(file: Any) -> bytes:
    """What a file in a form holds."""
    memory = file.file_object
    memory.seek(0)
    content: bytes = memory.read()
    return content


def _objects_in(body: bytes, shape: tuple[int, ...]) -> Iterator[Sent]:
    """The pictures in a JSON body: `{"pictures": [{"base64": "…"}, …]}`."""
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else error
        message = f"The body is no JSON: {reason}."
        raise BodyError(message) from error
    if not isinstance(values, dict) or not isinstance(values.get("pictures"), list):
        message = 'The body must be `{"pictures": [{"base64": "…"}]}`; `/docs` has examples.'
        raise SettingError(message)
    for name in values:
        if name in ("model", "top", "threshold", "many", "image"):
            message = f"`{name}` goes into the address, as in `/v1/predict?{name}=…`."
            raise SettingError(message)
        if name != "pictures":
            raise UnknownNameError("field", name, ["pictures"])
    for number, value in enumerate(values["pictures"], 1):
        yield _object(value, number, shape)


def _object(value: Any, number: int, shape: tuple[int, ...]) -> Sent:
    """One picture of a JSON body."""
    forms = [form for form in _FORMS if form in value] if isinstance(value, dict) else []
    if isinstance(value, dict):
        for name in value:
            if name not in _FIELDS:
                raise UnknownNameError("field", name, _FIELDS)
    if len(forms) != 1:
        message = (
            f"Picture {number} must be an object with one of `base64`, `pixels` and `prepared`."
        )
        raise SettingError(message)
    name = value.get("name")
    if name is not None and not isinstance(name, str):
        message = f"`name` of picture {number} must be text."
        raise SettingError(message)
    content = value[forms[0]]
    if forms[0] == "base64":
        return Sent(name, _decoded(content, number))
    if forms[0] == "pixels":
        return Sent(name, _pixels(content, number))
    return Sent(name, _prepared(content, number, shape))


def _decoded(text: Any, number: int) -> bytes:
    """The bytes of a picture's file; a `data:` address is taken too."""
    if isinstance(text, str):
        content = text.partition(",")[2] if text.startswith("data:") else text
        try:
            return base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            pass
    message = f"`base64` of picture {number} is no base64."
    raise SettingError(message)


def _pixels(values: Any, number: int) -> Pixels:
    """Rows of pixels."""
    array = _bytes_in(values, "pixels", number)
    if array.size and (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        return array
    message = (
        f"`pixels` of picture {number} must be rows of grey values, H×W, or of red, green and "
        f"blue, H×W×3; these are {_shape_text(array.shape)}."
    )
    raise ArrayError(message)


def _prepared(values: Any, number: int, shape: tuple[int, ...]) -> PreparedPicture:
    """An image as the network takes it."""
    array = _bytes_in(values, "prepared", number)
    if array.shape != shape:
        message = (
            f"`prepared` of picture {number} must be the image as the network takes it, "
            f"{_shape_text(shape)}; this is {_shape_text(array.shape)}."
        )
        raise ArrayError(message)
    return PreparedPicture(array, (0.0, 0.0, 1.0, 1.0))


def _bytes_in(values: Any, field: str, number: int) -> Pixels:
    """Nested lists of whole numbers from 0 to 255."""
    try:
        array = np.array(values)
    except (ValueError, OverflowError):
        array = np.array(None)
    if array.dtype.kind not in "iu" or (array.size and not 0 <= array.min() <= array.max() <= 255):
        message = (
            f"`{field}` of picture {number} must be lists of whole numbers from 0 to 255, of equal "
            "lengths."
        )
        raise ArrayError(message)
    return array.astype(np.uint8)


def _shape_text(shape: tuple[int, ...]) -> str:
    """A shape as people write it."""
    return "×".join(map(str, shape)) or "one number"


def as_data_url(image: Pixels) -> str:
    """An image as the address of a PNG that holds itself.

    Args:
        image: uint8 (C, H, W) with 1 or 3 channels.
    """
    from PIL import Image

    shown = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(shown)).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
