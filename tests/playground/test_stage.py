"""The stage's numbers: sums come to the network's own values, lines to what PyTorch derives."""

from typing import Any

import numpy as np
import pytest
import torch
from lab_driver import call_lab
from torch import nn
from torch.nn import functional

from lenet.models import BUNDLED, Normalisation, build_model, load_model, model_config, save_model
from lenet.playground import bundled_examples

Looked = tuple[nn.Module, torch.Tensor, dict[str, Any]]
NETWORKS = ["digits", "fashion", "the book's", "max pooling", "mlp", "softmax"]
MADE: dict[str, tuple[str, dict[str, object]]] = {
    "the book's": ("lenet", {}),
    "max pooling": ("lenet", {"pooling": "max", "activation": "tanh", "padding": 0}),
    "mlp": ("mlp", {"dense_widths": (256,), "activation": "gelu"}),
    "softmax": ("softmax", {}),
}
IMPORTS = """
import { openCore } from "../src/lenet/playground/native_core.js";
import { readModel } from "../src/lenet/playground/model.js";
import { Network } from "../src/lenet/playground/network.js";
import { columnsOf } from "./stage/columns.ts";
import { layOut } from "./stage/layout.ts";
import { sharesTo, strongest } from "./stage/flow.ts";
import { explain } from "./explanations/equation.ts";
"""
LOOK = """
export async function main(inputs) {
  const core = await openCore(inputs.program);
  const network = new Network(core, readModel(inputs.model.slice().buffer));
  const result = network.run(inputs.image);
  const { steps } = result;
  const columns = columnsOf(steps);
  const choice = { stepIndex: columns.at(-1).front, unit: { index: 3 } };
  const equations = columns.slice(1).flatMap((column) => {
    const [tiles, rows, wide] = steps[column.front].shape;
    const units = rows === undefined
      ? [{ index: 0 }, { index: tiles - 1 }]
      : [
          { channel: 0, row: 0, column: 0 },
          { channel: tiles - 1, row: rows - 1, column: wide >> 1 },
        ];
    return units.map((unit) => {
      const equation = explain(network, result, column, unit);
      const { terms, windows, sum, bias, total, norm, value } = equation;
      return {
        main: column.main, out: column.out, unit, bias, total, value, sum,
        norm: norm ? norm.factor * total + norm.offset : total,
        before: norm ? norm.value : total,
        products: terms.map((term) => term.value * term.weight),
        sums: windows.map((window) => window.sum),
        shown: windows.map(({ terms, weights }) =>
          terms.reduce((all, term, i) => all + (term ? term.value * weights[i] : 0), 0)),
      };
    });
  });
  const shares = sharesTo(steps, columns, choice);
  const found = {
    columns: columns.map(({ main }) => steps[main].name),
    values: steps.map(({ values, shape }) => ({ shape, values: [...values] })),
    equations,
    shares: shares.map((one) => one && [...one.values]),
    lines: shares.map((one) => one && strongest(one, 12, 8)),
    layout: layOut(steps, columns, 12, columns.map(() => 60)).columns.map(({ tiles }) => tiles),
  };
  return new TextEncoder().encode(JSON.stringify(found));
}
"""


@pytest.fixture(scope="module", params=NETWORKS)
def looked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Looked:
    """A network, what it takes, and what the stage makes of it."""
    name: str = request.param
    file = BUNDLED.get(name) or tmp_path_factory.mktemp("model") / "model.safetensors"
    if name in MADE:
        kind, settings = MADE[name]
        network = build_model(model_config(kind, settings), seed=3)
        names = tuple("0123456789")
        save_model(file, network, class_names=names, normalisation=Normalisation(0.3, 0.3))
    network, card = load_model(file)
    image = bundled_examples("fashion" if name == "fashion" else "digits").images[4]
    norm = card.normalisation
    pixels = torch.from_numpy((image[None] / 255.0 - norm.mean) / norm.std).float()
    found = call_lab(IMPORTS + LOOK, {"model": file.read_bytes(), "image": image.tobytes()})
    return network.eval(), pixels, found


def test_each_sum_comes_to_the_network_s_own_value(
    looked: Looked,
) -> None:
    _, _, found = looked
    for one in found["equations"]:
        step, unit = found["values"][one["out"]], one["unit"]
        values = np.array(step["values"]).reshape(step["shape"])
        place = (unit["index"],) if "index" in unit else tuple(unit.values())
        assert sum(one["products"]) + one["bias"] == pytest.approx(one["total"], abs=1e-4)
        assert one["sum"] == pytest.approx(sum(one["products"]), abs=1e-9)
        assert one["norm"] == pytest.approx(one["before"], abs=1e-4)
        assert one["value"] == pytest.approx(values[place], abs=1e-6)
        assert one["shown"] == pytest.approx(one["sums"], abs=1e-5)
        if one["sums"]:
            assert sum(one["sums"]) == pytest.approx(one["sum"], abs=1e-6)


def test_lines_are_as_wide_as_what_pytorch_derives(
    looked: Looked,
) -> None:
    network, pixels, found = looked
    layers = dict(network.named_children())
    taken: dict[str, torch.Tensor] = {}
    value = pixels.clone().requires_grad_()
    for name, layer in layers.items():
        value = layer(value)
        value.retain_grad()
        taken[name] = value
    torch.autograd.backward(value[0, 3])
    before = pixels
    for column, shares in zip(found["columns"][1:], found["shares"][1:], strict=True):
        layer, output = layers[column], taken[column]
        wanted = shares_of(layer, before, output).numpy()
        largest = float(np.abs(wanted).max())
        assert np.array(shares) == pytest.approx(wanted.ravel(), abs=1e-4 * largest + 1e-7)
        before = last_of_column(found["columns"], column, taken)


@torch.no_grad()
def shares_of(layer: nn.Module, before: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """What each map or unit before adds to each one of a layer: input × weight × gradient."""
    count, gradient = before.shape[1], output.grad
    assert gradient is not None
    if isinstance(layer, nn.Conv2d):
        parts = [
            functional.conv2d(before[:, [tile]], layer.weight[:, [tile]], None, 1, layer.padding)
            for tile in range(count)
        ]
        return torch.stack([(part * gradient).sum((0, 2, 3)) for part in parts])
    if isinstance(layer, nn.Linear):
        weights = layer.weight.reshape(len(layer.weight), count, -1)
        return (before.reshape(count, -1) * weights).sum(2).T * gradient
    return torch.diag((output * gradient).sum((0, 2, 3)))


def last_of_column(columns: list[str], column: str, taken: dict[str, torch.Tensor]) -> torch.Tensor:
    """What the next column takes: after batch norm and activation, before what only moves it."""
    names = list(taken)
    after = columns[columns.index(column) + 1 :]
    end = names.index(after[0]) if after else len(names)
    outputs = [taken[name] for name in names[names.index(column) : end]]
    maps = [one for one in outputs if one.dim() == outputs[0].dim()]
    return maps[-1].detach()


def test_the_strongest_lines_come_last_and_none_is_too_thin(
    looked: Looked,
) -> None:
    _, _, found = looked
    for shares, lines in zip(found["shares"][1:], found["lines"][1:], strict=True):
        widths = [line["width"] for line in lines]
        assert len(lines) <= 12
        assert widths == sorted(widths)
        assert all(0.8 <= width <= 8 for width in widths)
        ordered = sorted(map(abs, shares), reverse=True)
        drawn = sorted((abs(line["share"]) for line in lines), reverse=True)
        assert drawn == pytest.approx(ordered[: len(drawn)])


def test_tiles_stand_beside_each_other_within_the_stage(
    looked: Looked,
) -> None:
    _, _, found = looked
    for tiles in found["layout"]:
        for index, one in enumerate(tiles):
            assert 0 <= one["x"] < one["x"] + one["width"] <= 1232
            assert 30 <= one["y"] < one["y"] + one["height"] <= 384
            assert not any(overlap(one, other) for other in tiles[index + 1 :])


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two boxes cover each other by more than rounding."""
    return all(
        min(one[side] + one[size], other[side] + other[size]) - max(one[side], other[side]) > 1e-6
        for side, size in (("x", "width"), ("y", "height"))
    )
