"""What the lab's worker costs: its examples a second beside the bare core's steps, in turn.

    python benchmarks/lab_training.py                # in Node.js
    python benchmarks/lab_training.py --browser      # in Chromium

Each round trains the tutorial's LeNet for one epoch on Fashion-MNIST and looks at the test images:
by steps of the native core in WebAssembly, one after the other, and by the worker, which reports
ten times a second and measures what its layers give besides. Both are warm. Let nothing else run.
"""

import argparse
import json
import statistics
from pathlib import Path

import numpy as np

import lenet.playground
from lenet.datasets import load_dataset
from lenet.kernels import web_core
from lenet.models import model_config
from lenet.models.layers import layers_to_dicts
from lenet.playground import find_javascript_engine, page_script
from lenet.training import Recipe

SCRIPT = """
const readJson = (name) => JSON.parse(new TextDecoder().decode(inputs[name]));
const { rounds, layers, settings } = readJson("said");
const { pixels, labels, testPixels, testLabels } = inputs;
const shape = [1, 28, 28];
const worker = await startWorker(new TextDecoder().decode(inputs.bundle));
const until = (isIt) => new Promise((resolve) => {
  worker.onmessage = ({ data }) => {
    if (data.kind === "refused") throw new Error(data.message);
    if (isIt(data)) resolve(data);
  };
});
const set = {
  ...{ name: "fashion-mnist", classNames: [..."0123456789"], shape, mean: 0, std: 1 },
  train: { pixels, labels },
  test: { pixels: testPixels, labels: testLabels },
};
const begun = until(() => true);
const core = inputs.core.slice().buffer;
const example = testPixels.slice(0, 784);
worker.postMessage({ kind: "begin", core, set, settings, example });
await begun;
const byWorker = async () => {
  const ended = until(({ state }) => state !== "training");
  worker.postMessage({ kind: "epoch" });
  await ended;
};

const bare = await openCore(inputs.core);
const network = new NativeNetwork(bare, layers, shape);
network.initialise(settings.initialisation, 0);
const byteValues = byteValuesOf({ mean: 0, std: 1 });
const examples = { images: pixels, labels, byteValues, shape };
const training = network.train(examples, { batchSize: settings.batch_size });
let epoch = 0;
const byCore = () => {
  const order = bare.order(0, epoch++, labels.length);
  for (let start = 0; start < labels.length; start += settings.batch_size) {
    training.step(order.subarray(start, start + settings.batch_size), settings.learning_rate);
  }
  network.evaluate(testPixels, testLabels, byteValues);
};

const speeds = [];
for (let round = 0; round <= rounds; round++) {
  const speed = [];
  for (const train of [byCore, byWorker]) {
    await new Promise((resolve) => setTimeout(resolve, 300)); // the other one comes to rest
    const start = performance.now();
    await train();
    speed.push((1000 * labels.length) / (performance.now() - start));
  }
  if (round) speeds.push(speed); // all is compiled after the first
}
worker.terminate();
return new TextEncoder().encode(JSON.stringify(speeds));

async function startWorker(bundle) {
  if (!globalThis.process) return new Worker(URL.createObjectURL(new Blob([bundle])));
  const { Worker: Thread } = await import("node:worker_threads");
  const { setFlagsFromString } = await import("node:v8");
  setFlagsFromString("--experimental-wasm-relaxed-simd");
  const begin = `
    const { parentPort } = require("node:worker_threads");
    globalThis.self = globalThis;
    self.postMessage = (message, { transfer }) => parentPort.postMessage(message, transfer);
    parentPort.on("message", (data) => self.onmessage({ data }));
  `;
  const thread = new Thread(`{${begin}${bundle}}`, { eval: true });
  thread.on("message", (data) => thread.onmessage({ data }));
  return thread;
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--browser", action="store_true", help="in Chromium, not in Node.js")
    arguments = parser.parse_args()
    dataset, config = load_dataset("fashion-mnist"), model_config("lenet")
    test = dataset.require_test()
    settings = Recipe(epochs=1000).to_dict() | config.to_dict() | {"model": "lenet", "seed": 0}
    said = {
        "rounds": arguments.rounds,
        "layers": layers_to_dicts(config.network().layers),
        "settings": settings,
    }
    inputs = {
        "said": json.dumps(said).encode(),
        "bundle": (Path(lenet.playground.__file__).parent / "bundles/training.js").read_bytes(),
        "core": web_core("relaxed_simd"),
        "pixels": dataset.train.images.tobytes(),
        "labels": dataset.train.labels.astype(np.uint8).tobytes(),
        "testPixels": test.images.tobytes(),
        "testLabels": test.labels.astype(np.uint8).tobytes(),
    }
    engine = find_javascript_engine(browser=arguments.browser)
    script = page_script("shared_training.js") + SCRIPT
    rounds = json.loads(engine.run(script, inputs, seconds=1800))
    for number, (core, worker) in enumerate(rounds, 1):
        print(f"round {number}  core {core:7,.0f}  worker {worker:7,.0f} images/s")
    core, worker = map(statistics.median, zip(*rounds, strict=True))
    share = statistics.median(worker / core for core, worker in rounds)
    print(f"median   core {core:7,.0f}  worker {worker:7,.0f} images/s: {share:.0%} of the core's")


if __name__ == "__main__":
    main()
