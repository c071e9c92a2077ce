"""Pictures are answered: rightly, in their order, and with doubt where there should be some."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import lenet
from drawn_digits import photo
from lenet.core import read_arrays
from lenet.errors import ModelError, PictureError, SettingError
from lenet.models import BUNDLED
from lenet.pictures import Preparation, look_at, prepare
from lenet.serving import TrainedModel, draw_predictions, image_text, open_model, predict_each


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return open_model("digits")


@pytest.mark.parametrize("label", range(10))
def test_the_bundled_model_reads_digits_on_paper(model: TrainedModel, label: int) -> None:
    (answer,) = lenet.predict(model, photo(label))
    assert answer.class_name == str(label)
    assert answer.top[0] == (answer.class_name, answer.probability)
    assert answer.doubt is None


def test_all_kinds_of_sources_give_the_same(model: TrainedModel, tmp_path: Path) -> None:
    path = tmp_path / "seven.png"
    Image.fromarray(photo(7)).save(path)
    with path.open("rb") as file:
        sources = [path, str(path), path.read_bytes(), photo(7), file]
        answers = lenet.predict(model, sources)
    assert [answer.class_name for answer in answers] == ["7"] * 5
    assert len({answer.top for answer in answers}) == 1
    assert [answer.source for answer in answers[:4]] == [str(path)] * 2 + ["picture"] * 2


def test_probabilities_are_the_softmax_of_calibrated_logits(model: TrainedModel) -> None:
    network, card = lenet.load("digits")
    image = prepare(photo(3), card.preparation)
    pixels = torch.from_numpy(image).float()[None] / 255
    with torch.no_grad():
        logits = network((pixels - card.normalisation.mean) / card.normalisation.std)
    expected = (logits.double() / card.calibration.temperature).softmax(dim=1)[0].numpy()
    assert model.probabilities(image[None])[0] == pytest.approx(expected, abs=1e-6)
    (answer,) = lenet.predict(model, photo(3), top=10)
    given = dict(answer.top)
    assert [given[name] for name in card.classes] == pytest.approx(list(expected[:10]), abs=1e-6)
    assert answer.none_probability == pytest.approx(expected[10], abs=1e-6)
    assert list(given.values()) == sorted(given.values(), reverse=True)


def test_a_blank_picture_and_an_unsure_answer_are_none_of_the_classes(model: TrainedModel) -> None:
    blank, unsure, sure = (
        lenet.predict(model, picture, threshold=threshold)[0]
        for picture, threshold in (
            (np.full((30, 30), 200, np.uint8), 0),
            (photo(4), 1),
            (photo(4), 0.5),
        )
    )
    assert (blank.class_name, blank.doubt) == (None, "blank")
    assert (blank.probability, blank.top) == (0, ())
    assert (unsure.class_name, unsure.doubt) == (None, "unsure")
    assert unsure.top[0][0] == "4"
    assert (sure.class_name, sure.doubt) == ("4", None)


@pytest.mark.parametrize("answers_blank", [True, False])
def test_a_model_with_a_class_of_empty_pictures_answers_them(
    model: TrainedModel, answers_blank: bool
) -> None:
    card = replace(model.card, answers_blank=answers_blank)
    knowing = TrainedModel("knowing", card, model.logits)
    empty = np.full((30, 30), 200, np.uint8)
    (answer,) = lenet.predict(knowing, empty, threshold=0)
    network, _ = lenet.load("digits")
    blank = torch.full((1, 1, 28, 28), -card.normalisation.mean / card.normalisation.std)
    expected = card.classes[int(network(blank)[:, :10].argmax())]
    assert (answer.class_name, answer.doubt) == (
        (expected, None) if answers_blank else (None, "blank")
    )
    assert lenet.predict(knowing, empty, threshold=1)[0].doubt == (
        "unsure" if answers_blank else "blank"
    )


def test_numbers_of_a_network_that_are_not_finite_are_no_answer(model: TrainedModel) -> None:
    broken = TrainedModel(
        "broken", model.card, lambda images: np.float32(3e38) * model.logits(images)
    )
    with np.errstate(over="ignore"), pytest.raises(ModelError, match="`broken` gives numbers"):
        lenet.predict(broken, photo(1))


def test_what_was_seen_already_is_answered_as_the_picture_is(model: TrainedModel) -> None:
    seen = look_at(photo(5), model.card.preparation)
    answers = lenet.predict(model, [seen, photo(5), seen])
    assert [answer.seen is seen for answer in answers] == [True, False, True]
    assert len({answer.top for answer in answers}) == 1
    assert lenet.predict(model, seen)[0].top == answers[0].top


def test_a_page_of_digits_is_read_line_by_line(model: TrainedModel) -> None:
    lines = ["314", "159"]
    page = np.vstack([np.hstack([photo(int(label)) for label in line]) for line in lines])
    answers = lenet.predict(model, page, many=True)
    assert [answer.top[0][0] for answer in answers] == list("314159")
    assert answers[0].seen.box[2] < answers[3].seen.box[0]


def test_many_pictures_come_in_their_order_as_they_are_asked_for(model: TrainedModel) -> None:
    read = []

    def pictures():  # type: ignore[no-untyped-def]
        for number in range(300):
            read.append(number)
            yield photo(number % 10, (160, 150))

    answers = predict_each(pictures(), model)
    first = next(answers)
    assert first.top[0][0] == "0"
    assert len(read) < 300
    labels = [first.top[0][0], *(answer.top[0][0] for answer in answers)]
    assert labels == [str(number % 10) for number in range(300)]


def test_a_picture_that_cant_be_read_is_an_error_or_told_to_who_asks(model: TrainedModel) -> None:
    sources = [photo(1), b"no picture", photo(2)]
    with pytest.raises(PictureError):
        lenet.predict(model, sources)
    told: list[PictureError] = []
    answers = list(predict_each(sources, model, on_error=told.append))
    assert [answer.class_name for answer in answers] == ["1", "2"]
    assert len(told) == 1


@pytest.mark.parametrize("wrong", [{"top": 0}, {"threshold": 1.5}, {"threshold": -0.1}])
def test_settings_out_of_range_are_refused(model: TrainedModel, wrong: dict[str, float]) -> None:
    with pytest.raises(SettingError):
        lenet.predict(model, photo(1), **wrong)


def test_the_image_is_drawn_as_text() -> None:
    image = np.zeros((1, 3, 2), np.uint8)
    image[0, 0] = 255
    assert image_text(image, colour=False) == "@@\n"
    coloured = image_text(image, colour=True).split("\n")
    assert len(coloured) == 2
    assert coloured[0].count("38;2;255;255;255;48;2;0;0;0m▀") == 2
    assert coloured[0].endswith("\x1b[0m")


def test_answers_are_drawn_beside_their_pictures(model: TrainedModel) -> None:
    pictures = [photo(label) for label in range(5)]
    figure = draw_predictions(lenet.predict(model, pictures), pictures)
    file = io.BytesIO()
    figure.savefig(file)
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts[::2] == ["0", "1", "2", "3", "4"]
    with Image.open(file) as drawn:
        assert np.asarray(drawn.convert("L")).std() > 20


def test_the_fashion_model_knows_garments_from_shops() -> None:
    fashion = open_model("fashion")
    assert fashion.card.preparation == Preparation("object", "light-on-dark")
    assert fashion.card.class_names[9] == "ankle boot"
    assert fashion.card.results["test_accuracy"] > 0.925


def test_the_bundled_models_say_what_they_are(model: TrainedModel) -> None:
    assert model.card.preparation == Preparation("symbol", "light-on-dark", margin=4)
    assert model.card.results["test_accuracy"] >= 0.995
    assert model.card.classes == tuple("0123456789")
    assert model.card.none_index == 10
    assert model.card.recipe["epochs"] == 30
    assert 0.5 <= model.card.calibration.threshold < 1
    assert model.card.calibration.images > 10_000
    assert sum(array.size for array in read_arrays(BUNDLED["digits"]).values()) <= 65_000


@pytest.mark.parametrize("form", ["path", "array", "list", "opened"])
def test_pictures_before_the_model_are_told_where_they_belong(
    form: str, model: TrainedModel, tmp_path: Path
) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(photo(1)).save(path)
    pictures = {"path": str(path), "array": np.zeros((28, 28)), "list": [path], "opened": path}
    given: Any = pictures[form]
    with pytest.raises(SettingError, match="The model comes first"):
        lenet.predict(given, model if form == "opened" else "digits")
