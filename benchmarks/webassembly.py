"""Training in WebAssembly beside PyTorch eager, both on one thread, in turn.

    python benchmarks/webassembly.py                 # in Node.js
    python benchmarks/webassembly.py --browser       # in Chromium
    python benchmarks/webassembly.py --cpu-time      # where others use the machine too

Each round trains the tutorial's LeNet for one whole epoch on Fashion-MNIST, batches of 256: by
PyTorch, by the native core in WebAssembly with relaxed SIMD and without, by the native library.
Time is that of the epoch alone, by the clock; loading and the first steps are not in it. Let
nothing else run, or count CPU time, which a busy neighbour on the same core makes longer as well.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

import lenet.kernels
import lenet.playground
from lenet.core import set_thread_count
from lenet.datasets import ArrayBatches, Split, load_dataset
from lenet.kernels import FusedStep, StepSettings
from lenet.models import ArrayNetwork, LeNetConfig, trained_blocks
from lenet.models.layers import layers_to_dicts
from lenet.playground import find_javascript_engine
from lenet.playground._script import join_modules  # the page's modules as one script

WEB = Path(lenet.kernels.__path__[0], "web")
PAGE = Path(lenet.playground.__path__[0])
BATCH_SIZE, RATE = 256, 0.9
SCRIPT = """
if (globalThis.process) {
  const { setFlagsFromString } = await import("node:v8");
  setFlagsFromString("--experimental-wasm-relaxed-simd");
}
const { layers, rate, size } = JSON.parse(new TextDecoder().decode(inputs.said));
const { images, labels } = inputs;
const core = await openCore(inputs.core);
const network = new NativeNetwork(core, layers, [1, 28, 28]);
network.initialise("xavier", 0);
const byteValues = byteValuesOf({ mean: 0, std: 1 });
const training = network.train({ images, labels, byteValues, shape: [1, 28, 28] });
const train = (epoch, count) => {
  const order = core.order(0, epoch, labels.length).subarray(0, count);
  let loss = 0;
  for (let start = 0; start < count; start += size) {
    const chosen = order.subarray(start, start + size);
    loss += training.step(chosen, rate).loss * chosen.length;
  }
  return loss / count;
};
train(0, 20 * size); // until all is compiled
await new Promise((done) => setTimeout(done, 1000));
network.initialise("xavier", 0);
const [start, before] = [performance.now(), globalThis.process?.cpuUsage()];
const loss = train(0, labels.length);
const seconds = (performance.now() - start) / 1000;
const cpu = before && process.cpuUsage(before).user / 1e6;
return new TextEncoder().encode(JSON.stringify({ seconds, cpu, loss }));
"""
Clock = Callable[[], float]
Epoch = Callable[[], tuple[float, float]]  # its seconds, and its mean loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--browser", action="store_true", help="in Chromium, not in Node.js")
    parser.add_argument("--cpu-time", action="store_true", help="not by the clock; in Node.js")
    arguments = parser.parse_args()
    clock = time.process_time if arguments.cpu_time else time.perf_counter
    page_time = "cpu" if arguments.cpu_time else "seconds"
    set_thread_count(1)
    torch.set_num_threads(1)
    train = load_dataset("fashion-mnist").train
    contestants: dict[str, Epoch] = {
        "PyTorch eager": lambda: by_torch(train, clock),
        "WebAssembly, relaxed SIMD": in_page(
            train, "lenet_relaxed_simd", page_time, arguments.browser
        ),
        "WebAssembly, SIMD": in_page(train, "lenet_simd", page_time, arguments.browser),
        "native library": lambda: by_library(train, clock),
    }
    rounds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(arguments.rounds):
        for name, epoch in contestants.items():
            seconds, loss = epoch()
            rounds[name].append(len(train.labels) / seconds)
            print(
                f"round {number + 1}  {name:<26} {rounds[name][-1]:7,.0f} images/s  loss {loss:.4f}"
            )
    print(f"\n{'images/s':<26} median   least    most   × PyTorch, median of rounds")
    for name, speeds in rounds.items():
        ratios = [one / other for one, other in zip(speeds, rounds["PyTorch eager"], strict=True)]
        spread = statistics.median(speeds), min(speeds), max(speeds)
        told = "  ".join(f"{speed:6,.0f}" for speed in spread)
        print(f"{name:<26} {told}   {statistics.median(ratios):.2f}")


def in_page(train: Split, core: str, page_time: str, browser: bool) -> Epoch:
    """One form of the core, in a fresh process each time."""
    engine = find_javascript_engine(browser=browser)
    layers = layers_to_dicts(LeNetConfig().network().layers)
    inputs = {
        "said": json.dumps({"layers": layers, "rate": RATE, "size": BATCH_SIZE}).encode(),
        "images": train.images.tobytes(),
        "labels": train.labels.astype(np.uint8).tobytes(),
        "core": (WEB / f"{core}.wasm").read_bytes(),
    }

    def epoch() -> tuple[float, float]:
        script = join_modules(PAGE, "native_network.js") + SCRIPT
        found = json.loads(engine.run(script, inputs))
        return found[page_time], found["loss"]

    return epoch


def by_torch(train: Split, clock: Clock) -> tuple[float, float]:
    """The plain loop, as `lenet bench train` has it."""
    network = nn.Sequential(*ArrayNetwork.build(LeNetConfig(), seed=0).module())
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE)
    compute_loss = nn.CrossEntropyLoss()
    images, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels)
    batches = ArrayBatches(train, BATCH_SIZE, shuffle=True)
    total = torch.zeros(())
    start = clock()
    for selection in batches.selections(0):
        indices = torch.from_numpy(selection.indices)
        loss = compute_loss(network(images[indices].float().div_(255)), labels[indices])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.detach() * len(indices)
    return clock() - start, total.item() / len(labels)


def by_library(train: Split, clock: Clock) -> tuple[float, float]:
    """The steps of `lenet train`."""
    batches = ArrayBatches(train, BATCH_SIZE, shuffle=True)
    step = FusedStep(
        trained_blocks(ArrayNetwork.build(LeNetConfig(), seed=0)),
        train.images,
        train.labels,
        batch_size=BATCH_SIZE,
        settings=StepSettings(),
        byte_values=batches.byte_values,
    )
    start, total = clock(), 0.0
    for selection in batches.selections(0):
        total += step(selection.indices, RATE)[0] * len(selection.indices)
    return clock() - start, total / len(train.labels)


if __name__ == "__main__":
    main()
