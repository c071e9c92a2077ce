"""The native core in WebAssembly, as a page trains by it, in Node.js or a browser."""

import json
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lenet.datasets import Dataset
from lenet.doctor._tasks import Task
from lenet.doctor._turns import Contestant, Outcome
from lenet.kernels import WebCore, web_core
from lenet.models.layers import layers_to_dicts
from lenet.playground import find_javascript_engine, page_script

_SCRIPT = """
if (globalThis.process) {
  const { setFlagsFromString } = await import("node:v8");
  setFlagsFromString("--experimental-wasm-relaxed-simd");
}
const { layers, shape, initialisation, rate, settings } = JSON.parse(
  new TextDecoder().decode(inputs.said),
);
const { images, labels, testImages, testLabels } = inputs;
const core = await openCore(inputs.core);
const network = new NativeNetwork(core, layers, shape);
network.initialise(initialisation, 0);
const byteValues = byteValuesOf({ mean: 0, std: 1 });
const examples = { images, labels, byteValues, shape };
const trainEpoch = (count) => {
  const training = network.train(examples, settings);
  const order = core.order(0, 0, labels.length).subarray(0, count);
  let loss = 0;
  for (let start = 0; start < count; start += settings.batchSize) {
    const chosen = order.subarray(start, start + settings.batchSize);
    loss += training.step(chosen, rate).loss * chosen.length;
  }
  training.close();
  return loss / count;
};
trainEpoch(20 * settings.batchSize); // until all is compiled
network.evaluate(testImages, testLabels, byteValues);
await new Promise((done) => setTimeout(done, 1000));
network.initialise(initialisation, 0);
const [start, before] = [performance.now(), globalThis.process?.cpuUsage()];
const loss = trainEpoch(labels.length);
const { correct } = network.evaluate(testImages, testLabels, byteValues);
const seconds = (performance.now() - start) / 1000;
const cpu = before && process.cpuUsage(before).user / 1e6;
return new TextEncoder().encode(JSON.stringify({ seconds, cpu, loss, correct }));
"""


class WebEpoch(NamedTuple):
    """An epoch that was trained in WebAssembly.

    Attributes:
        seconds: Of the epoch and a look at the test images, by the clock.
        cpu: The processor's seconds, in Node.js.
        loss: The mean while it was trained, in nats.
        correct: Test images that are answered right after it.
    """

    seconds: float
    cpu: float | None
    loss: float
    correct: int


def web_epochs(
    task: Task, dataset: Dataset, core: WebCore = "relaxed_simd", *, browser: bool = False
) -> Callable[[], WebEpoch]:
    """What trains an epoch, on one thread and in a fresh process each time.

    Raises:
        ExportError: There is no Node.js, or no browser.
    """
    engine = find_javascript_engine(browser=browser)
    recipe, test = task.recipe, dataset.require_test()
    said = {
        "layers": layers_to_dicts(task.config.network().layers),
        "shape": task.config.input_shape,
        "initialisation": task.config.initialisation,
        "rate": recipe.learning_rate,
        "settings": {
            "batchSize": recipe.batch_size,
            "optimiser": recipe.optimiser,
            "momentum": recipe.momentum,
            "nesterov": recipe.nesterov,
            "weightDecay": recipe.weight_decay,
        },
    }
    inputs = {
        "said": json.dumps(said).encode(),
        "images": dataset.train.images.tobytes(),
        "labels": dataset.train.labels.astype(np.uint8).tobytes(),
        "testImages": test.images.tobytes(),
        "testLabels": test.labels.astype(np.uint8).tobytes(),
        "core": web_core(core),
    }
    script = page_script("native_network.js") + _SCRIPT
    return lambda: WebEpoch(**json.loads(engine.run(script, inputs)))


def train_in_webassembly(name: str, task: Task, dataset: Dataset) -> Contestant:
    """Epochs in Node.js, which are not longer where more threads are to be had."""
    train_epoch = web_epochs(task, dataset)

    def play() -> Outcome:
        epoch = train_epoch()
        return Outcome(len(dataset.train) / epoch.seconds, epoch.loss)

    return Contestant(name, play)
