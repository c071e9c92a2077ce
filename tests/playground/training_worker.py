"""The worker of the lab that trains, as its bundle is committed, in a thread of Node.js."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lenet.playground
from lenet.datasets import Dataset
from lenet.errors import ExportError
from lenet.kernels import web_core
from lenet.playground import find_javascript_engine

_BUNDLE = Path(lenet.playground.__file__).parent / "bundles" / "training.js"

# What a page has: `begin` with a training set of its inputs, and `ask`, which posts an order and
# gives the first answer that suits it. Other than a browser, Node.js hears a thousand messages that
# the worker sends itself before one from outside; so it sends itself none.
_BEGIN = """
const { setFlagsFromString } = await import("node:v8");
setFlagsFromString("--experimental-wasm-relaxed-simd"); // which Node.js 20 wants to be asked for
const { Worker } = await import("node:worker_threads");
const readText = (name) => new TextDecoder().decode(inputs[name]);
const readJson = (name) => JSON.parse(readText(name));
const worker = new Worker(
  `{
    const { parentPort } = require("node:worker_threads");
    globalThis.self = globalThis;
    globalThis.MessageChannel = class {
      port1 = {};
      port2 = { postMessage: () => setImmediate(() => this.port1.onmessage()) };
    };
    self.postMessage = (message, { transfer }) => parentPort.postMessage(message, transfer);
    parentPort.on("message", (data) => self.onmessage({ data }));
    ${readText("bundle")}
  }`,
  { eval: true },
);
const heard = [];
let hear = () => {};
worker.on("message", (message) => { heard.push(message); hear(); });
worker.on("error", (error) => { heard.push({ kind: "refused", message: String(error) }); hear(); });
const next = async () => {
  while (!heard.length) await new Promise((resolve) => { hear = resolve; });
  return heard.shift();
};
const ask = async (order, suits = ({ kind }) => kind === "report") => {
  worker.postMessage(order);
  for (;;) {
    const answer = await next();
    if (answer.kind === "refused" || suits(answer)) return answer;
  }
};
const begin = ({ settings, set: { shape, classNames, name, mean = 0, std = 1 } }) => {
  const [train, test] = ["train", "test"].map((split) => ({
    pixels: inputs[`${split} images`],
    labels: inputs[`${split} labels`],
  }));
  const set = { name, classNames, shape, mean, std, train, test };
  const example = inputs["test images"].slice(0, shape[0] * shape[1] * shape[2]);
  const order = { kind: "begin", core: inputs.core.slice().buffer, set, settings, example };
  return ask(order, ({ step }) => step === 0);
};
const kindIs = (wanted) => ({ kind }) => kind === wanted;
const isAt = (step) => (report) => report.step === step && report.state !== "training";
const areSame = (one, other) =>
  [...one].every(([name, array]) => array.every((number, i) => number === other.get(name)[i]));
const listsOf = (arrays) =>
  Object.fromEntries([...arrays].map(([name, array]) => [name, Array.from(array)]));
const asLists = (value) =>
  JSON.parse(JSON.stringify(value, (_, one) => (ArrayBuffer.isView(one) ? Array.from(one) : one)));
"""
_RUN = """
try {
  const returned = await (async () => {
%s
  })();
  return new TextEncoder().encode(JSON.stringify(returned));
} finally {
  await worker.terminate();
}
"""

# Settings of `lenet train lenet`, by their names there.
SETTINGS: dict[str, Any] = {
    "model": "lenet",
    "channels": [6, 16],
    "kernel_size": 5,
    "padding": 2,
    "dense_widths": [120, 84],
    "activation": "sigmoid",
    "pooling": "average",
    "batch_norm": False,
    "initialisation": "xavier",
    "epochs": 10,
    "batch_size": 256,
    "optimiser": "sgd",
    "learning_rate": 0.9,
    "momentum": 0.0,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "shift": 0,
    "flip": False,
    "seed": 0,
}


def in_worker(body: str, dataset: Dataset, inputs: Mapping[str, Any] | None = None) -> Any:
    """Run the body of an async function beside the worker; what it returns comes as JSON.

    Args:
        body: It; `begin({settings, set})` begins a training on the dataset.
        dataset: What is trained and tested on.
        inputs: What `readJson` reads, by its names; `set` is there.
    """
    try:
        engine = find_javascript_engine(browser=False)
    except ExportError as error:
        pytest.skip(str(error))
    said = {
        "name": dataset.name,
        "classNames": dataset.class_names,
        "shape": dataset.image_shape,
    }
    given = {
        name: json.dumps(one).encode() for name, one in {"set": said, **(inputs or {})}.items()
    }
    given |= {"bundle": _BUNDLE.read_bytes(), "core": web_core("relaxed_simd")}
    for name, split in dataset.splits.items():
        given[f"{name} images"] = split.images.tobytes()
        given[f"{name} labels"] = split.labels.astype(np.uint8).tobytes()
    return json.loads(engine.run(_BEGIN + _RUN % body, given))
