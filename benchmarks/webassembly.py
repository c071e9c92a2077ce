"""Training in WebAssembly beside PyTorch eager, both on one thread, in turn.

    python benchmarks/webassembly.py                 # in Node.js
    python benchmarks/webassembly.py --browser       # in Chromium
    python benchmarks/webassembly.py --cpu-time      # where others use the machine too

Each round trains the tutorial's LeNet for one whole epoch on Fashion-MNIST, batches of 256: by
PyTorch, by the native core in WebAssembly with relaxed SIMD and without, by the native library.
Time is that of the epoch and a look at the test images, by the clock; loading and the first steps
are not in it. Let nothing else run, or count CPU time, which a busy neighbour on the same core
makes longer as well.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from lenet.core import set_thread_count
from lenet.datasets import load_dataset
from lenet.doctor._peers import train_with_torch  # the contestants of `lenet bench train`
from lenet.doctor._tasks import TUTORIAL, train_with_lenet
from lenet.doctor._turns import Outcome
from lenet.doctor._web import web_epochs
from lenet.kernels import WebCore

Epoch = Callable[[], tuple[float, float]]  # its seconds, and its mean loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--browser", action="store_true", help="in Chromium, not in Node.js")
    parser.add_argument("--cpu-time", action="store_true", help="not by the clock; in Node.js")
    arguments = parser.parse_args()
    set_thread_count(1)
    torch.set_num_threads(1)
    dataset = load_dataset("fashion-mnist")
    by_torch = train_with_torch("PyTorch eager", TUTORIAL, dataset).play

    def here(train: Callable[[], Outcome]) -> Epoch:
        clock = time.process_time if arguments.cpu_time else time.perf_counter

        def epoch() -> tuple[float, float]:
            start = clock()
            outcome = train()
            return clock() - start, outcome.train_loss

        return epoch

    def in_page(core: WebCore) -> Epoch:
        train = web_epochs(TUTORIAL, dataset, core, browser=arguments.browser)

        def epoch() -> tuple[float, float]:
            found = train()
            return (found.cpu if arguments.cpu_time else found.seconds), found.loss

        return epoch

    contestants: dict[str, Epoch] = {
        "PyTorch eager": here(by_torch),
        "WebAssembly, relaxed SIMD": in_page("relaxed_simd"),
        "WebAssembly, SIMD": in_page("simd"),
        "native library": here(lambda: train_with_lenet(TUTORIAL, dataset)),
    }
    rounds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(arguments.rounds):
        for name, epoch in contestants.items():
            seconds, loss = epoch()
            rounds[name].append(len(dataset.train) / seconds)
            print(
                f"round {number + 1}  {name:<26} {rounds[name][-1]:7,.0f} images/s  loss {loss:.4f}"
            )
    print(f"\n{'images/s':<26} median   least    most   × PyTorch, median of rounds")
    for name, speeds in rounds.items():
        ratios = [one / other for one, other in zip(speeds, rounds["PyTorch eager"], strict=True)]
        spread = statistics.median(speeds), min(speeds), max(speeds)
        told = "  ".join(f"{speed:6,.0f}" for speed in spread)
        print(f"{name:<26} {told}   {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
