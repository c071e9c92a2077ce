"""The native core in WebAssembly begins, steps and answers as it does in Python."""

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from fifty_steps import (
    BEGIN,
    BY_TWO_WORKERS,
    FIFTY_STEPS,
    FORMS,
    as_said,
    check_fifty_steps,
    inputs_of_fifty_steps,
)
from page_functions import call_page, modules_in_order

from lenet.datasets import ArrayBatches, Augmentation, Split
from lenet.kernels import FusedStep, StepSettings, use_engine, web_core
from lenet.models import ArrayNetwork, ModelConfig, model_config, trained_blocks

MODERN: dict[str, Any] = {"activation": "relu", "batch_norm": True, "initialisation": "kaiming"}
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "softmax": ("softmax", {}),
    "mlp": ("mlp", {"dense_widths": (30, 20), "activation": "tanh", "initialisation": "normal"}),
    "the tutorial's": ("lenet", {}),
    "with batch norm": ("lenet", MODERN),
    "max": ("lenet", {"pooling": "max", "activation": "relu", "initialisation": "pytorch"}),
    "colour, three blocks": (
        "lenet",
        {
            "input_shape": (3, 33, 27),
            "channels": (4, 5, 6),
            "kernel_size": 3,
            "padding": 1,
            "batch_norm": True,
            "classes": 3,
            "activation": "tanh",
        },
    ),
}
IN_NODE = """
const { setFlagsFromString } = await import("node:v8");
setFlagsFromString("--experimental-wasm-relaxed-simd"); // which Node.js 20 wants to be asked for
"""


def config_of(kind: str) -> ModelConfig:
    name, settings = CONFIGS[kind]
    return model_config(name, settings)


def in_node(body: str, inputs: dict[str, bytes]) -> Any:
    """What a script returns that has both forms of the core, in `cores`."""
    cores = {form: web_core(form) for form in FORMS}
    return call_page(IN_NODE + BEGIN + body, inputs | cores, browser=False)


def random_images(shape: tuple[int, ...], count: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, *shape), dtype=np.uint8)


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    """What each network begins with, and answers with other statistics, in both forms."""
    inputs: dict[str, bytes] = {}
    for kind in CONFIGS:
        config = config_of(kind)
        inputs |= {kind: as_said(config), f"{kind}, images": pictures(config).tobytes()}
        for name, array in trained(config).arrays.items():
            inputs[f"{kind}, {name}"] = array.tobytes()
    body = """
    const answers = {};
    for (const kind of readJson("kinds")) {
      answers[kind] = {};
      for (const [form, core] of Object.entries(cores)) {
        const network = networkOf(core, readJson(kind), 7);
        const begun = listsOf(network.weights());
        const names = [...network.arrays.keys()];
        network.load(new Map(names.map((name) => [name, floatsOf(`${kind}, ${name}`)])));
        const values = byteValuesOf({ mean: 0.3, std: 0.4 });
        const images = inputs[`${kind}, images`];
        const logits = Array.from(network.predict(images, values));
        const numbers = Float32Array.from(images, (byte) => values[byte]);
        const isSame = network.predict(numbers).every((logit, i) => logit === logits[i]);
        const labels = Uint8Array.from({ length: 20 }, (_, i) => i % network.outputs);
        const score = network.evaluate(images, labels, values);
        network.close();
        answers[kind][form] = { begun, logits, isSame, score };
      }
    }
    return answers;
    """
    found: dict[str, dict[str, Any]] = in_node(
        body, inputs | {"kinds": json.dumps(list(CONFIGS)).encode()}
    )
    return found


def pictures(config: ModelConfig) -> np.ndarray:
    return random_images(config.input_shape, 20)


def trained(config: ModelConfig) -> ArrayNetwork:
    """A network with statistics as training may leave them."""
    network = ArrayNetwork.build(config, seed=3)
    random = np.random.default_rng(4)
    for name, array in network.arrays.items():
        if "running" in name or (name.endswith("weight") and array.ndim == 1):
            array[...] = random.uniform(0.5, 1.5, array.shape)
    return network


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", CONFIGS)
def test_it_begins_and_answers_as_in_python(
    answers: dict[str, dict[str, Any]], kind: str, form: str
) -> None:
    found, config = answers[kind][form], config_of(kind)
    wanted = ArrayNetwork.build(config, seed=7).arrays
    for name, array in wanted.items():
        if not name.endswith("num_batches_tracked"):
            assert np.array_equal(np.float32(found["begun"][name]), array.ravel()), name
    values = ArrayBatches(
        Split(pictures(config), np.zeros(20, np.int64)), 20, mean=0.3, std=0.4
    ).normalise(pictures(config))
    with torch.no_grad(), use_engine("native"):
        logits = trained(config).module().eval()(torch.from_numpy(values))
    np.testing.assert_allclose(
        np.float32(found["logits"]).reshape(logits.shape), logits, rtol=2e-5, atol=2e-5
    )
    assert found["isSame"]
    labels = torch.arange(20) % logits.shape[1]
    loss = torch.nn.functional.cross_entropy(logits, labels).item()
    assert found["score"]["loss"] == pytest.approx(loss, rel=1e-5)
    assert found["score"]["correct"] == int((logits.argmax(1) == labels).sum())


def test_fifty_steps_lose_what_pytorch_s_do() -> None:
    """From seed 0, with the weights, the order and the losses of `lenet train`."""
    found = in_node(FIFTY_STEPS, inputs_of_fifty_steps())
    assert len(found) == len(FORMS)
    check_fifty_steps(found)


def test_two_workers_lose_what_one_does_and_stay_alike() -> None:
    modules = "\n".join(modules_in_order().values())
    body = f"const modules = {json.dumps(modules)};\n{BY_TWO_WORKERS}"
    found = in_node(body, inputs_of_fifty_steps())
    check_fifty_steps(found)
    assert all(one["alike"] for one in found)


RECIPES: dict[str, dict[str, Any]] = {
    "momentum": {"optimiser": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
    "adamw": {"optimiser": "adamw", "weight_decay": 0.1, "label_smoothing": 0.1},
    "clipped": {"optimiser": "adam", "gradient_clipping": 0.5},
}
RATE = 0.01


@pytest.mark.parametrize("recipe", RECIPES)
def test_steps_are_those_of_python(recipe: str) -> None:
    """With batch normalisation and augmentation: the same losses, weights and statistics."""
    config, settings, augmentation = (
        config_of("with batch norm"),
        RECIPES[recipe],
        Augmentation(flip=True, shift=2),
    )
    images = random_images((1, 28, 28), 90)
    labels = np.arange(90) % 10
    names = {
        "weight_decay": "weightDecay",
        "label_smoothing": "labelSmoothing",
        "gradient_clipping": "gradientClipping",
    }
    said = {names.get(name, name): value for name, value in settings.items()} | {"batchSize": 40}
    body = """
    const [{ images, labels }, byteValues] = [inputs, byteValuesOf({ mean: 0.3, std: 0.4 })];
    return Object.values(cores).map((core) => {
      const network = networkOf(core, readJson("network"), 2);
      const examples = { images, labels, byteValues, shape: [1, 28, 28] };
      const training = network.train(examples, readJson("settings"));
      const losses = [];
      for (const epoch of [0, 1]) {
        const order = core.order(2, epoch, 90);
        for (const step of [0, 1, 2]) {
          const chosen = order.subarray(40 * step, 40 * step + 40);
          const augmentation = { flip: true, shift: 2 };
          const changes = core.changes(2, epoch, step, chosen.length, augmentation);
          losses.push(training.step(chosen, 0.01, changes).loss);
        }
      }
      return { losses, weights: listsOf(network.weights()) };
    });
    """
    inputs = {
        "network": as_said(config),
        "images": images.tobytes(),
        "labels": labels.astype(np.uint8).tobytes(),
        "settings": json.dumps(said).encode(),
    }
    found = in_node(body, inputs)
    network = ArrayNetwork.build(config, seed=2)
    batches = ArrayBatches(
        Split(images, labels),
        40,
        shuffle=True,
        seed=2,
        mean=0.3,
        std=0.4,
        augmentation=augmentation,
    )
    step = FusedStep(
        trained_blocks(network),
        images,
        labels,
        batch_size=40,
        settings=StepSettings(**settings),
        byte_values=batches.byte_values,
    )
    losses = [
        step(
            selection.indices,
            RATE,
            mirrored=selection.changes.mirrored,
            shifts=selection.changes.shifts,
        )[0]
        for epoch in range(2)
        for selection in batches.selections(epoch)
    ]
    for one in found:
        np.testing.assert_allclose(one["losses"], losses, rtol=1e-3)
        for name, array in network.arrays.items():
            if name.endswith("num_batches_tracked"):
                counted = np.float32(one["weights"][name]).view(np.int64)
                assert counted == array == 6
            elif "running" in name:
                np.testing.assert_allclose(
                    np.reshape(one["weights"][name], array.shape), array, rtol=0.02, atol=0.02
                )
    first = np.subtract([one["losses"][0] for one in found], losses[0])
    assert np.abs(first).max() < 1e-5


NOT_SERVED: dict[str, str] = {
    "await openCore(inputs.simd.slice(0, 9000));": "is damaged, or not made for this browser.",
    "await openCore(new Uint8Array(0));": "is damaged, or not made for this browser.",
    "await openCore(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));": "is none of lenet's core.",
    "WebAssembly.validate = () => false; chooseCore();": "no WebAssembly with SIMD, which",
    "core.take(4e9);": "need more memory than this browser gives.",
    "networkOf(core, tutorial).train(examples, { batchSize: 2 ** 28 });": "need more memory than",
    "core.call('changes', 0n, 0, 0, 2n ** 31n, 0n, 8, 0);": "need more memory than",  # a trap
    "try { core.call('changes', 0n, 0, 0, 2n ** 31n, 0n, 8, 0); } catch {} core.take(4);": (
        "need more memory than"  # as what has trapped is of no use any more
    ),
    "networkOf(core, { layers: [{ kind: 'distances' }], shape });": "not train layer `0` as it is",
    "networkOf(core, { layers: [{ kind: 'flatten' }], shape });": "not end in a dense layer.",
    "networkOf(core, { layers: wide, shape: [1, 5, 5] });": "Layer `0` does not fit its input.",
    "networkOf(core, tutorial).predict(new Uint8Array(785));": "takes 784 pixels each, not 785",
    "networkOf(core, tutorial).load(new Map());": "`0.weight` has no numbers, not 150.",
    "networkOf(core, { ...tutorial, initialisation: 'no' });": "no initialisation called `no`.",
    "networkOf(core, tutorial).train(examples, { optimiser: 'no' });": "no optimiser called `no`.",
    "networkOf(core, tutorial).train(examples).step(BigInt64Array.of(2n), 1);": "of 2 examples.",
    "networkOf(core, tutorial).train({ ...examples, labels: new Uint8Array(3) });": "do not go",
    "networkOf(core, tutorial).train({ ...examples, labels: Uint8Array.of(0, 10) });": (
        "labels outside of the network's 10 classes."
    ),
}


@pytest.fixture(scope="module")
def complaints() -> dict[str, str]:
    """What is said of each."""
    asked = ",".join(f"{json.dumps(body)}: async (core) => {{{body}}}" for body in NOT_SERVED)
    body = f"""
    const shape = [1, 28, 28];
    const wide = [{{ kind: "convolution", filters: 2, kernel_size: 9 }},
      {{ kind: "pooling", kernel_size: 2 }}, {{ kind: "dense", units: 2 }}];
    const examples = {{ images: new Uint8Array(2 * 784), labels: new Uint8Array(2),
      byteValues: byteValuesOf({{ mean: 0, std: 1 }}), shape }};
    const tutorial = readJson("network");
    const validate = WebAssembly.validate;
    const said = {{}};
    for (const [body, act] of Object.entries({{{asked}}})) {{
      await openCore(inputs.simd).then(act).catch((error) => {{ said[body] = error.message; }});
      WebAssembly.validate = validate;
    }}
    return said;
    """
    found: dict[str, str] = in_node(body, {"network": as_said(config_of("the tutorial's"))})
    return found


@pytest.mark.parametrize("body", NOT_SERVED)
def test_what_does_not_go_is_said_in_a_line(body: str, complaints: dict[str, str]) -> None:
    assert NOT_SERVED[body] in complaints[body]
    assert "\n" not in complaints[body]


def test_memory_is_given_back() -> None:
    """Twenty trainings, one after the other, take what two take."""
    body = """
    const core = cores.simd;
    const examples = { images: new Uint8Array(100 * 784), labels: new Uint8Array(100),
      byteValues: byteValuesOf({ mean: 0, std: 1 }), shape: [1, 28, 28] };
    const sizes = [];
    for (let time = 0; time < 20; time++) {
      const network = networkOf(core, readJson("network"), 0);
      const training = network.train(examples, { batchSize: 100 });
      training.step(core.order(0, 0, 100), 0.1);
      network.evaluate(examples.images, examples.labels);
      training.close();
      network.close();
      sizes.push(core.functions.memory.buffer.byteLength);
    }
    return sizes;
    """
    sizes = in_node(body, {"network": as_said(config_of("with batch norm"))})
    assert math.isclose(sizes[1], sizes[-1], rel_tol=0.05)
