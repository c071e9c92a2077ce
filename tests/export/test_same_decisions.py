"""One picture gets one answer: in the library, the service, the page, ONNX and C."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from c_programs import compiled

import lenet
from lenet.datasets import Dataset, Split
from lenet.errors import DownloadError, ExportError
from lenet.export import open_trained_network

# What each format runs, on more images than an export is checked on, without the checks.
from lenet.export._c import c_network
from lenet.export._html import run_html, write_html
from lenet.export._onnx import write_onnx
from lenet.pictures import PreparedPicture
from lenet.results import answer
from lenet.serving import TrainedModel, open_model, predict_each
from lenet.serving._messages import Question

# The service's answers as its process makes them, without the process.
from lenet.serving._worker import _answers_to, _Picture

Images = npt.NDArray[np.uint8]
STRANGERS = 2000
CLOSE = 1e-5  # probabilities that may be in another order by rounding
AT_REACH = 1e-4  # relative to it, where an image may be found within it or beyond by rounding


@pytest.fixture(scope="module")
def pictures(doubtful_digits: Dataset) -> Dataset:
    """MNIST's 10,000 test images and 2,000 strangers; where it is missing, the bundled digits."""
    try:
        digits, garments = (
            lenet.load_dataset(name).require_test() for name in ("mnist", "fashion-mnist")
        )
    except DownloadError:
        digits = garments = lenet.load_dataset("digits").require_test()
    random, images = np.random.default_rng(0), digits.images
    quarter = STRANGERS // 4
    halves = images[:quarter].copy()
    halves[:, :, 14:] = 0
    strangers = [
        garments.images[:quarter, :, ::-1],
        random.integers(0, 256, (quarter, 1, 28, 28), np.uint8),
        halves,
        np.maximum(images[:quarter], images[-quarter:, :, :, ::-1]),  # two on each other
    ]
    others = np.concatenate(strangers)
    names = doubtful_digits.class_names
    labels = np.concatenate([digits.labels, np.full(len(others), len(names) - 1)])
    split = Split(np.ascontiguousarray(np.concatenate([images, others])), labels)
    return Dataset("pictures", names, split, split)


def in_the_library(model: TrainedModel, images: Images) -> Iterator[str | None]:
    seen = [PreparedPicture(image, (0.0, 0.0, 1.0, 1.0)) for image in images]
    return (one.class_name for one in predict_each(seen, model))


def in_the_service(model: TrainedModel, images: Images) -> Iterator[str | None]:
    sent = [_Picture(None, [PreparedPicture(image, (0.0, 0.0, 1.0, 1.0))]) for image in images]
    told: dict[str, Any] = json.loads(_answers_to(Question(0), {0: sent}, model)[0].body)
    return (one["class_name"] for one in told["predictions"])


@pytest.mark.parametrize("name", ["doubtful_run", "distant_run"])
def test_every_place_decides_alike(
    name: str, request: pytest.FixtureRequest, pictures: Dataset, tmp_path: Path
) -> None:
    run: lenet.Run = request.getfixturevalue(name)
    knows_none = name == "doubtful_run"
    if not knows_none:
        test = pictures.require_test()
        split = Split(test.images, test.labels % 10)
        pictures = Dataset("pictures", pictures.class_names[:10], split, split)
    trained = open_trained_network(run, pictures)
    card, images = trained.card, trained.images
    expected = trained.decide(trained.probabilities)
    counts = np.bincount(expected + 1, minlength=11)
    assert counts.min() > 0
    assert counts[0] > 500

    calibration, shares = card.calibration, trained.probabilities
    likeliest, second = np.sort(shares[:, :10], axis=1)[:, :-3:-1].T
    above, of_none = likeliest - calibration.threshold, shares[:, 10] if knows_none else 0
    is_apart = np.minimum(likeliest - second, np.abs(likeliest - of_none)) > CLOSE
    if not knows_none:
        beyond = calibration.distances(shares) - calibration.reach
        assert ((beyond > 0) & (above > 0)).sum() > 100
        is_apart &= np.abs(beyond) > AT_REACH * calibration.reach
    is_clear = (above < -CLOSE) | ((above > CLOSE) & is_apart)
    assert (~is_clear).sum() < 5

    def check(place: str, decided: npt.NDArray[np.int64]) -> None:
        assert (decided != expected)[is_clear].sum() == 0, place

    model = open_model(run)
    numbers = {name: number for number, name in enumerate(card.classes)}
    for ask in (in_the_library, in_the_service):
        given = [numbers.get(name or "", -1) for name in ask(model, images)]
        check(ask.__name__, np.array(given))
    scored = answer(run, pictures)
    assert (scored.counter_examples is not None) == knows_none
    parts = [part for part in (scored, scored.counter_examples) if part is not None]
    check("evaluate", np.concatenate([part.decisions.answers for part in parts]))
    check("ONNX", write_onnx(trained, tmp_path).run(images)[1])
    check("C", compiled(c_network(trained, int8=False), tmp_path, flags=("-O2",)).run(images)[1])
    try:
        page = run_html(write_html(trained, tmp_path).path)
    except ExportError as error:
        pytest.skip(f"all but the page decide alike: {error}")
    check("the page", page(images)[1])


def test_a_threshold_of_0_answers_what_is_beyond_the_reach(
    distant_run: lenet.Run, tmp_path: Path
) -> None:
    trained = open_trained_network(distant_run)
    assert (trained.decide(trained.probabilities) == -1).any()
    calibration = replace(trained.card.calibration, threshold=0.0, reach=0.0)
    always = replace(trained, card=replace(trained.card, calibration=calibration))
    likeliest = trained.probabilities.argmax(axis=1)
    np.testing.assert_array_equal(always.decide(trained.probabilities), likeliest)
    for run in (
        write_onnx(always, tmp_path).run,
        compiled(c_network(always, int8=False), tmp_path).run,
    ):
        np.testing.assert_array_equal(run(trained.images)[1], likeliest)
