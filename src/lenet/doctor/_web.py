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
const { layers, shape, initialisation, rate, settings, workers } = JSON.parse(
  new TextDecoder().decode(inputs.said),
);
const { images, labels, testImages, testLabels } = inputs;
const core = await openCore(inputs.core);
const network = new NativeNetwork(core, layers, shape);
network.initialise(initialisation, 0);
const byteValues = byteValuesOf({ mean: 0, std: 1 });
const examples = { images, labels, byteValues, shape };
const answer = (found) => new TextEncoder().encode(JSON.stringify(found));
if (workers > 1) return answer(await trainTogether());
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
return answer({ seconds, cpu, loss, correct });

/** The same by workers that share each batch, in Node.js. */
async function trainTogether() {
  const { Worker } = await import("node:worker_threads");
  const order = core.order(0, 0, labels.length);
  const begun = { layers, shape, weights: network.weights() };
  const work = `
    const { parentPort, workerData } = require("node:worker_threads");
    const { core, begun, examples, test, settings, rate, share } = workerData;
    PartOfTraining.open(core, begun, examples, settings, share).then((part) => {
      parentPort.on("message", (order) => {
        part.network.load(begun.weights);
        const { loss } = part.steps(order, rate);
        const score = part.network.evaluate(test.images, test.labels, examples.byteValues);
        parentPort.postMessage({ loss, correct: score.correct });
      });
      parentPort.postMessage("ready");
    });
  `;
  const hear = (worker) =>
    new Promise((done, fail) => worker.once("message", done).once("error", fail));
  const group = shareMemory(workers, begun.weights).map((share) => {
    const [first, end] = [share.worker, share.worker + 1].map((place) =>
      Math.floor((testLabels.length * place) / workers),
    );
    const test = {
      images: testImages.slice(first * network.imageSize, end * network.imageSize),
      labels: testLabels.slice(first, end),
    };
    const workerData = { core: inputs.core, begun, examples, test, settings, rate, share };
    return new Worker(new TextDecoder().decode(inputs.code) + work, { eval: true, workerData });
  });
  await Promise.all(group.map(hear));
  const trainEpoch = async (order) => {
    const heard = Promise.all(group.map(hear));
    for (const worker of group) worker.postMessage(order);
    const sumOf = (found, name) => found.reduce((sum, one) => sum + one[name], 0);
    const found = await heard;
    return { loss: sumOf(found, "loss") / order.length, correct: sumOf(found, "correct") };
  };
  await trainEpoch(order.slice(0, 20 * settings.batchSize)); // until all is compiled
  await new Promise((done) => setTimeout(done, 1000));
  const start = performance.now();
  const found = await trainEpoch(order);
  const seconds = (performance.now() - start) / 1000;
  await Promise.all(group.map((worker) => worker.terminate()));
  return { seconds, cpu: null, ...found };
}
"""


class WebEpoch(NamedTuple):
    """An epoch that was trained in WebAssembly.

    Attributes:
        seconds: Of the epoch and a look at the test images, by the clock.
        cpu: The processor's seconds, of one thread in Node.js.
        loss: The mean while it was trained, in nats.
        correct: Test images that are answered right after it.
    """

    seconds: float
    cpu: float | None
    loss: float
    correct: int


def web_epochs(
    task: Task,
    dataset: Dataset,
    core: WebCore = "relaxed_simd",
    *,
    browser: bool = False,
    workers: int = 1,
) -> Callable[[], WebEpoch]:
    """What trains an epoch in a fresh process each time, by one thread or, in Node.js, by workers.

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
        "workers": workers,
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
    code = page_script("shared_training.js")
    inputs["code"] = code.encode()
    script = code + _SCRIPT
    return lambda: WebEpoch(**json.loads(engine.run(script, inputs)))


def train_in_webassembly(name: str, task: Task, dataset: Dataset, threads: int) -> Contestant:
    """Epochs in Node.js."""
    train_epoch = web_epochs(task, dataset, workers=threads)

    def play() -> Outcome:
        epoch = train_epoch()
        return Outcome(len(dataset.train) / epoch.seconds, epoch.loss)

    return Contestant(name, play)
