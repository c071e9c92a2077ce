"""What a GPU makes of it: captured steps beside plain PyTorch, and many small models at once.

    python benchmarks/gpu.py                              # on the first CUDA GPU, kept in history/
    python benchmarks/gpu.py --device cpu --images 2000   # the same code, small, without a GPU

First the tutorial's ten epochs, in float32, TF32 and bfloat16, by `Trainer` and by a plain loop
with the data on the device as well. Then so many networks at once (`train_in_lockstep`) and the
same ones after the other. Contestants take turns, so that what the machine does meanwhile hits all
of them. A figure is training images a second of wall clock: making the batches, the steps and the
look at the test images after every epoch are in it, the device is waited for at the end, and
loading the data is not. Captures of graphs and warm-ups within a training count.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lenet.core import write_atomically
from lenet.datasets import Batches, Dataset, SharedImages, Split, load_dataset
from lenet.doctor import Contestant, Outcome, Report, find_contestants, take_turns
from lenet.models import LeNetConfig, build_model
from lenet.runs import describe_environment
from lenet.training import PRESETS, Recipe, Trainer, TrainingResult, train_in_lockstep

HISTORY = Path(__file__).parent / "history"
EAGER, ALONE = "PyTorch eager", "one after the other"
LOOK = 4096  # test images a batch
MACHINE = "lenet", "python", "torch", "numpy", "platform", "processor", "device", "kernels"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", help="`cpu` to try the script without a GPU")
    parser.add_argument("--data", default="fashion-mnist", help="the images, by name")
    parser.add_argument("--images", type=int, help="so many training images; all by default")
    parser.add_argument("--epochs", type=int, default=10, help="of the tutorial's recipe")
    parser.add_argument("--many-epochs", type=int, default=2, help="of many models")
    parser.add_argument("--counts", default="1,8,32", help="how many models at once")
    parser.add_argument("--rounds", type=int, default=5, help="counted turns of each contestant")
    parser.add_argument("--save", type=Path, help="the JSON file; on a GPU in history/ by default")
    options = parser.parse_args()
    if torch.device(options.device).type == "cuda" and not torch.cuda.is_available():
        sys.exit(
            "There is no CUDA GPU here, so there is nothing to measure; "
            "`--device cpu --images 2000` runs the same code on the CPU."
        )
    device = torch.device(options.device)
    data = take_images(load_dataset(options.data), options.images)
    reports = [
        *measure_precisions(data, device, options.epochs, options.rounds),
        *measure_many(
            data,
            device,
            options.many_epochs,
            [int(count) for count in options.counts.split(",")],
            options.rounds,
        ),
    ]
    for report in reports:
        print_report(report)
    path = options.save or (free_path() if device.type == "cuda" else None)
    if path is not None:
        text = json.dumps([report.to_dict() for report in reports], indent=2)
        write_atomically(path, f"{text}\n")
        print(f"Kept in {path}")


def take_images(data: Dataset, count: int | None) -> Dataset:
    """The dataset with so many training images, and no more test images; all where none is said."""
    parts = data.train, data.require_test()
    train, test = (Split(part.images[:count], part.labels[:count]) for part in parts)
    return replace(data, train=train, test=test)


def measure_precisions(
    data: Dataset, device: torch.device, epochs: int, rounds: int
) -> list[Report]:
    """The tutorial's recipe by lenet and by plain PyTorch, a report for each precision."""
    shared = SharedImages(data, device)
    reports = []
    for precision in ("float32", "tf32", "bfloat16"):
        recipe = PRESETS["tutorial"]().recipe.replace(epochs=epochs, precision=precision)
        plays = {
            "lenet": partial(train_with_lenet, data, shared, recipe, device),
            EAGER: partial(train_with_torch, data, shared, recipe, device),
        }
        task = f"the tutorial's recipe in {precision}, {epochs} epochs of {describe(data)}"
        reports.append(compete(task, plays, EAGER, device, rounds))
    return reports


def measure_many(
    data: Dataset, device: torch.device, epochs: int, counts: list[int], rounds: int
) -> list[Report]:
    """So many networks with the tutorial's recipe at once, and the same ones in turn."""
    shared = SharedImages(data, device)
    recipe = PRESETS["tutorial"]().recipe.replace(epochs=epochs)
    reports = []
    for count in counts:
        train = partial(train_with_lenet, data, shared, recipe, device, count)
        plays = {"at once": partial(train, together=True), ALONE: train}
        task = f"{count} models, the tutorial's recipe, {epochs} epochs of {describe(data)} each"
        reports.append(compete(task, plays, ALONE, device, rounds))
    return reports


def compete(
    task: str,
    plays: dict[str, Callable[[], Outcome]],
    baseline: str,
    device: torch.device,
    rounds: int,
) -> Report:
    """Let contestants take turns after a turn that is not counted."""

    def tell(text: str) -> None:
        sys.stderr.write(f"{task}: {text}\n")

    makers = {name: partial(Contestant, name, play) for name, play in plays.items()}
    contestants, absent = find_contestants(makers, tell)
    if not contestants:
        sys.exit(f"{task}: {'; '.join(absent.values())}")
    environment = describe_environment(str(device))
    return Report(
        benchmark="gpu",
        task=task,
        threads=torch.get_num_threads(),
        unit="images/s",
        machine={name: environment[name] for name in MACHINE} | {"cuda": torch.version.cuda},
        measurements=tuple(take_turns(contestants, rounds, tell)),
        baseline=None if baseline in absent else baseline,
        absent=absent,
    )


def train_with_lenet(
    data: Dataset,
    shared: SharedImages,
    recipe: Recipe,
    device: torch.device,
    count: int = 1,
    *,
    together: bool = False,
) -> Outcome:
    """So many seeds as `lenet train` trains them, at once or in turn, without run folders."""
    trainers = [
        Trainer(
            build_model(LeNetConfig(), seed=seed),
            data,
            recipe,
            device=device,
            seed=seed,
            engine="torch",
            shared=shared,
        )
        for seed in range(count)
    ]
    started = moment(device)
    results: list[Any] = (
        train_in_lockstep(trainers) if together else [trainer.run() for trainer in trainers]
    )
    seconds = moment(device) - started
    losses = [result.train_loss for result in results if isinstance(result, TrainingResult)]
    figure = count * recipe.epochs * len(data.train) / seconds
    return Outcome(figure, sum(losses) / len(losses))


def train_with_torch(
    data: Dataset, shared: SharedImages, recipe: Recipe, device: torch.device
) -> Outcome:
    """The same by a plain loop: data on the device, and no waiting for it within an epoch."""
    placed, looked_at = (
        Batches(split, recipe.batch_size, device=device, shared=shared).placed
        for split in (data.train, data.require_test())
    )
    network = nn.Sequential(*build_model(LeNetConfig(), seed=0).children()).to(device)
    optimiser = torch.optim.SGD(network.parameters(), recipe.learning_rate)
    loss_of = nn.CrossEntropyLoss()
    count, total_loss = len(data.train), 0.0
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    allowed = recipe.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed
    started = moment(device)
    for _ in range(recipe.epochs):
        network.train()
        total = torch.zeros((), device=device)
        order = torch.randperm(count, device=device)
        for chosen in order.split(recipe.batch_size):
            images = as_floats(placed.images[chosen])
            with torch.autocast(
                device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"
            ):
                loss = loss_of(network(images), placed.labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.detach() * len(chosen)
        total_loss = float(total) / count
        network.eval()
        with torch.no_grad():
            looks = zip(looked_at.images.split(LOOK), looked_at.labels.split(LOOK), strict=True)
            right = sum((network(as_floats(x)).argmax(1) == y).sum() for x, y in looks)
        int(right)
    seconds = moment(device) - started
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
    return Outcome(recipe.epochs * count / seconds, total_loss)


def as_floats(pixels: Tensor) -> Tensor:
    """0 … 255 as 0 … 1."""
    return pixels.float().div_(255)


def moment(device: torch.device) -> float:
    """The time when the device has nothing more to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def describe(data: Dataset) -> str:
    return f"{len(data.train):,} images and a look at {len(data.require_test()):,} of `{data.name}`"


def free_path() -> Path:
    """A file of today that is not there yet."""
    stem = f"{time.strftime('%Y-%m-%d')}-gpu"
    numbers = (HISTORY / f"{stem}-{number}.json" for number in range(1, 1000))
    return next(path for path in numbers if not path.exists())


def print_report(report: Report) -> None:
    machine = report.machine
    print(report.task)
    print(f"{machine['device']}, {machine['processor']}, PyTorch {machine['torch']}")
    rows = report.rows()
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)))
    for remark in report.remarks():
        print(remark)
    print()


if __name__ == "__main__":
    main()
