"""How well a network learns from few images of one's own, with and without a validation split.

Trains on draws from the training images of MNIST and Fashion-MNIST as if they were one's own, and
scores on 3,000 others of the training images; the test images are not touched.

    python benchmarks/few_images.py
"""

import tempfile

import numpy as np

import lenet
from lenet.datasets import Dataset
from lenet.training import own

COUNTS = (100, 500, 2000)
SEEDS = (0, 1, 2)
LEFT_FOR_SCORING = 3000


def draw(name: str, count: int, seed: int) -> Dataset:
    """So many training images, and others to score on."""
    everything = lenet.load_dataset(name)
    border = len(everything.train) - LEFT_FOR_SCORING
    order = np.random.default_rng(seed).permutation(border)
    train = everything.train.take(np.sort(order[:count]))
    others = everything.train.take(np.arange(border, len(everything.train)))
    return Dataset("own", everything.class_names, train, others)


def accuracy(data: Dataset, seed: int, validation: float) -> float:
    """What the preset for one's own images reaches."""
    left = data.with_validation(validation).train if validation else data.train
    preset = own(len(data.train), held_out=len(data.train) - len(left))
    recipe = preset.recipe.replace(validation=validation)
    with tempfile.TemporaryDirectory() as folder:
        run = lenet.train(
            preset.model,
            data,
            recipe,
            seed=seed,
            threads=1,
            runs_folder=folder,
            listeners=[],
            **preset.settings,
        )
        assert run.result.test_accuracy is not None
        return run.result.test_accuracy


def main() -> None:
    for count in COUNTS:
        cells = [f"{count:,}"]
        for name in ("mnist", "fashion-mnist"):
            for validation in (0.1, 0.0):
                scores = [accuracy(draw(name, count, seed), seed, validation) for seed in SEEDS]
                cells.append(f"{np.mean(scores):.3f} ± {np.std(scores, ddof=1):.3f}")
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
