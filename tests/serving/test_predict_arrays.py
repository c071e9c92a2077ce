"""Arrays, tensors and Pillow's images of every form give what the picture's file gives."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.utils.data import Subset, TensorDataset

import lenet
from drawn_digits import photo
from lenet.errors import ArrayError, LenetError, PictureError, PictureFormatError
from lenet.models import LeNetConfig, build_model, save_model
from lenet.pictures import Preparation, read_picture
from lenet.serving import Prediction, TrainedModel, open_model, predict_each

GREY = photo(7).copy()  # which PyTorch may write to
BATCH = np.stack([photo(label) for label in (3, 1, 4, 1, 5)])
COLOUR = np.stack([GREY, GREY // 2, 255 - GREY // 3], axis=2)


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return open_model("digits")


@pytest.fixture(scope="module")
def colour_model(tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    """An untrained network whose images keep all that there is in a picture."""
    path = tmp_path_factory.mktemp("colour") / "model.safetensors"
    config = LeNetConfig(input_shape=(3, 28, 28))
    save_model(path, build_model(config, seed=0), class_names=tuple("0123456789"))
    return open_model(path)


def png(pixels: np.ndarray) -> bytes:
    """A picture's file, by Pillow."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def assert_same(answers: list[Prediction], expected: list[Prediction]) -> None:
    """The network got the same images, and so gave the same answers."""
    assert len(answers) == len(expected)
    for one, other in zip(answers, expected, strict=True):
        np.testing.assert_array_equal(one.seen.image, other.seen.image)
        assert (one.top, one.class_name) == (other.top, other.class_name)


ONE: dict[str, Callable[[], Any]] = {
    "(H, W)": lambda: GREY,
    "(1, H, W)": lambda: GREY[None],
    "(H, W, 1)": lambda: GREY[..., None],
    "(1, 1, H, W)": lambda: GREY[None, None],
    "three equal channels": lambda: np.stack([GREY] * 3, axis=2),
    "opaque": lambda: np.dstack([GREY, GREY, GREY, np.full_like(GREY, 255)]),
    "int64": lambda: GREY.astype(np.int64),
    "int32 in the other byte order": lambda: GREY.astype(">i4"),
    "floats to 1": lambda: GREY / 255,
    "float32 to 1": lambda: (GREY / 255).astype(np.float32),
    "floats to 255": lambda: GREY.astype(np.float64),
    "16 bits": lambda: GREY.astype(np.uint16) * 257,
    "read-only": lambda: np.broadcast_to(GREY, GREY.shape),
    "fortran": lambda: np.asfortranarray(GREY),
    "a tensor": lambda: torch.from_numpy(GREY),
    "a tensor as datasets of PyTorch give it": lambda: torch.from_numpy(GREY)[None] / 255,
    "a tensor that asks for gradients": lambda: (torch.from_numpy(GREY) / 255).requires_grad_(),
    "Pillow's image": lambda: Image.fromarray(GREY),
    "Pillow's image in colour": lambda: Image.fromarray(GREY).convert("RGBA"),
    "with its label": lambda: (Image.fromarray(GREY), 7),
    "in a pair with its label": lambda: [(torch.from_numpy(GREY)[None] / 255, torch.tensor(7))],
    "nested lists": lambda: GREY.tolist(),
    "nested lists of floats": lambda: (GREY / 255).tolist(),
    "nested tuples in a list": lambda: [tuple(map(tuple, GREY.tolist()))],
    "a list of one": lambda: [GREY / 255],
    "a tuple of one tensor": lambda: (torch.from_numpy(GREY)[None],),
}


@pytest.mark.parametrize("form", ONE)
def test_one_picture_in_any_form_gets_one_answer(model: TrainedModel, form: str) -> None:
    answers = lenet.predict(model, ONE[form]())
    assert_same(answers, lenet.predict(model, png(GREY)))
    assert (answers[0].class_name, answers[0].source) == ("7", "picture")


def test_booleans_are_black_and_white(model: TrainedModel) -> None:
    ink = GREY > 100
    expected = lenet.predict(model, png(np.where(ink, 255, 0).astype(np.uint8)))
    assert_same(lenet.predict(model, ink), expected)
    assert_same(lenet.predict(model, torch.from_numpy(ink)), expected)
    assert expected[0].class_name == "7"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_coarse_floats_are_rounded_and_no_more(model: TrainedModel, dtype: torch.dtype) -> None:
    (answer,) = lenet.predict(model, (torch.from_numpy(GREY) / 255).to(dtype))
    assert answer.class_name == "7"


MANY: dict[str, Callable[[], Any]] = {
    "(N, H, W)": lambda: BATCH,
    "(N, 1, H, W)": lambda: BATCH[:, None],
    "(N, H, W, 1)": lambda: BATCH[..., None],
    "(N, 3, H, W)": lambda: np.stack([BATCH] * 3, axis=1),
    "(N, H, W, 3)": lambda: np.stack([BATCH] * 3, axis=3),
    "floats": lambda: BATCH / 255,
    "a tensor": lambda: torch.from_numpy(BATCH / 255)[:, None].requires_grad_(),
    "a list of arrays": lambda: [one / 255 for one in BATCH],
    "a list of tensors": lambda: list(torch.from_numpy(BATCH)[:, None]),
    "a list of Pillow's images": lambda: [Image.fromarray(one) for one in BATCH],
    "a generator": lambda: (one for one in BATCH),
    "batches, as a loader gives them": lambda: [BATCH[:3, None], BATCH[3:, None]],
    "nested lists": lambda: BATCH.tolist(),
    "pairs with labels": lambda: [(Image.fromarray(one), 3) for one in BATCH],
    "batches with labels": lambda: [
        [torch.from_numpy(BATCH[:3, None]), torch.tensor([3, 1, 4])],
        [torch.from_numpy(BATCH[3:, None]), torch.tensor([1, 5])],
    ],
    "lists of lists of floats": lambda: [(one / 255).tolist() for one in BATCH],
    "all sorts": lambda: [png(BATCH[0]), BATCH[1] / 255, Image.fromarray(BATCH[2]), BATCH[3:]],
}


@pytest.mark.parametrize("form", MANY)
def test_a_batch_in_any_form_gets_an_answer_for_each_in_order(
    model: TrainedModel, form: str
) -> None:
    answers = lenet.predict(model, MANY[form]())
    assert_same(answers, lenet.predict(model, [png(one) for one in BATCH]))
    assert [answer.class_name for answer in answers] == list("31415")


def test_a_batch_of_floats_is_on_one_scale() -> None:
    """The second is dark: by itself its brightest value would be taken for white."""
    grey = np.random.default_rng(0).uniform(0, 255, (2, 28, 28))
    grey[1] /= 255  # which is nearly black
    answers = lenet.predict(open_model("fashion"), grey, threshold=0)
    alone = lenet.predict(open_model("fashion"), grey[1:], threshold=0)
    assert answers[1].doubt == "blank"
    assert alone[0].doubt is None


@pytest.mark.parametrize("empty", [[], (), np.zeros((0, 28, 28)), torch.zeros(0, 1, 28, 28),
                                   np.zeros((0, 28, 28, 3), np.uint8), np.array([])])  # fmt: skip
def test_no_pictures_get_no_answers(model: TrainedModel, empty: Any) -> None:
    assert lenet.predict(model, empty) == []


def test_colours_are_kept_in_every_form(colour_model: TrainedModel) -> None:
    expected = lenet.predict(colour_model, png(COLOUR))
    first = COLOUR.transpose(2, 0, 1)
    for source in (
        COLOUR,
        COLOUR / 255,
        COLOUR[None],
        first[None],
        torch.from_numpy(first / 255)[None],
        torch.from_numpy(first).permute(1, 2, 0),
        Image.fromarray(COLOUR),
    ):
        assert_same(lenet.predict(colour_model, source), expected)
    pair = np.stack([COLOUR, 255 - COLOUR])
    expected += lenet.predict(colour_model, png(255 - COLOUR))
    for source in (pair, pair.transpose(0, 3, 1, 2), pair / 255):
        assert_same(lenet.predict(colour_model, source), expected)


def test_what_is_transparent_gets_a_ground_as_in_a_file(colour_model: TrainedModel) -> None:
    clear = np.dstack([COLOUR, np.linspace(0, 255, GREY.size).reshape(GREY.shape)])
    clear = np.rint(clear).astype(np.uint8)
    expected = lenet.predict(colour_model, png(clear))
    for source in (clear, clear[None], clear / 255, Image.fromarray(clear)):
        assert_same(lenet.predict(colour_model, source), expected)


CHANNELS = r"may be one picture with its 3 channels first, or 3 grey pictures\. Say which: `array"
SHAPES = r"A picture is an array \(H, W\), .*, not "
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "(3, H, W)": (lambda: np.stack([GREY] * 3), r"uint8 of shape \(3, 200, 180\), " + CHANNELS),
    "a tensor (3, H, W)": (lambda: torch.zeros(3, 28, 28), r"\(3, 28, 28\), " + CHANNELS),
    "(4, H, W)": (lambda: np.zeros((4, 28, 28)), "its 4 channels first, or 4 grey pictures"),
    "(N, 3, H, 3)": (lambda: np.zeros((5, 3, 28, 3)), "channels first, .* or last"),
    "a row": (lambda: GREY.ravel(), SHAPES + r"uint8 of shape \(36000,\)"),
    "one number": (lambda: np.array(5), SHAPES + r"int64 of shape \(\)"),
    "(N, 2, H, W)": (lambda: np.zeros((5, 2, 28, 28)), SHAPES + "float64 of shape"),
    "five dimensions": (lambda: np.zeros((1, 1, 1, 28, 28)), SHAPES + "float64 of shape"),
    "no pixels": (lambda: np.zeros((28, 0)), r"float64 of shape \(28, 0\)"),
    "no pixels in a batch": (lambda: np.zeros((3, 0, 28, 1)), "has pixels, but this is float64"),
    "normalised": (
        lambda: (torch.from_numpy(GREY)[None] / 255 - 0.5) / 0.5,
        r"The array \(float32 of shape \(1, 200, 180\)\) holds values from -0.* not normalised",
    ),
    "normalised and nowhere negative": (
        lambda: np.linspace(0, 2.8, 784).reshape(28, 28),
        r"holds values from 0 to 2\.8\. Pixels are expected, not normalised",
    ),
    "0 and 1 as whole numbers": (
        lambda: (GREY > 100).astype(np.int64),
        r"int64 of shape \(200, 180\)\) holds 0 and 1 alone.* pass truth values: `array > 0`",
    ),
    "0 and 1 as bytes": (lambda: (GREY > 100).astype(np.uint8), "holds 0 and 1 alone"),
    "12 bits in 16": (lambda: GREY.astype(np.uint16) * 16, r"to \d+, .* If 4095 is white, say so"),
    "ragged": (lambda: [[1, 2], [3]], "A `list` is no picture: .* inhomogeneous"),
    "rows of pixels": (
        lambda: np.zeros((7, 784), np.uint8),
        r"or 7 of 28×28 in a row each\. .* `array\.reshape\(-1, 28, 28\)` are several",
    ),
    "another scale": (lambda: np.rint(GREY / 16.0), "from .* to 1[0-6]. Pixels are expected"),
    "beyond 255": (lambda: GREY * 16.0, r"holds values from .* 0 to 255, floats from 0 to 1"),
    "beyond 255 in int32": (lambda: GREY.astype(np.int32) * 16, "int32 .* or 16 bits"),
    "not a number": (lambda: np.where(GREY > 100, np.nan, 0), "not finite"),
    "objects": (lambda: np.array([GREY, None], object), r"not object of shape \(2,\)"),
    "texts": (lambda: np.array(["a.png", "b.png"]), "an array of numbers, not <U5"),
    "complex": (lambda: GREY * 1j, "not complex128 of shape"),
    "sparse": (lambda: torch.eye(28).to_sparse(), "A `Tensor` is no picture"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_what_is_no_picture_is_an_error_that_says_so(model: TrainedModel, form: str) -> None:
    make, message = REFUSED[form]
    for source in (make(), [make()], [GREY, make()]):
        with pytest.raises(ArrayError, match=message) as caught:
            lenet.predict(model, source)
        assert "\n" not in str(caught.value)
    told: list[LenetError] = []
    answers = list(predict_each([GREY, make(), GREY], model, on_error=told.append))
    assert [answer.class_name for answer in answers] == ["7", "7"]
    assert len(told) == 1


@pytest.mark.parametrize("side", [28, 40])
def test_a_data_frame_has_a_picture_in_each_row(model: TrainedModel, side: int) -> None:
    small = [np.asarray(Image.fromarray(one).resize((side, side))) for one in BATCH]
    frame = pd.DataFrame(np.stack(small).reshape(5, -1))
    assert_same(lenet.predict(model, frame), lenet.predict(model, small))
    for count in (1, 3, 4):  # as many rows as a picture may have channels
        assert_same(lenet.predict(model, frame[:count]), lenet.predict(model, small[:count]))
    assert_same(lenet.predict(model, frame.iloc[0]), lenet.predict(model, small[:1]))


def test_a_data_set_of_pytorch_has_a_picture_in_each_example(model: TrainedModel) -> None:
    pictures = torch.from_numpy(np.stack(BATCH))[:, None] / 255
    examples = TensorDataset(pictures, torch.arange(5))
    expected = lenet.predict(model, BATCH)
    assert_same(lenet.predict(model, examples), expected)
    assert_same(lenet.predict(model, Subset(examples, [1, 2])), expected[1:3])


@pytest.mark.parametrize("side", [28, 40])
def test_a_row_of_pixels_is_the_picture_of_the_networks_size_or_a_square(
    model: TrainedModel, side: int
) -> None:
    grey = np.asarray(Image.fromarray(GREY).resize((side, side)))
    expected = lenet.predict(model, grey)
    assert expected[0].class_name == "7"
    rows = [grey.ravel(), grey.ravel() / 255, grey.ravel().tolist(), [grey.ravel()]]
    for row in [*rows, grey.reshape(1, -1)] if side == 28 else rows:
        assert_same(lenet.predict(model, row), expected)


@pytest.mark.parametrize("source", [None, 5, [None], [(GREY, "7", 3)]])
def test_what_can_be_no_picture_is_named_by_its_type(model: TrainedModel, source: Any) -> None:
    kind = type(source[0] if isinstance(source, list) else source).__name__
    with pytest.raises(PictureFormatError, match=f"`{kind}` is no picture. Pass a path"):
        lenet.predict(model, source)


def test_pages_of_symbols_may_be_a_batch(model: TrainedModel) -> None:
    pages = np.stack([np.hstack([BATCH[0], BATCH[1]]), np.hstack([BATCH[2], BATCH[4]])])
    answers = lenet.predict(model, pages / 255, many=True)
    assert [answer.top[0][0] for answer in answers] == list("3145")


def test_a_network_of_deep_pictures_takes_arrays_in_their_unit(tmp_path: Any) -> None:
    path = tmp_path / "model.safetensors"
    preparation = Preparation(pixel_range=(-20.0, 400.0))
    network = build_model(LeNetConfig(), seed=0)
    names = tuple("0123456789")
    save_model(path, network, class_names=names, preparation=preparation)
    values = np.random.default_rng(0).uniform(-30, 420, (5, 28, 28))
    expected = np.rint((values.clip(-20, 400) + 20) / 420 * 255)
    for source in (
        values,
        torch.from_numpy(values)[:, None],
        [Image.fromarray(one) for one in values],
    ):
        answers = lenet.predict(path, source)
        np.testing.assert_array_equal([one.seen.image[0] for one in answers], expected)
    bytes_ = values.clip(0, 255).astype(np.uint8)
    np.testing.assert_array_equal(lenet.predict(path, bytes_[0])[0].seen.image[0], bytes_[0])
    with pytest.raises(ArrayError, match="taught on values from -20 to 400; bring them"):
        lenet.predict(path, values * 10)


def test_read_picture_says_the_same_of_pillows_image_and_of_its_file() -> None:
    assert np.array_equal(read_picture(Image.fromarray(COLOUR)), read_picture(png(COLOUR)))


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        ("a\0b.png", "the character 0"),
        (Image.new("L", (0, 5)), "no pixels"),
        (io.StringIO("text"), "open it with `rb`"),
        (np.zeros((30, 40, 2), np.uint8), "grey with its opacity"),
        (torch.empty(28, 28, device="meta"), "is no picture"),
    ],
    ids=["a path with a 0", "nothing", "text", "grey with opacity", "a tensor without numbers"],
)
def test_what_holds_no_picture_is_one_of_our_errors(picture: object, words: str) -> None:
    with pytest.raises(LenetError, match=words):
        lenet.predict("digits", [picture])


def test_a_file_that_was_closed_is_one_of_our_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(BATCH[0]))
    with path.open("rb") as file:
        pass
    with pytest.raises(PictureError, match=r"a\.png` can't be read: read of closed file"):
        lenet.predict("digits", [file])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": None}, "A `NoneType` is no run and no model file"),
        ({"model": ["digits"]}, "The model comes first"),
        ({"top": 3.5}, "`top` must be a whole number, not 3.5"),
        ({"top": None}, "`top` must be a whole number"),
        ({"threshold": "x"}, "`threshold` must be from 0 to 1, not 'x'"),
    ],
)
def test_settings_of_another_type_are_refused(settings: dict, words: str) -> None:
    with pytest.raises(LenetError, match=words):
        lenet.predict(**{"model": "digits", "pictures": BATCH[0]} | settings)


def test_a_model_is_shown_in_a_line() -> None:
    assert repr(open_model("fashion")) == "<TrainedModel `fashion`: lenet, 1×28×28, 10 classes>"


UNITS: dict[str, Callable[[Any], Any]] = {
    "bytes": lambda pixels: pixels,
    "shares": lambda pixels: pixels / 255,
    "floats to 255": lambda pixels: pixels.astype(np.float32),
    "truth values": lambda pixels: pixels > 100,
    "0 and 1": lambda pixels: (pixels > 100).astype(np.int64),
    "0 and 1 as bytes": lambda pixels: (pixels > 100).astype(np.uint8),
    "0 to 15": lambda pixels: pixels // 16,
    "12 bits": lambda pixels: pixels.astype(np.uint16) * 16,
    "normalised": lambda pixels: (pixels / 255 - 0.13) / 0.31,
}


@pytest.mark.parametrize("unit", UNITS)
def test_a_network_sees_of_numbers_what_it_was_taught_of_the_same(
    few_digits: lenet.Dataset, unit: str, tmp_path: Path
) -> None:
    """Nobody says the unit: it is found in the data and kept in the model file."""
    values = UNITS[unit](few_digits.train.images[:, 0])
    taught = lenet.as_dataset((values, few_digits.train.labels), test_share=0)
    path = tmp_path / "model.safetensors"
    save_model(
        path,
        build_model(LeNetConfig(), seed=0),
        class_names=taught.class_names,
        preparation=taught.preparation,
        answers_blank=taught.has_blank_class,
    )
    answers = lenet.predict(path, values[:, None], threshold=0)
    np.testing.assert_array_equal([one.seen.image for one in answers], taught.train.images)
    assert all(one.class_name for one in answers)
