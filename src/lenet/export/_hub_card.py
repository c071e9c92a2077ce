"""The model card of a folder for a hub: what people and the hub read first."""

import re
from typing import Any

import numpy as np

from lenet.errors import RunError
from lenet.export._markdown import escaped, markdown_table
from lenet.export._trained_network import TrainedNetwork
from lenet.export._yaml import to_yaml
from lenet.models import BUNDLED, CUSTOM
from lenet.pictures import Preparation
from lenet.results import Evaluation, frequent_confusions, score_predictions
from lenet.runs import LIBRARY

# The names that the hub has for datasets.
_HUB_DATASETS = {
    "mnist": "ylecun/mnist",
    "fashion-mnist": "zalando-datasets/fashion_mnist",
}
_NO_LICENCE = 'license: "unknown"'
_LICENCE_NOTE = "\n\nNo licence is given yet: whoever publishes this names one at the top."
_METHODS = {
    "symbol": "the ink is found, fitted into the frame with a margin of {margin} pixels, and its "
    "centre of mass put into the middle, as the makers of MNIST did",
    "object": "the thing that stands out from the border is fitted into the frame, as the makers "
    "of Fashion-MNIST did",
    "plain": "the whole picture is fitted into the frame",
}
_POLARITIES = {
    "light-on-dark": "light on dark ground",
    "dark-on-light": "dark on light ground",
    "as-is": "as the picture has it",
}
_USE_LENET = """\
import lenet

for answer in lenet.predict(".", "picture.png"):
    print(answer.class_name, answer.probability)
"""
_USE_ONNX = """\
import json

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
class_names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
images = np.zeros((1, {shape}), np.uint8)  # your images, any number of them
(probabilities,) = session.run(None, {{"images": images}})
print(class_names[probabilities[0].argmax()], probabilities[0].max())
"""


def model_card_text(trained: TrainedNetwork) -> str:
    """A network's model card: metadata as YAML, as the hub specifies it, then Markdown.

    Source: Mitchell et al. (2019), "Model cards for model reporting", for what belongs into one.
    """
    scores = _scores(trained)
    sections = [
        f"---\n{to_yaml(_metadata(trained, scores))}\n---",
        f"# {escaped(trained.name)}",
        _what_it_is(trained, scores),
        "## Results",
        _results(scores),
        "## How to use it",
        _use(trained),
        "## What it is for, and what not",
        _limits(trained),
        "## How it was trained",
        _training(trained),
        "## Where it comes from",
        _provenance(trained),
    ]
    return "\n\n".join(sections) + "\n"


def with_licence_of(earlier: str, card: str) -> str:
    """A model card with the licence that another one has, if that names one.

    Args:
        earlier: The other one, perhaps edited: `license`, and what the hub knows besides, such as
            `license_name`, each on a line of its own.
        card: As `model_card_text` makes it.
    """
    metadata = earlier.partition("\n---")[0] if earlier.startswith("---\n") else ""
    lines = re.findall(r"^license(?:_\w+)?:.*$", metadata, re.MULTILINE)
    if not any(line.startswith("license:") for line in lines) or _NO_LICENCE in lines:
        return card
    return card.replace(_NO_LICENCE, "\n".join(lines), 1).replace(_LICENCE_NOTE, "")


def _scores(trained: TrainedNetwork) -> Evaluation:
    """How good PyTorch's answers are."""
    given = trained.probabilities[np.arange(len(trained.labels)), trained.labels]
    return score_predictions(
        trained.labels,
        trained.probabilities.argmax(axis=1),
        trained.card.class_names,
        loss=float(-np.log(np.maximum(given, np.finfo(np.float64).tiny)).mean()),
        dataset=trained.dataset,
        split=trained.split,
    )


def _metadata(trained: TrainedNetwork, scores: Evaluation) -> dict[str, Any]:
    """What the hub reads: https://github.com/huggingface/hub-docs/blob/main/modelcard.md."""
    known = _HUB_DATASETS.get(trained.dataset)
    metadata: dict[str, Any] = {
        "license": _licence(trained),
        "library_name": LIBRARY,
        "pipeline_tag": "image-classification",
        "tags": [LIBRARY, "image-classification", "onnx", "safetensors"],
        "metrics": ["accuracy", "f1"],
        "model-index": [
            {
                "name": trained.name,
                "results": [
                    {
                        "task": {"type": "image-classification", "name": "Image classification"},
                        "dataset": {
                            "type": known or trained.dataset,
                            "name": trained.dataset,
                            "split": scores.split,
                        },
                        "metrics": [
                            _metric("accuracy", scores.accuracy, "Accuracy"),
                            _metric("f1", _macro_f1(scores), "F1, mean of the classes"),
                            _metric("loss", scores.loss, "Cross-entropy, calibrated, in nats"),
                        ],
                    }
                ],
            }
        ],
    }
    trained_on = _HUB_DATASETS.get(trained.card.dataset)
    return metadata | ({"datasets": [trained_on]} if trained_on else {})


def _licence(trained: TrainedNetwork) -> str:
    """The licence, which for one's own network nobody but its maker knows."""
    return "mit" if trained.path in BUNDLED.values() else "unknown"


def _metric(kind: str, value: float, name: str) -> dict[str, Any]:
    """A score as the hub shows it."""
    return {"type": kind, "value": round(value, 6), "name": name}


def _macro_f1(scores: Evaluation) -> float:
    """The mean of the classes' F1 scores."""
    return float(np.mean([score.f1 for score in scores.classes]))


def _what_it_is(trained: TrainedNetwork, scores: Evaluation) -> str:
    card = trained.card
    channels, height, width = card.input_shape
    weights = sum(parameter.numel() for parameter in trained.network.parameters())
    colours = "grey images" if channels == 1 else "colour images"
    names = ", ".join(escaped(name) for name in card.class_names)
    return (
        f"A small network that tells {len(card.class_names)} classes apart in {colours} of "
        f"{height}×{width} pixels: `{card.model}` of the "
        f"Python package lenet, {weights:,} parameters, trained on {escaped(card.dataset)}. On the "
        f"{scores.split} images {_percent(scores.accuracy)} of its answers are right.\n\n"
        f"Classes: {names}."
    )


def _results(scores: Evaluation) -> str:
    low, high = scores.interval
    worst = min((score for score in scores.classes if score.images), key=lambda score: score.f1)
    parts = [
        f"Measured on the {scores.split} split of {escaped(scores.dataset)}, {scores.images:,} "
        f"images: accuracy {_percent(scores.accuracy)} (95 % interval {_percent(low)} to "
        f"{_percent(high)}), mean F1 of the classes {_macro_f1(scores):.3f}, cross-entropy "
        f"{scores.loss:.4f} with the calibrated probabilities. Hardest is "
        f"{escaped(worst.name)}, with an F1 of {worst.f1:.3f}.",
        markdown_table(
            ["class", "precision", "recall", "F1", "images"],
            [
                [
                    escaped(score.name),
                    *(f"{share:.3f}" for share in (score.precision, score.recall, score.f1)),
                    str(score.images),
                ]
                for score in scores.classes
            ],
        ),
    ]
    if confusions := frequent_confusions(scores):
        parts += [
            "What is taken for what most often:",
            markdown_table(
                ["is", "taken for", "how often"],
                [
                    [escaped(one.true), escaped(one.given), f"{one.count} of {one.images}"]
                    for one in confusions
                ],
            ),
        ]
    else:
        parts.append("It makes no mistake on these images.")
    return "\n\n".join(parts)


def _use(trained: TrainedNetwork) -> str:
    card = trained.card
    shape = ", ".join(map(str, card.input_shape))
    with_lenet = [
        "In this folder, with the Python package lenet, which brings pictures of any size into "
        "the form that the network was taught on:",
        f"```python\n{_USE_LENET}```",
    ]
    return "\n\n".join(
        [
            *(with_lenet if card.model != CUSTOM else []),
            "With onnxruntime alone. Normalisation and softmax are in the file; the images must be "
            f"prepared as below, uint8 (N, {shape}).",
            f"```python\n{_USE_ONNX.format(shape=shape)}```",
            f"How a picture becomes an image: {_preparation_in_words(card.preparation)}.",
        ]
    )


def _preparation_in_words(preparation: Preparation) -> str:
    colours = "grey" if preparation.channels == 1 else "red, green and blue"
    ends = preparation.pixel_range
    return (
        f"{_METHODS[preparation.method].format(margin=preparation.margin)}; {colours}, "
        f"{preparation.height}×{preparation.width}, {_POLARITIES[preparation.polarity]}"
        + ("; values from {:g} to {:g} become 0 to 255".format(*ends) if ends else "")
    )


def _limits(trained: TrainedNetwork) -> str:
    card = trained.card
    parts = [
        "It is for pictures like those that it was trained on, for teaching, and for small "
        "devices. It knows its classes alone: whatever it is shown, it gives them probabilities "
        "that sum up to 1. It was not tested for decisions about people, and should not make any.",
    ]
    if card.calibration.images:
        parts.append(
            f"Its probabilities are calibrated on {card.calibration.images:,} images that were "
            f"held out (temperature {card.calibration.temperature:.3f}). An answer "
            f"below {card.calibration.threshold:.2f} is best taken for none of the classes, as "
            "lenet does."
        )
    else:
        parts.append("Its probabilities are not calibrated: take them for an order, not for odds.")
    return "\n\n".join(parts)


def _training(trained: TrainedNetwork) -> str:
    card = trained.card
    rows = [
        [escaped(name.replace("_", " ")), escaped(_as_typed(value))]
        for name, value in {**card.config, **card.recipe}.items()
        if value not in (0, "", None, [])
        and name != "input_shape"
        and not (name.startswith("step_") and card.recipe.get("schedule") != "step")
    ]
    return "\n\n".join(
        [
            f"On {escaped(card.dataset)}, with these settings; what is zero or off is left out."
            if card.recipe
            else "The model file does not say how it was trained.",
            markdown_table(["setting", "value"], rows),
        ]
    )


def _provenance(trained: TrainedNetwork) -> str:
    rows = [["written by", f"lenet {escaped(trained.card.version)}"]]
    if run := trained.run:
        try:
            environment = run.environment
        except RunError:  # the file is no part of what the network computes
            environment = {}
        rows += [
            ["run", escaped(run.name)],
            ["preset", escaped(run.config.preset)],
            ["seed", str(run.config.seed)],
            ["SHA-256 of images and labels", f"`{run.config.fingerprint}`"],
        ]
        rows += [
            [title, escaped(str(environment[name]))]
            for name, title in (("torch", "PyTorch"), ("git_commit", "git commit"))
            if environment.get(name)
        ]
    rows.append(["checked on", f"{escaped(trained.dataset)}, {trained.split} split"])
    table = markdown_table(["what", "which"], rows)
    if _licence(trained) != "unknown":
        return table
    return table + _LICENCE_NOTE


def _as_typed(value: Any) -> str:
    """A setting as it would be typed."""
    if isinstance(value, bool):
        return "yes"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _percent(share: float) -> str:
    """A share in per cent."""
    return f"{100 * share:.2f} %"
