"""The model card of a folder for a hub: what people and the hub read first."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lenet.errors import RunError
from lenet.export._trained_network import TrainedNetwork
from lenet.models import BUNDLED, CUSTOM, ModelCard, count_weights
from lenet.results import Evaluation, frequent_confusions, score_predictions
from lenet.runs import LIBRARY

# The names that the hub has for datasets.
_HUB_DATASETS = {"mnist": "ylecun/mnist", "fashion-mnist": "zalando-datasets/fashion_mnist"}
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
probabilities, decision = session.run(None, {{"images": images}})
print("none of these" if decision[0] < 0 else class_names[decision[0]], probabilities[0])
"""
_MARKUP = re.compile(r"([\\`*_\[\]#|~$])")
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
# What a quoted YAML scalar may not hold as it is, or would fold: YAML 1.2, sections 5.1 and 5.7.
_SPECIAL = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")
_PLAIN_KEY = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[a-z][a-z_-]*")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

Scalar = str | int | float | bool
Value = Scalar | Mapping[str, "Value"] | Sequence["Value"]


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
        _limits(trained.card),
        "## How it was trained",
        _training(trained),
        "## Where it comes from",
        _provenance(trained),
    ]
    return "\n\n".join(sections) + "\n"


def with_licence_of(earlier: str, card: str) -> str:
    """A model card with the licence that an earlier one has, if a person has named one there."""
    metadata = earlier.partition("\n---")[0] if earlier.startswith("---\n") else ""
    lines = re.findall(r"^license(?:_\w+)?:.*$", metadata, re.MULTILINE)
    if not any(line.startswith("license:") for line in lines) or _NO_LICENCE in lines:
        return card
    return card.replace(_NO_LICENCE, "\n".join(lines), 1).replace(_LICENCE_NOTE, "")


def _scores(trained: TrainedNetwork) -> Evaluation:
    classes, are_real = trained.card.classes, trained.labels != trained.card.none_index
    given = trained.probabilities[np.arange(len(trained.labels)), trained.labels][are_real]
    return score_predictions(
        trained.labels[are_real],
        trained.probabilities[are_real, : len(classes)].argmax(axis=1),
        classes,
        loss=float(-np.log(np.maximum(given, np.finfo(np.float64).tiny)).mean()),
        dataset=trained.dataset,
        split=trained.split,
    )


def _metadata(trained: TrainedNetwork, scores: Evaluation) -> dict[str, Any]:
    """What the hub reads: https://github.com/huggingface/hub-docs/blob/main/modelcard.md."""
    known = _HUB_DATASETS.get(trained.dataset)
    metrics = (
        ("accuracy", scores.accuracy, "Accuracy"),
        ("f1", scores.macro_f1, "F1, mean of the classes"),
        ("loss", scores.loss, "Cross-entropy, calibrated, in nats"),
    )
    results = {
        "task": {"type": "image-classification", "name": "Image classification"},
        "dataset": {
            "type": known or trained.dataset,
            "name": trained.dataset,
            "split": scores.split,
        },
        "metrics": [
            {"type": kind, "value": round(value, 6), "name": name} for kind, value, name in metrics
        ],
    }
    metadata: dict[str, Any] = {
        "license": _licence(trained),
        "library_name": LIBRARY,
        "pipeline_tag": "image-classification",
        "tags": [LIBRARY, "image-classification", "onnx", "safetensors"],
        "metrics": ["accuracy", "f1"],
        "model-index": [{"name": trained.name, "results": [results]}],
    }
    trained_on = _HUB_DATASETS.get(trained.card.dataset)
    return metadata | ({"datasets": [trained_on]} if trained_on else {})


def _licence(trained: TrainedNetwork) -> str:
    """The licence, which for one's own network nobody but its maker knows."""
    return "mit" if trained.path in BUNDLED.values() else "unknown"


def _what_it_is(trained: TrainedNetwork, scores: Evaluation) -> str:
    card = trained.card
    channels, height, width = card.input_shape
    weights = count_weights(trained.network)
    colours = "grey images" if channels == 1 else "colour images"
    names = ", ".join(escaped(name) for name in card.classes)
    return (
        f"A small network that tells {len(card.classes)} classes apart in {colours} of "
        f"{height}×{width} pixels: `{card.model}` of the "
        f"Python package lenet, {weights:,} parameters, trained on {escaped(card.dataset)}. On the "
        f"{scores.split} images {_percent(scores.accuracy)} of its answers are right.\n\n"
        f"Classes: {names}."
    )


def _results(scores: Evaluation) -> str:
    low, high = scores.interval
    f1s = [(one.f1, one.name) for one in scores.classes if one.f1 is not None]
    lowest, hardest = min(f1s, key=lambda one: one[0])
    rows = [
        [
            escaped(one.name),
            *("–" if x is None else f"{x:.3f}" for x in (one.precision, one.recall, one.f1)),
            one.images,
        ]
        for one in scores.classes
    ]
    parts = [
        f"Measured on the {scores.split} split of {escaped(scores.dataset)}, {scores.images:,} "
        f"images: accuracy {_percent(scores.accuracy)} (95 % interval {_percent(low)} to "
        f"{_percent(high)}), mean F1 of the classes {scores.macro_f1:.3f}, cross-entropy "
        f"{scores.loss:.4f} with the calibrated probabilities. Hardest is "
        f"{escaped(hardest)}, with an F1 of {lowest:.3f}.",
        markdown_table(["class", "precision", "recall", "F1", "images"], rows),
    ]
    mistakes = [
        [escaped(one.true), escaped(one.given), f"{one.count} of {one.images}"]
        for one in frequent_confusions(scores)
    ]
    if not mistakes:
        return "\n\n".join([*parts, "It makes no mistake on these images."])
    table = markdown_table(["is", "taken for", "how often"], mistakes)
    return "\n\n".join([*parts, "What is taken for what most often:", table])


def _use(trained: TrainedNetwork) -> str:
    card, preparation = trained.card, trained.card.preparation
    shape = ", ".join(map(str, card.input_shape))
    method = _METHODS[preparation.method].format(margin=preparation.margin)
    colours = "grey" if preparation.channels == 1 else "red, green and blue"
    ends = preparation.pixel_range
    values = "; values from {:g} to {:g} become 0 to 255".format(*ends) if ends else ""
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
            f"How a picture becomes an image: {method}; {colours}, {preparation.height}×"
            f"{preparation.width}, {_POLARITIES[preparation.polarity]}{values}.",
        ]
    )


def _limits(card: ModelCard) -> str:
    calibration = card.calibration
    doubt = "Its probabilities are not calibrated: take them for an order, not for odds."
    if calibration.images:
        doubt = (
            f"Its probabilities are calibrated on {calibration.images:,} images that were held "
            f"out (temperature {calibration.temperature:.3f}). An answer below "
            f"{_percent(calibration.threshold)} is best taken for none of the classes, as lenet "
            "does"
        )
        if calibration.answered_right:
            doubt += f"; of the others {_percent(calibration.answered_right)} were right there"
        doubt += "."
    if calibration.means:
        doubt += (
            " So is what lies farther from every class than `reach` of its `calibration` says, "
            "however likely a class is."
        )
    if card.none_index is not None:
        doubt += (
            " Its last output was taught by counter-examples and is the share of what is none of "
            "the classes: where it is larger than that of the likeliest class, this is no answer."
        )
    others = " alone" if card.none_index is None else " and what it was shown for none of them"
    empty = "An empty picture is none of the classes for lenet, whatever the probabilities are."
    if card.answers_blank:
        empty = "Empty pictures are of one of its classes, and are answered like any other."
    return (
        "It is for pictures like those that it was trained on, for teaching, and for small "
        f"devices. It knows its classes{others}: whatever it is shown, it gives them probabilities "
        "that sum up to 1. It was not tested for decisions about people, and should not make "
        f"any.\n\n{doubt} {empty}"
    )


def _training(trained: TrainedNetwork) -> str:
    card = trained.card
    rows = [
        [escaped(name.replace("_", " ")), escaped(_as_typed(value))]
        for name, value in {**card.config, **card.recipe}.items()
        if value not in (0, "", None, [])
        and name != "input_shape"
        and not (name.startswith("step_") and card.recipe.get("schedule") != "step")
    ]
    said = f"On {escaped(card.dataset)}, with these settings; what is zero or off is left out."
    said = said if card.recipe else "The model file does not say how it was trained."
    return f"{said}\n\n{markdown_table(['setting', 'value'], rows)}"


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
    note = _LICENCE_NOTE if _licence(trained) == "unknown" else ""
    return markdown_table(["what", "which"], rows) + note


def _as_typed(value: Any) -> str:
    if isinstance(value, bool):
        return "yes"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def escaped(text: str) -> str:
    r"""A text within a line of Markdown that is read as it is.

    >>> print(escaped("a|b <i>*c*\n#1"))
    a\|b &lt;i&gt;\*c\* \#1
    """
    shown = _UNSHOWABLE.sub(" ", text).replace("&", "&amp;").replace("<", "&lt;")
    return _MARKUP.sub(r"\\\1", shown.replace(">", "&gt;"))


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of cells that are Markdown already.

    >>> print(markdown_table(["class", "images"], [["coat", "7"]]))
    | class | images |
    | --- | --- |
    | coat | 7 |
    """
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)


def to_yaml(values: Mapping[str, Value]) -> str:
    r"""YAML of plain values, the subset that a model card's front matter needs.

    Texts are quoted, so that `no`, `1e3` or `a: b` stay texts.

    Args:
        values: Texts, numbers, and mappings and lists of them, which are not empty.

    >>> print(to_yaml({"tags": ["lenet", "no"], "model-index": [{"name": "a: \n", "value": 0.5}]}))
    tags:
      - "lenet"
      - "no"
    model-index:
      - name: "a: \n"
        value: 0.5
    """
    return "\n".join(_mapping_lines(values))


def _mapping_lines(values: Mapping[str, Value]) -> Iterator[str]:
    """A line for each scalar in a mapping."""
    for key, value in values.items():
        name = key if _PLAIN_KEY.fullmatch(key) else _scalar(key)
        if isinstance(value, Mapping):
            yield f"{name}:"
            yield from (f"  {line}" for line in _mapping_lines(value))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield f"{name}:"
            for item in value:
                lines = _mapping_lines(item) if isinstance(item, Mapping) else iter([_scalar(item)])
                yield f"  - {next(lines)}"
                yield from (f"    {line}" for line in lines)
        else:
            yield f"{name}: {_scalar(value)}"


def _scalar(value: Value) -> str:
    """A text in double quotes, where JSON and YAML agree; or a number."""
    if not isinstance(value, str):
        number = json.dumps(value, allow_nan=False)
        return re.sub(r"^(-?\d+)e", r"\1.0e", number)  # YAML 1.1 takes `5e-05` for a text
    shown = _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
    return _SPECIAL.sub(
        lambda found: f"\\u{ord(found[0]):04x}", json.dumps(shown, ensure_ascii=False)
    )
