"""What the service takes and gives, for its OpenAPI description.

FastAPI reads the types of these classes when the service starts, so annotations are no strings.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lenet.pictures import Preparation


class Problem(BaseModel):
    """What is wrong and what to do."""

    detail: str = Field(examples=["Unknown model `digit`. Did you mean `digits`?"])


class ClassProbability(BaseModel):
    """A class and how likely it is."""

    class_name: str = Field(examples=["7"])
    probability: float = Field(ge=0, le=1, examples=[0.998])


class Box(BaseModel):
    """The part of the picture that was seen, in shares of its height and width."""

    top: float = Field(ge=0, le=1)
    left: float = Field(ge=0, le=1)
    bottom: float = Field(ge=0, le=1)
    right: float = Field(ge=0, le=1)


class Prediction(BaseModel):
    """What a picture, or a symbol in it, shows."""

    picture: int = Field(ge=0, description="Which picture of the request, from 0 on.")
    name: str | None = Field(description="The picture's file name, if one was sent.")
    class_name: str | None = Field(description="What it shows; null for none of the classes.")
    probability: float = Field(ge=0, le=1, description="Of the likeliest class.")
    doubt: Literal["blank", "unsure"] | None = Field(
        description="Why it is none of the classes: nothing is to be seen, or none is likely "
        "enough."
    )
    top: list[ClassProbability] = Field(description="The likeliest classes.")
    box: Box
    image: str | None = Field(
        default=None,
        description="The image that the network got, as a PNG in a `data:` address; with "
        "`image=true` only.",
    )


class Predictions(BaseModel):
    """The answers, in the order of the pictures."""

    model: str = Field(description="The model that answered.")
    predictions: list[Prediction]


class Picture(BaseModel):
    """A picture in one of three forms."""

    model_config = ConfigDict(extra="forbid")

    base64: str | None = Field(default=None, description="The bytes of a picture file, in base64.")
    pixels: list[list[int]] | list[list[list[int]]] | None = Field(
        default=None,
        description="Rows of grey values from 0 to 255, or of red, green and blue (H×W×3).",
    )
    prepared: list[list[list[int]]] | None = Field(
        default=None,
        description="The image as the network takes it, C×H×W, from 0 to 255; it is not prepared "
        "again.",
    )
    name: str | None = Field(default=None, description="What the answer calls it.")


class Pictures(BaseModel):
    """One picture or several."""

    model_config = ConfigDict(extra="forbid")

    pictures: list[Picture] = Field(min_length=1)


class Normalisation(BaseModel):
    """How pixels become the network's input: (pixel / 255 - mean) / std."""

    mean: float
    std: float


class Calibration(BaseModel):
    """How far probabilities can be trusted."""

    temperature: float = Field(description="What logits are divided by.")
    threshold: float = Field(description="Answers below it are none of the classes.")
    images: int = Field(description="How many images it was measured on.")


class Model(BaseModel):
    """What a model's file says about it."""

    name: str
    network: str = Field(description="The kind of network, as in `lenet train --model`.")
    class_names: list[str]
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
