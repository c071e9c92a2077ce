"""Every drawing of the package, of images whose files, classes and dataset have Chinese names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

import lenet
from lenet.datasets import Dataset, Split, draw_contact_sheet
from lenet.experiments import (
    SweepTrial,
    compare_runs,
    draw_comparison,
    draw_history,
    draw_importance,
)
from lenet.results import (
    draw_activations,
    draw_confusion,
    draw_filters,
    draw_map,
    draw_neighbours,
    draw_roc,
    draw_saliency,
)
from lenet.serving import draw_predictions
from lenet.training import draw_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("毛衣", "外套", "T恤短袖")


def every_drawing() -> dict[str, Figure]:
    """The figures by the names of the functions; leaves a run in the current folder."""
    generator = np.random.default_rng(0)
    images = generator.integers(256, size=(36, 1, 28, 28), dtype=np.uint8)
    labels = np.arange(36) % 3
    splits = Split(images[:24], labels[:24]), Split(images[24:], labels[24:])
    data = Dataset("衣服", NAMES, *splits)
    run = lenet.train(dataset=data, epochs=1, batch_size=8)
    picture = data.train.images[0, 0]
    path = Path("图片.png")
    Image.fromarray(picture).save(path)
    strangers = lenet.evaluate(run, data, strangers=()).strangers
    assert strangers is not None
    found = lenet.inspect_network(run, [path, "class:外套"], data)
    trials = [SweepTrial(0, "complete", {}, 0, 0.5), SweepTrial(1, "complete", {}, 1, 0.6)]
    return {
        "draw_activations": draw_activations(found),
        "draw_comparison": draw_comparison(compare_runs([run], data), data.name),
        "draw_confusion": draw_confusion(lenet.evaluate(run, data), data.name),
        "draw_contact_sheet": draw_contact_sheet(data),
        "draw_curves": draw_curves(run.history, 1, data.name),
        "draw_filters": draw_filters(found),
        "draw_history": draw_history(trials, data.name),
        "draw_importance": draw_importance({"learning_rate": 1.0}, 2, data.name),
        "draw_map": draw_map(found),
        "draw_neighbours": draw_neighbours(found),
        "draw_predictions": draw_predictions(lenet.predict(run, [path]), [picture]),
        "draw_roc": draw_roc(strangers, data.name),
        "draw_saliency": draw_saliency(found),
    }
