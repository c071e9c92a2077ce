"""What the service takes and gives: read, written and described by the same classes.

FastAPI reads the types of these classes when the service starts, so annotations are no strings.
Answers are typed dictionaries: they are made here, so that mypy holds them and nothing is checked
while a client waits.
"""

import base64
import binascii
import io
import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import numpy as np
from PIL import Image
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import NotRequired, TypedDict

from lenet.errors import LenetError, SettingError, UnknownNameError
from lenet.pictures import Numbers, Pixels, Preparation, PreparedPicture

_THRESHOLD = "The least probability of an answer; below it is none of the classes. Without it, the \
one that was measured with the model."
_CLASS = "What it shows; null for none of the classes."
_DOUBT = "Why it is none of the classes: nothing is to be seen (`blank`); none is likely enough, \
which is `threshold` and no less than `none_probability` (`unsure`); or one is, and `distance` is \
above `reach` (`far`)."
_NEEDED = "The least probability of an answer that was asked for."
_NONE = "How likely it is none of the classes; 0 for a network that was taught no counter-examples."
_DISTANCE = "How far it lies from the nearest class; 0 for a model that knows no distances."
_REACH = "At which distance an answer is given at most, unless `threshold` is 0."
_SEVERAL = "Whether there seem to be several symbols; `many=true` reads them one by one."
_IMAGE = "The image that the network got, as a PNG in a `data:` address; with `image=true` only."
_PIXELS = "Rows of grey values, or of red, green and blue (H×W×3): whole numbers from 0 to 255, \
fractions from 0 to 1, truth values, or the unit of the pictures that the network was taught on."
_PREPARED = "The image as the network takes it, C×H×W, from 0 to 255; it is not prepared again."

_MOST_LISTS = 2**19  # lists and objects of a body; millions would take seconds and a gigabyte
_MOST_TEXTS = 2**18  # and texts; a picture has few

_Share = Annotated[float, Field(ge=0, le=1)]
_Flag = Annotated[bool, BeforeValidator(lambda value: value == "" or value)]  # `?many` is true
# `+3`, `3.0` and `1_0` are none, though Python takes them for numbers.
_Whole = Annotated[int, BeforeValidator(lambda value: value if str(value).isdigit() else None)]
_Rows = list[list[int]]
_Values = list[list[float | bool]]


class BodyError(LenetError):
    """A request's body is not what its header says."""


class TooManyPicturesError(LenetError):
    """A request has more pictures than the `most` that are answered at once."""

    def __init__(self, most: int):
        message = f"A request may have up to {most} pictures; send the others in another one."
        super().__init__(message)


class TooManyListsError(LenetError):
    """A request's JSON would cost much more than its bytes."""


class Problem(BaseModel):
    """What is wrong and what to do."""

    detail: str = Field(examples=["Unknown model `digit`. Did you mean `digits`?"])


class Parameters(BaseModel):
    """What the address of a request asks."""

    model: str = Field(default="", description="Which model answers.")  # the first
    top: _Whole = Field(default=3, ge=1, le=1000, description="How many classes to give.")
    threshold: float | None = Field(default=None, ge=0, le=1, description=_THRESHOLD)
    many: _Flag = Field(default=False, description="Cut pictures into symbols and read one by one.")
    image: _Flag = Field(default=False, description="Show what the network saw.")


class ClassProbability(TypedDict):
    """A class and how likely it is."""

    class_name: Annotated[str, Field(examples=["7"])]
    probability: Annotated[float, Field(ge=0, le=1, examples=[0.998])]


class Box(TypedDict):
    """The part of the picture that was seen, in shares of its height and width."""

    top: _Share
    left: _Share
    bottom: _Share
    right: _Share


class Prediction(TypedDict):
    """What a picture, or a symbol in it, shows."""

    picture: Annotated[int, Field(ge=0, description="Which picture of the request, from 0 on.")]
    name: Annotated[str | None, Field(description="The picture's file name, if one was sent.")]
    class_name: Annotated[str | None, Field(description=_CLASS)]
    probability: Annotated[float, Field(ge=0, le=1, description="Of the likeliest class.")]
    doubt: Annotated[Literal["blank", "unsure", "far"] | None, Field(description=_DOUBT)]
    threshold: Annotated[_Share, Field(description=_NEEDED)]
    none_probability: Annotated[_Share, Field(description=_NONE)]
    distance: Annotated[float, Field(ge=0, description=_DISTANCE)]
    reach: Annotated[float, Field(ge=0, description=_REACH)]
    top: Annotated[list[ClassProbability], Field(description="The likeliest classes.")]
    box: Box
    several: Annotated[bool, Field(description=_SEVERAL)]
    image: NotRequired[Annotated[str, Field(description=_IMAGE)]]


class Predictions(TypedDict):
    """The answers, in the order of the pictures."""

    model: Annotated[str, Field(description="The model that answered.")]
    predictions: list[Prediction]


def _decoded(text: object) -> bytes | None:
    """The bytes of a picture's file; a `data:` address is taken too."""
    if text is None:
        return None
    if isinstance(text, str):
        content = text.partition(",")[2] if text.startswith("data:") else text
        try:
            return base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise PydanticCustomError("picture", "is no base64")


def _pixels(values: object) -> Numbers | None:
    array = _numbers_in(values)
    if array is None or (array.size and (array.ndim == 2 or array.shape[2:] == (3,))):
        return array
    raise PydanticCustomError(
        "picture",
        "must be rows of grey values, H×W, or of red, green and blue, H×W×3; these are {shape}",
        {"shape": _shape_text(array.shape)},
    )


def _prepared(values: object, info: ValidationInfo) -> PreparedPicture | None:
    array = _bytes_in(values)
    shape = info.context["shape"]  # type: ignore[index]  # `read_pictures` gives it
    if array is None or array.shape == shape:
        return None if array is None else PreparedPicture(array, (0.0, 0.0, 1.0, 1.0))
    raise PydanticCustomError(
        "picture",
        "must be the image as the network takes it, {shape}; this is {given}",
        {"shape": _shape_text(shape), "given": _shape_text(array.shape)},
    )


def _bytes_in(values: object) -> Pixels | None:
    """Nested lists of whole numbers from 0 to 255."""
    array = _numbers_in(values)
    if array is None:
        return None
    if array.dtype.kind not in "iu" or (array.size and not 0 <= array.min() <= array.max() <= 255):
        message = "must be lists of whole numbers from 0 to 255, of equal lengths"
        raise PydanticCustomError("picture", message)
    return array.astype(np.uint8)


def _numbers_in(values: object) -> Numbers | None:
    """Nested lists of numbers; NumPy looks at them, as they may be millions."""
    if values is None:
        return None
    try:
        array = np.array(values)
    except (ValueError, OverflowError):
        array = np.array(None)
    if array.dtype.kind not in "buif":
        raise PydanticCustomError("picture", "must be lists of numbers, of equal lengths")
    return array


def _shape_text(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "one number"


class Picture(BaseModel):
    """A picture in one of three forms."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "oneOf": [
                {"required": [form], "properties": {form: {"not": {"type": "null"}}}}
                for form in ("base64", "pixels", "prepared")
            ]
        },
    )

    base64: Annotated[Any, PlainValidator(_decoded, str | None)] = Field(
        default=None, description="The bytes of a picture file, in base64."
    )
    pixels: Annotated[Any, PlainValidator(_pixels, _Values | list[_Values] | None)] = Field(
        default=None, description=_PIXELS
    )
    prepared: Annotated[Any, PlainValidator(_prepared, list[_Rows] | None)] = Field(
        default=None, description=_PREPARED
    )
    name: str | None = Field(default=None, description="What the answer calls it.")

    @model_validator(mode="before")
    @classmethod
    def _has_one_form(cls, values: object) -> object:
        """Look at the fields' names first; an error for each of millions would fill the memory."""
        if isinstance(values, dict):
            _check_names(values, cls.model_fields)
            if sum(values.get(form) is not None for form in ("base64", "pixels", "prepared")) == 1:
                return values
        raise PydanticCustomError("forms", "")

    @property
    def content(self) -> bytes | Numbers | PreparedPicture:
        """The picture, in whichever form it came."""
        forms = (self.base64, self.pixels, self.prepared)
        content: bytes | Numbers | PreparedPicture = next(
            form for form in forms if form is not None
        )
        return content


class Pictures(BaseModel):
    """One picture or several."""

    model_config = ConfigDict(extra="forbid")

    pictures: Annotated[list[Picture], FailFast()] = Field(min_length=1)


def _check_names(values: Iterable[str], known: Iterable[str]) -> None:
    for name in values:
        if name not in known:
            raise UnknownNameError("field", name, known)


def read_pictures(body: bytes, shape: tuple[int, ...], most: int) -> list[Picture]:
    """The pictures in a JSON body, `most` at most; `shape` is that of the model's images."""
    if body.count(b"[") + body.count(b"{") > _MOST_LISTS:
        message = (
            f"The body has more than {_MOST_LISTS:,} lists; send large pictures as files, in "
            "`base64`."
        )
        raise TooManyListsError(message)
    if body.count(b'"') > 2 * _MOST_TEXTS:
        message = f"The body has more than {_MOST_TEXTS:,} texts; pixels are numbers."
        raise TooManyListsError(message)
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else error
        message = f"The body is no JSON: {reason}."
        raise BodyError(message) from error
    if not isinstance(values, dict) or not isinstance(values.get("pictures"), list):
        message = 'The body must be `{"pictures": [{"base64": "…"}]}`; `/docs` has examples.'
        raise SettingError(message)
    for name in Parameters.model_fields:
        if name in values:
            message = f"`{name}` goes into the address, as in `/v1/predict?{name}=…`."
            raise SettingError(message)
    _check_names(values, Pictures.model_fields)
    pictures = values["pictures"]
    if len(pictures) > most:
        raise TooManyPicturesError(most)
    try:
        return (
            Pictures.model_validate(values, context={"shape": shape}).pictures if pictures else []
        )
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        _, place, *field = problem["loc"]
        number = int(place) + 1
        if not field:
            forms = "`base64`, `pixels` and `prepared`"
            message = f"Picture {number} must be an object with one of {forms}."
        else:
            fault = problem["msg"] if problem["type"] == "picture" else "must be text"
            message = f"`{field[0]}` of picture {number} {fault}."
        raise SettingError(message) from error


def as_data_url(image: Pixels) -> str:
    """An image, uint8 (C, H, W) with 1 or 3 channels, as the address of a PNG."""
    shown = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(shown)).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


class Normalisation(BaseModel):
    """How pixels become the network's input: (pixel / 255 - mean) / std."""

    mean: float
    std: float


class Calibration(BaseModel):
    """How far probabilities can be trusted."""

    temperature: float = Field(description="What logits are divided by.")
    threshold: float = Field(description="Answers below it are none of the classes.")
    images: int = Field(description="How many images it was measured on.")
    answered_right: float = Field(
        description="Which share of the answers above it was right there; 0 if that is not known."
    )
    answered: float = Field(description="Which share of those images is answered.")
    reach: float = Field(description="Which distance is too far; 0 where none is known.")


class Model(BaseModel):
    """What a model's file says about it."""

    name: str
    network: str = Field(description="The kind of network, as in `lenet train --model`.")
    class_names: list[str] = Field(
        description="In the order of the outputs; `_none`, the last of some, is never answered."
    )
    input_shape: list[int] = Field(description="Channels, height and width of its images.")
    preparation: Preparation
    normalisation: Normalisation
    calibration: Calibration
    answers_blank: bool = Field(description="Whether empty pictures are of one of its classes.")
    dataset: str = Field(description="What it was trained on.")
    results: dict[str, Any] = Field(description="The scores that it reached.")
    parameters: int = Field(description="How many weights and biases it has.")
    bytes: int = Field(description="The size of its file.")
    file: str = Field(description="Where its file is, in safetensors.")
    version: str = Field(description="The version of lenet that wrote it.")


class Models(BaseModel):
    """The models that are served; the first answers where none is named."""

    models: list[Model]


class Health(BaseModel):
    """Whether the service takes requests."""

    status: Literal["ok", "draining", "no workers"]


def picture_examples() -> dict[str, Any]:
    """JSON bodies that work as they are shown, by what they show."""
    stroke = np.full((20, 12), 255, np.uint8)
    stroke[3:17, 5:7] = 0
    content = as_data_url(stroke[None]).partition(",")[2]
    pixels = [[255] * 7, *([[255, 255, 255, 0, 255, 255, 255]] * 7), [255] * 7]
    return {
        "A picture file in base64": {
            "value": {"pictures": [{"base64": content, "name": "one.png"}]}
        },
        "Rows of grey values": {"value": {"pictures": [{"pixels": pixels}]}},
    }


ANSWER_EXAMPLE: Predictions = {
    "model": "digits",
    "predictions": [
        {
            "picture": 0,
            "name": "one.png",
            "class_name": "1",
            "probability": 0.9987,
            "doubt": None,
            "threshold": 0.9,
            "none_probability": 0.0,
            "distance": 1.8,
            "reach": 7.4,
            "top": [
                {"class_name": "1", "probability": 0.9987},
                {"class_name": "7", "probability": 0.0008},
                {"class_name": "2", "probability": 0.0002},
            ],
            "box": {"top": 0.15, "left": 0.4167, "bottom": 0.85, "right": 0.5833},
            "several": False,
        }
    ],
}
