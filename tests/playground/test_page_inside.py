"""The layers on the page, and what is behind a number: held against PyTorch."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from page_driver import Playground, on_playground
from torch import nn

import lenet
from lenet.models import (
    LeNet5Config,
    LeNetConfig,
    MLPConfig,
    ModelConfig,
    SoftmaxConfig,
    build_model,
    save_model,
)
from lenet.playground import PlaygroundModel, build_playground, bundled_examples
from page_in_browser import PageBrowser

EXAMPLE = 3  # of the bundled ones
KERNEL = 3  # of the convolutions of `digits`


@pytest.fixture(scope="module")
def layers() -> list[np.ndarray]:
    """What PyTorch makes of the example, as the page's layers."""
    network, card = lenet.load("digits")
    pixels = torch.from_numpy(bundled_examples("digits").images[EXAMPLE : EXAMPLE + 1])
    values = (pixels / 255 - card.normalisation.mean) / card.normalisation.std
    outputs = [values]
    with torch.no_grad():
        for layer in network.modules():
            if list(layer.children()):
                continue
            values = layer(values)
            if not isinstance(layer, nn.Flatten):
                outputs.append(values)
    return [output[0].numpy() for output in outputs]


def go_to_example(page: Playground) -> None:
    for _ in range(EXAMPLE + 1):
        page.page.click("#next")
    page.settle()


def numbers(texts: list[str]) -> list[float]:
    return [float(text.replace("−", "-")) for text in texts]


def test_the_layers_are_named_and_shaped_as_in_pytorch(
    page_browser: PageBrowser, digits_page: Path, layers: list[np.ndarray]
) -> None:
    def read(page: Playground) -> None:
        go_to_example(page)
        assert page.page.locator(".layer h3").all_inner_texts() == (
            "Input Conv2d BatchNorm2d ReLU AvgPool2d Conv2d BatchNorm2d ReLU AvgPool2d "
            "Conv2d BatchNorm2d ReLU AvgPool2d Linear BatchNorm1d ReLU Linear"
        ).split(" ")
        shapes = page.page.locator(".layer .shape").all_inner_texts()
        assert shapes == [" × ".join(map(str, layer.shape)) for layer in layers]
        lows = numbers(page.page.locator(".legend .low").all_inner_texts())
        highs = numbers(page.page.locator(".legend .high").all_inner_texts())
        np.testing.assert_allclose(lows, [layer.min() for layer in layers], rtol=6e-3, atol=1e-6)
        np.testing.assert_allclose(highs, [layer.max() for layer in layers], rtol=6e-3)

    on_playground(page_browser, digits_page, read)


def test_a_unit_is_the_sum_of_what_is_shown_behind_it(
    page_browser: PageBrowser, digits_page: Path, layers: list[np.ndarray]
) -> None:
    """With the keyboard: the focus begins at the layer's largest number."""

    def look(page: Playground) -> None:
        go_to_example(page)
        page.page.locator("canvas.maps").nth(0).focus()
        for index in range(1, len(layers)):
            page.page.keyboard.press("Tab")
            page.page.keyboard.press("Enter")
            page.settle()
            check_unit(page, layers, index)
            page.page.keyboard.press("Escape")

    on_playground(page_browser, digits_page, look)


def check_unit(page: Playground, layers: list[np.ndarray], index: int) -> None:
    """Hold what is shown of a layer's largest number against what PyTorch makes of the image."""
    here, before = layers[index], layers[index - 1]
    place = np.unravel_index(here.argmax(), here.shape)
    written = page.text(".unit strong")
    assert numbers([written]) == [pytest.approx(here.max(), rel=6e-3)]
    name = page.text(".unit span")
    if index < len(layers) - 1:
        assert [int(number) - 1 for number in re.findall(r" (\d+)", name)] == list(place)
    else:
        assert name == f"Linear, {place[0]}"
    if page.page.locator(".formula").count():
        assert page.text(".formula") == f"ReLU({written}) = {written}"
        return
    sums = numbers(page.page.locator(".sum tbody td:last-child").all_inner_texts())
    assert sum(sums[:-1]) == pytest.approx(sums[-1], rel=2e-2, abs=2e-3)
    assert sums[-1] == numbers([written])[0]
    if here.shape == before.shape:  # batch normalisation, of one number
        return
    page.page.evaluate("() => { document.querySelector('details').open = true; }")
    page.settle()
    cells = page.page.locator(".numbers tbody td").all_inner_texts()
    values, weights, products = np.array(numbers(cells)).reshape(-1, 3).T
    np.testing.assert_allclose(values * weights, products, rtol=2e-2, atol=2e-3)
    np.testing.assert_allclose(values, inputs_of(before, here, place), rtol=6e-3, atol=6e-6)


def inputs_of(before: np.ndarray, here: np.ndarray, place: tuple[np.intp, ...]) -> np.ndarray:
    """The numbers of the layer before that one of a Linear, Conv2d or AvgPool2d is made of."""
    if here.ndim == 1:
        return before.ravel()
    _, row, column = place
    if 2 * here.shape[1] == before.shape[1] and len(here) == len(before):
        return before[place[0], 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].ravel()
    padding = (here.shape[1] + KERNEL - 1 - before.shape[1]) // 2
    padded = np.pad(before, [(0, 0), (padding, padding), (padding, padding)])
    return padded[:, row : row + KERNEL, column : column + KERNEL].ravel()


@pytest.mark.parametrize(
    "config",
    [
        LeNet5Config(),
        MLPConfig(dense_widths=(30, 20), activation="tanh"),
        SoftmaxConfig(input_shape=(3, 12, 16)),
        LeNetConfig(input_shape=(3, 20, 24), channels=(4,), pooling="max", activation="gelu"),
    ],
    ids=lambda config: type(config).__name__,
)
def test_every_network_can_be_looked_into(
    page_browser: PageBrowser, tmp_path: Path, config: ModelConfig
) -> None:
    torch.manual_seed(0)
    file, output = tmp_path / "model.safetensors", tmp_path / "page.html"
    save_model(file, build_model(config), class_names=tuple("abcdefghij"))
    output.write_text(build_playground([PlaygroundModel("model", file.read_bytes())]))

    def look(page: Playground) -> None:
        page.draw(5)
        count = page.page.locator("canvas.maps").count()
        page.page.locator("canvas.maps").nth(0).focus()
        for _ in range(1, count):
            page.page.keyboard.press("Tab")
            page.page.keyboard.press("ArrowRight")
            page.page.keyboard.press("ArrowLeft")
            page.settle()
            (value,) = numbers([page.text(".unit strong")])
            if page.page.locator(".formula").count():
                assert page.text(".formula").endswith(f"= {page.text('.unit strong')}")
                continue
            sums = numbers(page.page.locator(".sum tbody td:last-child").all_inner_texts())
            assert sums[-1] == value
            assert sum(sums[:-1]) == pytest.approx(value, rel=0.02, abs=0.003)

    on_playground(page_browser, output, look)


def test_a_number_that_nothing_comes_into_can_be_looked_into(
    page_browser: PageBrowser, tmp_path: Path
) -> None:
    """One that a padding puts there, or a bias where a window sees nothing but padding."""
    network = nn.Sequential(
        nn.ConstantPad2d((2, 2, 2, 2), 0.5),
        nn.Conv2d(1, 2, 3, padding=3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2, 2),
    )
    file, output = tmp_path / "model.safetensors", tmp_path / "page.html"
    save_model(file, network, class_names=("a", "b"), input_shape=(1, 8, 8))
    output.write_text(build_playground([PlaygroundModel("model", file.read_bytes())]))

    def look(page: Playground) -> None:
        page.draw(5)
        for layer in (1, 2):
            page.page.locator("canvas.maps").nth(layer).focus()
            page.page.keyboard.press("Tab")
            page.page.keyboard.press("Shift+Tab")
            for _ in range(20):
                for key in ("ArrowUp", "ArrowLeft", "PageUp"):
                    page.page.keyboard.press(key)
            page.settle()
            assert page.text(".unit span").endswith("map 1, row 1, column 1")
            value = page.text(".unit strong")
            if layer == 1:
                assert value == "0.5"
                assert page.text(".formula") == "rows and columns put round it"
            else:
                rows = page.page.locator(".sum tbody tr").all_inner_texts()
                assert [row.split() for row in rows] == [["Bias", value], ["Value", value]]

    on_playground(page_browser, output, look)


def test_the_pointer_shows_what_is_under_it(
    page_browser: PageBrowser, digits_page: Path, layers: list[np.ndarray]
) -> None:
    def point(page: Playground) -> None:
        go_to_example(page)
        canvas = page.page.locator("canvas.maps").nth(0)
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        side = box["width"] / 28
        page.page.mouse.move(box["x"] + 14.5 * side, box["y"] + 9.5 * side)
        page.settle()
        assert page.text(".unit span") == "Input, row 10, column 15"
        pixel = bundled_examples("digits").images[EXAMPLE, 0, 9, 14]
        normalisation = lenet.load("digits")[1].normalisation
        mean, std = f"{normalisation.mean:.3g}", f"{normalisation.std:.3g}"
        assert page.text(".formula").startswith(f"({pixel} / 255 − {mean}) / {std} = ")
        page.page.mouse.click(box["x"] + 14.5 * side, box["y"] + 9.5 * side)
        page.page.mouse.move(box["x"] + 2.5 * side, box["y"] + 9.5 * side)
        page.settle()
        assert page.text(".unit span") == "Input, row 10, column 15", "it is pinned"
        page.page.keyboard.press("Escape")
        page.settle()
        assert page.text("#reasons-body").startswith("Choose a value")

    on_playground(page_browser, digits_page, point)


def test_the_pixels_behind_a_unit_are_framed(page_browser: PageBrowser, digits_page: Path) -> None:
    """A number of the second convolution sees 8×8 pixels of the image."""
    framed = """() => {
      const canvas = document.querySelector('.seen canvas');
      const scale = canvas.width / 28;
      const {data, width} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const places = [];
      for (let place = 0; place < data.length / 4; place++) {
        const [red, green, blue] = data.subarray(4 * place, 4 * place + 3);
        if (red === 255 && green === 210 && blue === 31) places.push(place);
      }
      const rows = places.map(place => Math.floor(place / width) / scale);
      const columns = places.map(place => (place % width) / scale);
      return [rows, columns].flatMap(list => [Math.min(...list), Math.max(...list)]);
    }"""

    def look(page: Playground) -> None:
        go_to_example(page)
        page.page.locator("canvas.maps").nth(4).focus()
        page.page.keyboard.press("Tab")
        for _ in range(12):  # to the map's first number
            page.page.keyboard.press("ArrowUp")
            page.page.keyboard.press("ArrowLeft")
        for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
            page.page.keyboard.press(key)
        page.settle()
        assert page.text(".unit span").endswith("row 3, column 2")
        assert "8 × 8 pixels" in page.text("#reasons-body")
        # 2 · row - 1 and 2 · column - 1 are the first ones; the padding is no part of the image.
        top, bottom, left, right = page.page.evaluate(framed)
        np.testing.assert_allclose([top, bottom, left, right], [3, 11, 1, 9], atol=0.3)

    on_playground(page_browser, digits_page, look)
