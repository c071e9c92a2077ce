"""Ways to tell that a picture is no digit, on kinds of strangers that no network has learnt.

    python benchmarks/ways_of_doubt.py [--count 500]

Trains `modern` on MNIST with five seeds, and takes the bundled `digits`, which learnt other kinds
of strangers as the class `_none`. Each way gives every picture a score; it refuses those below the
score that 99 of 100 digits reach which the network reads rightly, of MNIST's test images and of
held-out hands. Printed are the area under the ROC (scikit-learn's), and the share that is refused,
as means over the kinds of `lenet.datasets.draw_strangers` and for garments of Fashion-MNIST.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import log_softmax, logsumexp, softmax
from sklearn.covariance import EmpiricalCovariance
from sklearn.metrics import roc_auc_score

import lenet
from lenet.core import none_index
from lenet.datasets import Split, draw_digits, draw_strangers, drawable_strangers
from lenet.models import ModelCard
from lenet.pictures import Pixels, prepare

Floats = npt.NDArray[np.float64]
_KEPT = 0.99  # of the digits that are read rightly
_SEEDS = 5
_RUNS = Path("runs/ways-of-doubt")


@dataclass(frozen=True)
class Seen:
    """What a network makes of pictures: its last hidden layer, (N, units), and its logits."""

    hidden: Floats
    logits: Floats  # (N, outputs), `_none` last where it is one

    @property
    def digits(self) -> Floats:
        return self.logits[:, :10]

    @property
    def logarithms(self) -> Floats:
        """Of the probabilities of the ten digits; their covariance has a pseudo-inverse alone."""
        logarithms: Floats = log_softmax(self.digits, axis=1)
        return logarithms


class Classes:
    """The means of the classes and how far pictures lie from them, by Mahalanobis' distance.

    The covariance is that within the classes, the same for all (Lee et al. 2018, "A Simple Unified
    Framework for Detecting Out-of-Distribution Samples and Adversarial Attacks", section 2.1).
    """

    def __init__(self, values: Floats, labels: npt.NDArray[np.int64]):
        self.means = np.stack([values[labels == label].mean(axis=0) for label in range(10)])
        self.covariance = EmpiricalCovariance(assume_centered=True)
        self.covariance.fit(values - self.means[labels])

    def nearness(self, values: Floats) -> Floats:
        """The larger, the nearer is a picture to a class: (N,)."""
        away = [self.covariance.mahalanobis(values - mean) for mean in self.means]
        nearest: Floats = -np.min(away, axis=0)
        return nearest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500, help="pictures of each kind")
    count = parser.parse_args().count
    mnist = lenet.load_dataset("mnist")
    test, learnt = mnist.require_test(), mnist.train.take(np.arange(20_000))
    hands = draw_digits(count * 2, part="held-out", kinds=("strokes",))
    asked = test.joined(hands)
    strangers = {
        kind: draw_strangers(count, part="held-out", kinds=(kind,)).images
        for kind in drawable_strangers("held-out")
    }
    garments = lenet.load_dataset("fashion-mnist").require_test().images[: 4 * count, 0]
    strangers["garments"] = np.stack([prepare(one, mnist.preparation) for one in garments])

    runs = [
        lenet.train(
            dataset="mnist", preset="modern", seed=seed, reuse=True, runs_folder=_RUNS, listeners=[]
        )
        for seed in range(_SEEDS)
    ]
    print(f"{'':<44}   area  refused  garments")
    members = [lenet.load(run) for run in runs]
    show_ways("trained on MNIST, ", members[0], learnt, asked, strangers)

    def together(pictures: Pixels) -> Floats:
        shares = [softmax(see(*member, pictures).logits, axis=1) for member in members]
        mean: Floats = np.mean(shares, axis=0)
        return mean

    mean = together(asked.images)
    show(
        f"mean probability of {_SEEDS} networks",
        mean.max(axis=1)[mean.argmax(axis=1) == asked.labels],
        {name: together(pictures).max(axis=1) for name, pictures in strangers.items()},
    )
    show_ways("digits, ", lenet.load("digits"), learnt, asked, strangers)


def show_ways(
    name: str,
    opened: tuple[torch.nn.Sequential, ModelCard],
    learnt: Split,
    asked: Split,
    strangers: dict[str, Pixels],
) -> None:
    """Print a row for each way with one network."""
    known = see(*opened, learnt.images)
    hidden, logits, logarithms = (
        Classes(one, learnt.labels) for one in (known.hidden, known.digits, known.logarithms)
    )
    ways: dict[str, Callable[[Seen], Floats]] = {
        "largest probability of ten": lambda seen: softmax(seen.digits, axis=1).max(axis=1),
        "largest logit": lambda seen: seen.digits.max(axis=1),
        "energy of the ten logits": lambda seen: logsumexp(seen.digits, axis=1),
        "distance to a class, last hidden layer": lambda seen: hidden.nearness(seen.hidden),
        "distance to a class, logits": lambda seen: logits.nearness(seen.digits),
        "distance to a class, log probabilities": lambda seen: logarithms.nearness(seen.logarithms),
    }
    if none_index(opened[1].class_names) is not None:
        ways["probability beside `_none`"] = lambda seen: softmax(seen.logits, axis=1)[:, :10].max(
            axis=1
        )
    digits = see(*opened, asked.images)
    is_right = digits.digits.argmax(axis=1) == asked.labels
    others = {kind: see(*opened, pictures) for kind, pictures in strangers.items()}
    print(f"{name}{is_right.mean():.4f} of {len(asked):,} digits right")
    for way, score in ways.items():
        show(way, score(digits)[is_right], {kind: score(seen) for kind, seen in others.items()})


def show(way: str, kept: Floats, strangers: dict[str, Floats]) -> None:
    """Print the row of a way from its scores for digits and for strangers."""
    least = np.quantile(kept, 1 - _KEPT)
    areas, refused = {}, {}
    for kind, scores in strangers.items():
        is_digit = np.repeat([1, 0], [len(kept), len(scores)])
        areas[kind] = roc_auc_score(is_digit, np.concatenate([kept, scores]))
        refused[kind] = float((scores < least).mean())
    garments = refused.pop("garments")
    area = np.mean([areas[kind] for kind in refused])
    share = np.mean(list(refused.values()))
    print(f"  {way:<42} {area:6.4f}  {share:7.4f}  {garments:8.4f}", flush=True)


def see(network: torch.nn.Sequential, card: ModelCard, images: Pixels) -> Seen:
    """Let a network look at images, uint8 (N, 1, H, W)."""
    norm = card.normalisation
    pixels = torch.from_numpy(images.astype(np.float32) / np.float32(255))
    with torch.no_grad():
        hidden = torch.cat(
            [network[:-1](one) for one in ((pixels - norm.mean) / norm.std).split(1000)]
        )
        return Seen(hidden.double().numpy(), network[-1](hidden).double().numpy())


if __name__ == "__main__":
    main()
