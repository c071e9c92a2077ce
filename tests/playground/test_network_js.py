"""The page's networks answer as PyTorch does, number by number."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from layered_networks import of_every_kind
from page_functions import call_page
from torch import nn

from lenet.datasets import Dataset
from lenet.export import pytorch_probabilities
from lenet.models import (
    BUNDLED,
    Calibration,
    ModelCard,
    Normalisation,
    build_model,
    identify_model,
    load_model,
    model_config,
    save_model,
)
from lenet.playground import bundled_examples

FIND_REASONS = """
  const network = new Network(core, readModel(fileOf("model")));
  const result = network.run(inputs.image);
  const stepIndex = result.steps.length - 1;
  return findReasons(network, result, { stepIndex, unit: { index: 3 } }).frames.map(
    ({ channel }) => channel,
  );
"""
CONFIGS: dict[str, tuple[str, dict[str, object]]] = {
    "softmax": ("softmax", {}),
    "mlp": ("mlp", {"dense_widths": (30, 20), "activation": "gelu"}),
    "the tutorial's": ("lenet", {}),
    "colour, three blocks": (
        "lenet",
        {
            "input_shape": (3, 33, 27),
            "channels": (4, 5, 6),
            "kernel_size": 3,
            "padding": 1,
            "activation": "gelu",
            "batch_norm": True,
            "classes": 3,
        },
    ),
    "max": ("lenet", {"pooling": "max", "activation": "relu", "padding": 0, "dense_widths": ()}),
    "max with batch norm": ("lenet", {"pooling": "max", "activation": "tanh", "batch_norm": True}),
    "of every kind": ("of every kind", {}),
    "lenet5": ("lenet5", {}),
    "lenet5 of 32×32": ("lenet5", {"input_shape": (1, 32, 32), "classes": 7}),
}


@dataclass(frozen=True)
class Model:
    """A network with its file, images for it, and what the page makes of them.

    Attributes:
        probabilities: Of every image.
        steps: Of the first one, with some numbers of each explained.
    """

    file: bytes
    network: nn.Module
    card: ModelCard
    images: np.ndarray
    probabilities: np.ndarray
    steps: list[dict]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    """A network of each kind; the page runs all of them at once."""
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    saved = {kind: save(kind, path) for kind in CONFIGS}
    inputs = {}
    for kind, (file, _, card) in saved.items():
        inputs |= {f"{kind}, file": file, f"{kind}, images": random_images(card, 20).tobytes()}
    found = call_page(RUN_EVERY_KIND, inputs)
    return {
        kind: Model(
            file,
            network,
            card,
            random_images(card, 20),
            np.array(one["probabilities"]),
            one["steps"],
        )
        for (kind, (file, network, card)), one in zip(saved.items(), found, strict=True)
    }


@pytest.fixture(params=CONFIGS)
def model(request: pytest.FixtureRequest, models: dict[str, Model]) -> Model:
    """Each of them."""
    return models[request.param]


def save(kind: str, path: Path) -> tuple[bytes, nn.Module, ModelCard]:
    """A network with weights and statistics as training may leave them."""
    name, settings = CONFIGS[kind]
    own = name == "of every kind"
    torch.manual_seed(3)
    network = of_every_kind() if own else build_model(model_config(name, settings), seed=3)
    random = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for key, tensor in network.state_dict().items():
            if "running" in key or (".weight" in key and tensor.ndim == 1):
                tensor.copy_(torch.rand(tensor.shape, generator=random) + 0.5)
            elif name == "lenet5" and "weight" in key:
                tensor.mul_(2)
    save_model(
        path,
        network,
        class_names=tuple(f"class {index}" for index in range(identify_model(network)[1].classes)),
        normalisation=Normalisation(0.3, 0.4),
        calibration=Calibration(temperature=1.7),
    )
    return path.read_bytes(), *load_model(path)


def random_images(card: ModelCard, count: int) -> np.ndarray:
    random = np.random.default_rng(5)
    return random.integers(0, 256, (count, *card.input_shape), dtype=np.uint8)


RUN_ALL = """
const open = (kind) => {
  const model = new Network(core, readModel(fileOf(`${kind}file`)));
  const [size, pixels] = [sizeOf(model.card.input_shape), inputs[`${kind}images`]];
  const count = pixels.length / size;
  const images = Array.from({ length: count }, (_, i) => pixels.subarray(i * size, (i + 1) * size));
  return [model, images];
};
const probabilities = (model, images) =>
  images.map((image) => [...model.run(image).probabilities]);
"""


def largest_difference(
    found: np.ndarray, network: nn.Module, card: ModelCard, images: np.ndarray
) -> float:
    assert found.shape == (len(images), len(card.class_names))
    assert found.sum(axis=1) == pytest.approx(1)
    return float(np.abs(found - pytorch_probabilities(network, card, images)).max())


@pytest.mark.parametrize("browser", [False, True])
def test_trained_networks_give_pytorch_s_probabilities(browser: bool, digits: Dataset) -> None:
    """As many in Node.js; of a browser, which runs the same script, a few are asked."""
    count = 60 if browser else 500
    garments = bundled_examples("fashion").images
    shifted = [np.roll(garments, by, axis=3) for by in range(count // len(garments))]
    images = {"digits": digits.train.images[:count], "fashion": np.concatenate(shifted)}
    inputs = {}
    for name, pixels in images.items():
        assert len(pixels) == count
        inputs |= {f"{name}, file": BUNDLED[name].read_bytes(), f"{name}, images": pixels.tobytes()}
    body = RUN_ALL + "return ['digits, ', 'fashion, '].map((kind) => probabilities(...open(kind)));"
    found = call_page(body, inputs, browser=browser)
    for (name, pixels), one in zip(images.items(), found, strict=True):
        assert largest_difference(np.array(one), *load_model(BUNDLED[name]), pixels) < 1e-5


def test_a_network_of_every_kind_gives_pytorch_s_probabilities(model: Model) -> None:
    found, network, card = model.probabilities, model.network, model.card
    assert largest_difference(found, network, card, model.images) < 1e-5


SILENT = nn.Flatten, nn.Dropout, nn.Dropout2d, nn.Identity  # which only move numbers, or do nothing


def layers_of(network: nn.Module, place: str = "") -> list[tuple[str, nn.Module]]:
    """The layers one after the other, those within a sequence by themselves."""
    found = []
    for name, layer in network.named_children():
        inside = layers_of(layer, f"{place}{name}.") if type(layer) is nn.Sequential else []
        found += inside or [(f"{place}{name}", layer)]
    return found


def outputs_of_layers(model: Model, image: np.ndarray) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The network's input, and what each layer that the page shows puts out, with gradients."""
    norm = model.card.normalisation
    pixels = torch.from_numpy(image[None] / 255.0).float()
    pixels = ((pixels - norm.mean) / norm.std).requires_grad_()
    outputs: list[torch.Tensor] = []
    value = pixels
    for _, module in layers_of(model.network):
        value = module(value)
        if not isinstance(module, SILENT):
            outputs.append(value)
    return pixels, outputs


EXPLAIN = """
const unitAt = ([, height, width], index) =>
  width === undefined
    ? { index }
    : {
        channel: Math.floor(index / (height * width)),
        row: Math.floor(index / width) % height,
        column: index % width,
      };
const explain = (model, result) => result.steps.map(({ name, kind, shape, values }, step) => ({
  name,
  kind,
  shape,
  values: [...values],
  units: [0, 0.37, 0.5, 0.73, 1].map((share) => {
    const index = Math.floor(share * (values.length - 1));
    const unit = unitAt(shape, index);
    const explained = explainUnit(model, result, step, unit);
    return { index, ...explained, field: receptiveField(model, step, unit) };
  }),
}));
"""
RUN_EVERY_KIND = (
    RUN_ALL
    + EXPLAIN
    + f"return {json.dumps([f'{kind}, ' for kind in CONFIGS])}"
    + """
.map((kind) => {
  const [model, images] = open(kind);
  const result = model.run(images[0]);
  return { probabilities: probabilities(model, images), steps: explain(model, result) };
});
"""
)


def test_every_step_is_pytorch_s_and_every_number_can_be_explained(model: Model) -> None:
    first, *steps = model.steps
    pixels, outputs = outputs_of_layers(model, model.images[0])
    assert first["values"] == pytest.approx(pixels.detach().flatten().tolist(), abs=1e-6)
    assert len(steps) == len(outputs)
    before = first
    for step, output in zip(steps, outputs, strict=True):
        expected = output.detach()[0]
        assert step["shape"] == list(expected.shape)
        scale = max(1.0, float(expected.abs().max()))
        assert step["values"] == pytest.approx(expected.flatten().tolist(), abs=1e-5 * scale)
        for unit in step["units"]:
            check_explanation(step, unit, before)
            check_field(unit["field"], pixels, output[0].flatten()[unit["index"]])
        before = step


def check_explanation(step: dict, unit: dict, before: dict) -> None:
    """The number is what its inputs and weights make of it, and they are of the step before."""
    value = unit["value"]
    assert value == step["values"][unit["index"]]
    terms = [(one["value"], one["weight"]) for one in unit["inputs"]]
    if step["kind"] == "distances":
        made = -sum((value - weight) ** 2 for value, weight in terms)
    else:
        made = unit["bias"] + sum(value * weight for value, weight in terms)
    if step["kind"] == "activation":
        assert len(terms) == 1
    else:
        assert made == pytest.approx(value, abs=1e-4, rel=1e-4)
    for one in unit["inputs"]:
        place = one.get("index")
        if place is None:
            _, height, width = before["shape"]
            place = (one["channel"] * height + one["row"]) * width + one["column"]
        assert one["value"] == before["values"][place]


def check_field(field: dict[str, int], pixels: torch.Tensor, number: torch.Tensor) -> None:
    """Gradients reach the pixels of the receptive field and no others."""
    (gradient,) = torch.autograd.grad(number, pixels, retain_graph=True)
    reached = gradient[0].abs().sum(dim=0) > 0
    rows, columns = (reached.any(dim=dim).nonzero().flatten() for dim in (1, 0))
    if len(rows) == 0:  # a unit that is off, or behind one
        return
    assert field["top"] <= rows[0]
    assert rows[-1] < field["bottom"]
    assert field["left"] <= columns[0]
    assert columns[-1] < field["right"]


def test_a_receptive_field_is_no_larger_than_it_has_to_be() -> None:
    """A tanh lets gradients through everywhere, so that the bounds are met."""
    config = model_config("lenet", {"activation": "tanh"})
    network = build_model(config, seed=0)
    pixels = torch.rand(1, 1, 28, 28, requires_grad=True)
    features = network[:6](pixels)  # type: ignore[index]
    body = """
      const model = readModel(fileOf("model"));
      return receptiveField(model, 6, { channel: 3, row: 2, column: 4 });
    """
    (gradient,) = torch.autograd.grad(features[0, 3, 2, 4], pixels)
    rows, columns = (gradient[0, 0].any(dim=dim).nonzero().flatten() for dim in (1, 0))
    model_file = Path("model.safetensors")
    save_model(model_file, network, class_names=tuple("0123456789"))
    found = call_page(body, {"model": model_file.read_bytes()})
    assert found == {
        "top": int(rows[0]),
        "bottom": int(rows[-1]) + 1,
        "left": int(columns[0]),
        "right": int(columns[-1]) + 1,
    }


def test_the_steps_have_the_names_of_the_layers(model: Model) -> None:
    layers = layers_of(model.network)
    assert [step["name"] for step in model.steps] == [
        "input",
        *(name for name, layer in layers if not isinstance(layer, SILENT)),
    ]


def test_what_is_framed_below_a_distance_is_what_makes_it_large(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_model(model_config("lenet5", {})).eval()
    file = tmp_path / "model.safetensors"
    save_model(file, network, class_names=tuple("0123456789"))
    image = bundled_examples("digits").images[:1]
    framed = call_page(FIND_REASONS, {"model": file.read_bytes(), "image": image.tobytes()})
    card = load_model(file)[1]
    pixels = (torch.from_numpy(image) / 255 - card.normalisation.mean) / card.normalisation.std
    layers = list(network)
    with torch.no_grad():
        for layer in layers[:-1]:
            pixels = layer(pixels)
    ((weights),) = layers[-1].state_dict().values()
    distances = ((pixels[0] - weights[3]) ** 2).numpy()
    assert framed == np.argsort(-distances, kind="stable")[: len(framed)].tolist()
    assert len(framed) == 8


def test_layers_of_more_numbers_than_a_function_takes_can_be_reached() -> None:
    found = call_page("""
      const maps = new FeatureMaps(null, () => {}, () => {});
      const values = new Float32Array(2 * 700 * 600);
      values[600 * 700 + 5 * 600 + 7] = 1;
      maps.steps = [{ shape: [2, 700, 600], values }];
      const places = [];
      for (let place = 0; place < 700 * 600; place++) {
        const [row, column] = [Math.floor(place / 600), place % 600];
        places.push({ channel: 0, row, column, value: 1, weight: 1 });
      }
      const frames = framesOf(places, contributionOf({ kind: "dense" }));
      return [maps.unitInFocus(0), frames];
    """)
    assert found == [
        {"channel": 1, "row": 5, "column": 7},
        [{"channel": 0, "top": 0, "left": 0, "bottom": 700, "right": 600}],
    ]


def test_a_model_file_without_a_name_gets_one() -> None:
    names = call_page("""
      const shelf = new Shelf({ models: [], examples: {} });
      return [".safetensors", "a.SafeTensors", "a"].map((name) => shelf.freeName(name));
    """)
    assert names == [".safetensors", "a", "a"]
