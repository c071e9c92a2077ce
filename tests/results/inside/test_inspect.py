"""The whole: what is found, what is written, what is to be seen in a browser."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import lenet
from lenet.datasets import Dataset, Split
from lenet.errors import ModelError, RunError, SettingError, StorageError, UnknownNameError
from lenet.models import save_model
from lenet.results import (
    PARTS,
    Inspection,
    average_trace,
    build_inspection_page,
    describe_inspection,
    draw_activations,
    draw_filters,
    draw_map,
    draw_neighbours,
    draw_saliency,
    inspect_network,
    write_inspection,
)
from page_in_browser import PageBrowser

DRAWINGS = (draw_filters, draw_activations, draw_saliency, draw_neighbours, draw_map)


@pytest.fixture(scope="module")
def overview(run: lenet.Run) -> Inspection:
    return inspect_network(run)


@pytest.fixture(scope="module")
def two(run: lenet.Run) -> Inspection:
    return inspect_network(run, ["class:3", "noise"])


def test_one_input_part_and_layer_need_no_list(run: lenet.Run) -> None:
    found = inspect_network(run, "class:3", parts="activations", layers="Conv2d")
    assert [one.subject.label for one in found.observations] == [3]
    assert found.parts == ("activations",)
    assert all("Conv2d" in layer for layer in found.layers)


def test_the_overview_has_an_example_of_each_class(overview: Inspection, digits: Dataset) -> None:
    assert digits.test is not None
    assert [one.subject.label for one in overview.observations] == list(range(10))
    for one in overview.observations:
        number = int(one.subject.name.removeprefix("test:"))
        label = one.subject.label
        assert (digits.test.labels[:number] != label).all()
        assert digits.test.labels[number] == label


def test_probabilities_are_those_of_the_calibrated_network(two: Inspection, run: lenet.Run) -> None:
    network, card = lenet.load(run)
    for one in two.observations:
        pixels = torch.from_numpy(one.subject.images).double() / 255
        inputs = (pixels - card.normalisation.mean) / card.normalisation.std
        with torch.no_grad():
            logits = network.double()(inputs) / card.calibration.temperature
        np.testing.assert_allclose(one.probabilities, logits.softmax(1)[0], atol=1e-5)
    assert two.observations[0].answer == 3


def test_the_neighbours_of_an_example_of_training_begin_with_itself(run: lenet.Run) -> None:
    found = inspect_network(run, ["train:17"], parts=["neighbours"])
    (one,) = found.observations
    assert one.neighbours is not None
    assert one.neighbours.indices[0] == 17
    assert one.neighbours.distances[0] == pytest.approx(0, abs=1e-6)
    assert one.occlusion is None
    assert (found.filters, found.health, found.map) == ((), (), None)


def test_all_images_of_a_class_have_their_average_activation(
    run: lenet.Run, digits: Dataset
) -> None:
    assert digits.test is not None
    (one,) = inspect_network(run, ["all:5"]).observations
    network, card = lenet.load(run)
    members = digits.test.images[digits.test.labels == 5]
    for found, expected in zip(
        one.layers, average_trace(network, members, card.normalisation), strict=True
    ):
        np.testing.assert_allclose(found.outputs, expected.outputs, atol=1e-5)
    assert one.neighbours is None
    assert one.occlusion is None
    assert one.probabilities.sum() == pytest.approx(1)


def test_layers_and_parts_are_chosen_by_name(run: lenet.Run) -> None:
    found = inspect_network(run, ["noise"], layers=["relu", "0"], parts=["map", "activations"])
    assert found.layers == ("0 Conv2d", "1 ReLU", "4 ReLU", "8 ReLU", "10 ReLU")
    assert found.parts == ("activations", "map")
    with pytest.raises(UnknownNameError, match="layer `conv`"):
        inspect_network(run, layers=["conv"])
    with pytest.raises(UnknownNameError, match="Did you mean `filters`"):
        inspect_network(run, parts=["filter"])
    with pytest.raises(SettingError, match="Up to 24 inputs"):
        inspect_network(run, ["noise"] * 25)


def test_without_the_dataset_what_needs_none_is_shown(few_digits: Dataset) -> None:
    run = lenet.train(dataset=few_digits, epochs=1, batch_size=64, listeners=[])
    found = inspect_network(run, ["noise"])
    assert found.data is None
    assert "images of one's own" in found.missing
    assert found.observations[0].occlusion is not None
    assert found.observations[0].neighbours is None
    assert "images of one&#x27;s own" in build_inspection_page(found).to_html()
    assert any(found.missing in sentence for sentence in describe_inspection(found))
    assert not inspect_network(run).observations
    with pytest.raises(RunError, match="images of one's own"):
        inspect_network(run, ["class:1"])
    with pytest.raises(SettingError, match="nothing to draw of neighbours"):
        write_inspection(inspect_network(run, parts=["neighbours"]), "x.png")
    assert len(inspect_network(run, dataset=few_digits).observations) == 10


def test_data_that_does_not_fit_is_an_error(run: lenet.Run, digits: Dataset) -> None:
    split = Split(digits.test.images[:, :, 4:, 4:], digits.test.labels)  # type: ignore[union-attr]
    with pytest.raises(ModelError, match="`small` has shape"):
        inspect_network(run, dataset=Dataset("small", digits.class_names, split, split))


def test_images_that_can_not_be_shown_are_refused(tmp_path: Path) -> None:
    network = lenet.LeNet(lenet.LeNetConfig(input_shape=(2, 28, 28)))
    save_model(tmp_path / "two.safetensors", network, class_names=tuple("0123456789"))
    with pytest.raises(ModelError, match="2 channels"):
        inspect_network(tmp_path / "two.safetensors", ["noise"])


def test_sentences_say_what_is_to_be_seen(two: Inspection, overview: Inspection) -> None:
    first, second, difference, *_ = describe_inspection(two)
    answer = r"3 \(average image\) is taken for 3 \([<>]? ?\d+ %\), then for .*\."
    assert re.fullmatch(answer, first)
    assert second.startswith("noise is taken for ")
    largest = max(two.differences, key=lambda one: one.distance)
    assert f"differ most in `{largest.name}`" in difference
    right = sum(one.answer == one.subject.label for one in overview.observations)
    assert describe_inspection(overview)[0].startswith(f"{right} of 10 inputs are taken")
    for found in (two, overview):
        assert 3 <= len(describe_inspection(found)) <= 5


def test_a_picture_shows_the_layers_and_their_titles(two: Inspection) -> None:
    texts = [text.get_text() for text in draw_activations(two).texts]
    assert texts[0] == "What every layer makes of 3 (average image) and noise"
    for name in two.layers:
        assert name in texts
    assert sum("differ by" in text for text in texts) == len(two.layers)
    assert "What the network looks for" in [text.get_text() for text in draw_filters(two).texts]
    legend = draw_map(two).axes[0].get_legend()
    assert legend is not None
    named = [text.get_text() for text in legend.get_texts()]
    assert named == [*map(str, range(10)), "3 (average image)", "noise"]


def test_every_image_is_drawn_where_there_is_room(overview: Inspection) -> None:
    figure = draw_neighbours(overview)
    width, height = figure.get_size_inches()
    images = [
        image
        for one in overview.observations
        if one.neighbours is not None and overview.data is not None
        for image in (one.subject.image, *overview.data.train.images[one.neighbours.indices])
    ]
    assert len(images) == 90
    for drawn, image in zip(figure.axes[-1].images, images, strict=True):
        np.testing.assert_array_equal(drawn.get_array(), image[0])
        left, right, bottom, top = drawn.get_extent()
        assert 0 < left < right < width
        assert 0 < top < bottom < height


def test_each_part_is_a_picture_of_its_own(overview: Inspection, tmp_path: Path) -> None:
    written = write_inspection(overview, tmp_path / "a" / "b", "png")
    assert [path.name for path in written] == [f"{part}.png" for part in PARTS]
    for path in written:
        with Image.open(path) as picture:
            assert picture.width == 1280
            assert picture.height > 300
            assert len(set(picture.convert("L").get_flattened_data())) > 10


def test_the_output_is_where_it_is_wanted(two: Inspection, run: lenet.Run, tmp_path: Path) -> None:
    assert write_inspection(two) == [run.folder / "inspection.html"]
    assert write_inspection(two, tmp_path / "p.html") == [tmp_path / "p.html"]
    assert write_inspection(two, tmp_path) == [tmp_path / "inspection.html"]
    (tmp_path / "odd.png").mkdir()
    assert write_inspection(two, tmp_path / "odd.png") == [tmp_path / "odd.png" / "inspection.html"]
    with pytest.raises(SettingError, match=r"`all\.png` can hold one part, not 5"):
        write_inspection(two, "all.png")
    with pytest.raises(SettingError, match="a name for html"):
        write_inspection(two, "x.html", "png")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_inspection(two, tmp_path / "file" / "x.html")
    of_file = inspect_network(run.model_path, ["noise"], parts=["filters"])
    assert write_inspection(of_file) == [Path("model-inspection.html")]
    assert write_inspection(of_file, format="png") == [Path("model-inspection") / "filters.png"]


@pytest.mark.parametrize("which", ["overview", "two"])
def test_the_page_is_sound(
    which: str, page_browser: PageBrowser, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found: Inspection = request.getfixturevalue(which)
    (file,) = write_inspection(found, tmp_path / "page.html")
    sights = page_browser.look_at_all(file, (360, 1280))
    assert len(sights) == 4
    for (width, dark), seen in sights.items():
        seen.check(width, dark)
        for title in ("Filters", "Activations", "Where it looks", "Nearest training images"):
            assert title in seen.text
        assert "A map" in seen.text


def test_the_same_inspection_has_the_same_page(two: Inspection, run: lenet.Run) -> None:
    again = inspect_network(run, ["class:3", "noise"])
    assert build_inspection_page(again).to_html() == build_inspection_page(two).to_html()


def test_every_network_has_its_page_and_pictures(
    network: torch.nn.Sequential, images: np.ndarray, tmp_path: Path
) -> None:
    classes = network.config.classes  # type: ignore[union-attr]
    names = tuple(f"class <{index}> of a long name" for index in range(classes))
    labels = np.arange(40) % classes
    pixels = np.random.default_rng(0).integers(256, size=(40, *images.shape[1:]), dtype=np.uint8)
    data = Dataset("noisy", names, Split(pixels, labels), Split(pixels[:30], labels[:30]))
    path = tmp_path / "model.safetensors"
    save_model(path, network, class_names=names, dataset="noisy")
    for inputs in (["class:0", "test:1", "noise"], ["class:0", "noise"]):
        found = inspect_network(path, inputs, data)
        page = build_inspection_page(found).to_html()
        assert page.count("<h2>") == 5
        assert "class &lt;1&gt;" in page
        assert "nan" not in re.sub(r'src="[^"]*"', "", page)
        for draw in DRAWINGS:
            for text in draw(found).texts:
                assert 0 <= text.get_position()[0] <= 1
                assert 0 <= text.get_position()[1] <= 1
