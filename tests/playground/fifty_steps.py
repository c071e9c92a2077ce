"""Fifty steps on the digits, from seed 0: in the page's core, by a script, and by PyTorch."""

import json
from typing import Any

import numpy as np
import torch

from lenet.datasets import ArrayBatches, load_dataset
from lenet.kernels import WebCore, use_engine, web_core
from lenet.models import ArrayNetwork, ModelConfig, model_config
from lenet.models.layers import layers_to_dicts

FORMS: tuple[WebCore, ...] = ("relaxed_simd", "simd")
# What every script begins with: the core, and networks from what they are said to be.
BEGIN = """
const readJson = (name) => JSON.parse(new TextDecoder().decode(inputs[name]));
const cores = {};
for (const name of ["relaxed_simd", "simd"]) cores[name] = await openCore(inputs[name]);
const networkOf = (core, { layers, shape, initialisation }, seed = 0) => {
  const network = new NativeNetwork(core, layers, shape);
  if (initialisation) network.initialise(initialisation, seed);
  return network;
};
const floatsOf = (name) => new Float32Array(inputs[name].slice().buffer);
const listsOf = (arrays) =>
  Object.fromEntries([...arrays].map(([name, array]) => [name, Array.from(array)]));
"""

# Returns the losses of each form of the core, and the images of each step.
FIFTY_STEPS = """
const [{ images, labels }, byteValues] = [inputs, byteValuesOf({ mean: 0, std: 1 })];
return Object.values(cores).map((core) => {
  const network = networkOf(core, readJson("network"), 0);
  const examples = { images, labels, byteValues, shape: [1, 28, 28] };
  const training = network.train(examples, { batchSize: 256 });
  const [losses, indices] = [[], []];
  for (let epoch = 0; losses.length < 50; epoch++) {
    const order = core.order(0, epoch, labels.length);
    for (let start = 0; start < labels.length && losses.length < 50; start += 256) {
      const chosen = order.subarray(start, start + 256);
      losses.push(training.step(chosen, 0.9).loss);
      indices.push(Array.from(chosen, Number));
    }
  }
  training.close();
  return { losses, indices };
});
"""

# The same by two workers together, in Node.js.
BY_TWO_WORKERS = """
const { Worker } = await import("node:worker_threads");
const { layers, shape, initialisation } = readJson("network");
const { images, labels } = inputs;
const byteValues = byteValuesOf({ mean: 0, std: 1 });
const examples = { images, labels, byteValues, shape: [1, 28, 28] };
const work = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { core, begun, examples, settings, share, orders } = workerData;
  PartOfTraining.open(core, begun, examples, settings, share).then((part) => {
    for (const order of orders) parentPort.postMessage(part.steps(order, 0.9));
    parentPort.postMessage([...part.network.weights()]);
  });
`;
return Promise.all(
  ["relaxed_simd", "simd"].map(async (name) => {
    const network = networkOf(cores[name], readJson("network"), 0);
    const weights = network.weights();
    const orders = [];
    for (let epoch = 0; orders.length < 50; epoch++) {
      const order = cores[name].order(0, epoch, labels.length);
      for (let start = 0; start < labels.length && orders.length < 50; start += 256) {
        orders.push(order.slice(start, start + 256));
      }
    }
    const said = await Promise.all(
      shareMemory(2, weights).map((share) => {
        const begun = { layers, shape, weights };
        const workerData = { core: inputs[name], begun, examples, share, orders };
        workerData.settings = { batchSize: 256 };
        const worker = new Worker(modules + work, { eval: true, workerData });
        const heard = [];
        return new Promise((done, fail) => {
          worker.on("error", fail);
          worker.on("message", (message) => heard.push(message));
          worker.on("exit", () => done(heard));
        });
      }),
    );
    const [one, other] = said;
    const losses = orders.map((order, step) => (one[step].loss + other[step].loss) / order.length);
    const alike = JSON.stringify(one.at(-1)) === JSON.stringify(other.at(-1));
    return { losses, indices: orders.map((order) => Array.from(order, Number)), alike };
  }),
);
"""


def as_said(config: ModelConfig) -> bytes:
    """A network as the page learns of it."""
    described = {
        "layers": layers_to_dicts(config.network().layers),
        "shape": config.input_shape,
        "initialisation": getattr(config, "initialisation", "pytorch"),
    }
    return json.dumps(described).encode()


def inputs_of_fifty_steps() -> dict[str, bytes]:
    """What the script has to be given, with both forms of the core."""
    split = load_dataset("digits").train
    given = {
        "network": as_said(model_config("lenet")),
        "images": split.images.tobytes(),
        "labels": split.labels.astype(np.uint8).tobytes(),
    }
    return given | {form: web_core(form) for form in FORMS}


def check_fifty_steps(found: list[dict[str, Any]]) -> None:
    """Assert that a page saw the images that `lenet train` sees, and lost what PyTorch loses."""
    module = ArrayNetwork.build(model_config("lenet"), seed=0).module()
    optimiser = torch.optim.SGD(module.parameters(), lr=0.9)
    batches = ArrayBatches(load_dataset("digits").train, 256, shuffle=True, seed=0)
    losses: list[float] = []
    with use_engine("torch"):
        for step in range(50):
            epoch, place = divmod(step, len(batches))
            selection = next(batches.selections(epoch, place))
            for one in found:
                assert one["indices"][step] == selection.indices.tolist()
            images, labels = map(torch.from_numpy, batches.take(selection))
            loss = torch.nn.functional.cross_entropy(module(images), labels)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(loss.item())
    assert found
    for one in found:
        assert np.abs(np.subtract(one["losses"], losses)).max() < 1e-4
