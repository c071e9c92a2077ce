"""How fast networks are trained on a packed set beside the same images in memory.

    python benchmarks/packed_data.py [--images 8000000] [--networks softmax,mlp,lenet,modern]
                                     [--rounds 1] [--seconds 60] [--threads 2]
                                     [--folder PATH] [--set PATH] [--sorted]

Makes a set of images by distorting MNIST's training digits at random, from one seed, in a temporary
folder that is deleted at the end; `--set` takes a packed set that is there instead. 8 million
images take 6.3 GB of disk; in memory they take as much, so the machine needs 8 GB of it. Each
training runs in a process of its own, packed and in memory in turn, for an epoch or until the
seconds are over.

`--sorted` measures something else: whether order suffers where a set is sorted by class. It packs
the set once more so and trains a LeNet on both for an epoch, from three seeds.
"""

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import lenet
from lenet.datasets import (
    Augmentation,
    Batches,
    Dataset,
    PackWriter,
    Split,
    check_packed,
    pack_dataset,
)
from lenet.errors import InterruptedTraining
from lenet.models import LeNetConfig, build_model, model_config
from lenet.training import PRESETS, Listener, Recipe, Trainer

_PIECE = 5000  # images that are distorted together
_DISTORTION = Augmentation(rotation=15, scaling=0.15, squeezing=0.1, shearing=0.2, shift=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=8_000_000)
    parser.add_argument("--networks", default="softmax,mlp,lenet,modern")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--set", type=Path, help="a packed set that was made before")
    parser.add_argument("--sorted", action="store_true", help="compare with a sorted set instead")
    parser.add_argument("--train", nargs=3, help=argparse.SUPPRESS)  # in a process of its own
    options = parser.parse_args()
    if options.train:
        network, place, kind = options.train
        result = train(network, Path(place), kind, options.seconds, options.threads)
        sys.stdout.write(json.dumps(result))
        return
    look = compare_with_sorted if options.sorted else measure
    if options.set:
        look(options.set, options)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        place = Path(folder) / "packed"
        started = time.perf_counter()
        make_set(place, options.images)
        print(
            f"{options.images:,} images made in {time.perf_counter() - started:.0f} s", flush=True
        )
        look(place, options)


def compare_with_sorted(place: Path, options: argparse.Namespace) -> None:
    """Print the test accuracy after an epoch on a set as it is, and on the same sorted by class."""
    torch.set_num_threads(options.threads)
    data = lenet.load_dataset(place)
    by_class = data.train.take(np.argsort(data.train.labels, kind="stable"))
    recipe = Recipe(optimiser="adamw", learning_rate=0.002, schedule="one-cycle", epochs=1)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        pack_dataset(replace(data, train=by_class), f"{folder}/sorted")
        for name, path in (("as it is", place), ("sorted", Path(folder) / "sorted")):
            accuracies = []
            for seed in range(3):
                config = LeNetConfig(activation="relu", pooling="max")
                packed = lenet.load_dataset(path)
                trainer = Trainer(build_model(config, seed=seed), packed, recipe, seed=seed)
                accuracies.append(trainer.run().test_accuracy)
            print(f"{name:<10}{accuracies}")


def measure(place: Path, options: argparse.Namespace) -> None:
    """Train every network on a set, packed and in memory in turn, and print a table."""
    started = time.perf_counter()
    index = check_packed(place)
    seconds = time.perf_counter() - started
    size = sum(file.size for file in index.files)
    images = index.parts["train"].images
    print(f"{images:,} images, {size / 1e9:.2f} GB, checksums compared in {seconds:.1f} s")
    print(f"lenet {lenet.__version__}, PyTorch {torch.__version__}, {options.threads} threads")
    print(f"packed and in memory, median and range of {options.rounds}")
    for network in options.networks.split(","):
        found: dict[str, list[dict[str, float]]] = {"packed": [], "memory": []}
        for _ in range(options.rounds):
            for kind, results in found.items():
                results.append(in_a_process(network, place, kind, options))
        for name, digits, unit in (
            ("speed", 0, "images/s"),
            ("cost", 2, "µs of the processor an image"),
            ("peak", 0, "MB at most"),
        ):
            columns = [sorted(one[name] for one in found[kind]) for kind in found]
            packed, memory = map(statistics.median, columns)
            texts = [
                f"{statistics.median(column):,.{digits}f} "
                f"({column[0]:,.{digits}f} to {column[-1]:,.{digits}f})"
                for column in columns
            ]
            print(
                f"{network:<9}{texts[0]:>34}{texts[1]:>34}{packed / memory:>6.2f}  {unit}",
                flush=True,
            )


def make_set(place: Path, count: int) -> None:
    """Write distorted digits, and MNIST's test images as they are."""
    digits = lenet.load_dataset("mnist")
    batches = Batches(digits.train, _PIECE, shuffle=True, augmentation=_DISTORTION)
    with PackWriter(place, digits.class_names, preparation=digits.preparation) as packed:
        distorted = itertools.chain.from_iterable(map(batches.epoch, itertools.count()))
        for left in range(count, 0, -_PIECE):
            images, labels = next(distorted)
            pixels = (images[:left] * 255).round().to(torch.uint8)
            packed.write(pixels.numpy(), labels[:left].numpy())
        test = digits.require_test()
        packed.write(test.images, test.labels, "test")


def in_a_process(
    network: str, place: Path, kind: str, options: argparse.Namespace
) -> dict[str, float]:
    """Train in a process of its own, so that its memory can be told."""
    chosen = ["--seconds", str(options.seconds), "--threads", str(options.threads)]
    command = [sys.executable, __file__, *chosen, "--train", network, str(place), kind]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, float] = json.loads(answer.stdout)
    return result


class StopAfter(Listener):
    """Stops a training when its time is over."""

    def __init__(self, seconds: float):
        self.seconds = seconds

    def on_step(self, trainer: Trainer) -> None:
        if trainer.seconds > self.seconds:
            trainer.request_stop()


def train(network: str, place: Path, kind: str, seconds: float, threads: int) -> dict[str, float]:
    """Train for an epoch at most.

    Returns:
        `speed` in images a second, `cost` in microseconds of all cores an image, which other
        programs disturb less, and the process's `peak` of memory in MB.
    """
    torch.set_num_threads(threads)
    data = lenet.load_dataset(place)
    if kind == "memory":
        data = Dataset(data.name, data.class_names, in_memory(data.train), data.test)
    preset = PRESETS[network if network in PRESETS else "tutorial"]()
    recipe = preset.recipe.replace(epochs=1, validation=0.0)
    shape = {"input_shape": data.image_shape, "classes": len(data.class_names)}
    model = build_model(model_config(preset.model, {**shape, **preset.settings}), seed=0)
    trainer = Trainer(model, data, recipe, listeners=[StopAfter(seconds)])
    started, processor = time.perf_counter(), time.process_time()
    try:
        trainer.run()
        done = len(data.train)
    except InterruptedTraining:
        done = trainer.steps_done * recipe.batch_size
    return {
        "speed": done / (time.perf_counter() - started),
        "cost": 1e6 * (time.process_time() - processor) / done,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }


def in_memory(split: Split) -> Split:
    """The same examples as arrays."""
    images = np.empty(split.images.shape, np.uint8)
    for start in range(0, len(split), _PIECE):
        images[start : start + _PIECE] = split.images[start : start + _PIECE]
    return Split(images, split.labels)


if __name__ == "__main__":
    main()
