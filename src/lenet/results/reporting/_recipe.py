import shlex
from collections.abc import Iterable
from typing import Any

from lenet.core import field_help
from lenet.datasets import dataset_names
from lenet.errors import LenetError
from lenet.models import CUSTOM, MODELS, SEQUENTIAL, ModelConfig, model_config, summarise
from lenet.results._wording import as_typed
from lenet.results.page._page import Element, Node, Section, element
from lenet.results.page._parts import Column, beside, code_block, facts, paragraph, remark, table
from lenet.results.reporting._findings import Findings
from lenet.runs import NETWORK_FILE, Run, RunConfig
from lenet.training import Recipe, preset_for

_METHODS = {
    "symbol": "the ink is found, fitted into a box and its centre of mass put into the middle, as "
    "in MNIST",
    "object": "what stands out from the border is fitted into the frame, as in Fashion-MNIST",
    "plain": "the whole picture is fitted into the frame",
}
_SHAPE = {"input_shape", "classes"}  # which the data decides
_ENVIRONMENT = {
    "lenet": "lenet",
    "python": "Python",
    "torch": "PyTorch",
    "numpy": "NumPy",
    "platform": "system",
    "processor": "processor",
    "device": "device",
    "kernels": "compiled kernels",
    "git_commit": "git commit",
}


def network_section(findings: Findings) -> Section:
    """The layers, and how a picture becomes what the first of them takes."""
    card = findings.answers.card
    layers = summarise(findings.answers.network, (1, *card.input_shape))
    rows = [
        [
            layer.name,
            " × ".join(map(str, layer.output_shape[1:])),
            f"{layer.parameters:,}" if layer.parameters else "",
            f"{layer.multiply_accumulates:,}" if layer.multiply_accumulates else "",
        ]
        for layer in layers
    ]
    weights = sum(layer.parameters for layer in layers)
    work = sum(layer.multiply_accumulates for layer in layers)
    rows.append(["together", "", f"{weights:,}", f"{work:,}"])
    numbers = ("gives", "parameters", "multiply-adds")
    columns = [Column("layer"), *(Column(name, is_number=True) for name in numbers)]
    preparation, normalisation = card.preparation, card.normalisation
    channels, height, width = card.input_shape
    colours = "grey" if channels == 1 else "colour" if channels == 3 else f"{channels} channels"
    ends = " and ".join(f"{end:g}" for end in preparation.pixel_range or ())
    told = (
        ("image", f"{height} × {width}, {colours}"),
        ("ground and ink", preparation.polarity.replace("-", " ")),
        ("free margin", f"{preparation.margin} px"),
        ("black and white", ends),
        ("subtracted from pixels / 255", f"{normalisation.mean:.4g}"),
        ("divided by then", f"{normalisation.std:.4g}"),
    )
    described = facts((name, value) for name, value in told if value)
    said = paragraph(f"How a picture becomes an image: {_METHODS[preparation.method]}.")
    layers_table = table(columns, rows, f"The layers of {card.model}, for one image")
    made = element("div", said, described)
    return Section("The network", "network", (beside(layers_table, made),))


def recipe_section(findings: Findings) -> Section:
    """Which settings the network was made with, those that were changed first."""
    card = findings.answers.card
    network = MODELS.get(card.model, ModelConfig)
    settings = [
        *_compared(card.config, network().to_dict(), field_help(network)),
        *_compared(card.recipe, Recipe().to_dict(), field_help(Recipe)),
    ]
    changed = [one for one in settings if one[1] != one[2]]
    kept = [one for one in settings if one[1] == one[2]]
    preset = f"It began from the preset {findings.run.config.preset}. " if findings.run else ""
    content: list[Node] = [
        paragraph(f"{preset}Settings that differ from the tutorial's:")
        if changed
        else paragraph(f"{preset}All settings are the tutorial's.")
    ]
    if changed:
        content.append(_table(changed, "Settings that were changed", emphasise=True))
    if not card.recipe:
        content.append(paragraph("The model file does not say how it was trained."))
    if kept:
        content.append(
            element(
                "details",
                element("summary", f"The other {len(kept)} settings, as in the tutorial"),
                _table(kept, "Settings as in the tutorial", emphasise=False),
            )
        )
    return Section("The recipe", "recipe", tuple(content))


def again_section(findings: Findings) -> Section | None:
    """How to train the network again, how to go on, and what it was trained on."""
    run = findings.run
    if run is None:
        return None
    folder = shlex.quote(str(run.folder))
    is_known = run.config.source is not None or run.config.dataset in dataset_names()
    whose = "" if is_known else "; `--data` is where the images are"
    content: list[Node] = [
        paragraph(f"This trains it again, to the same bits on the same machine{whose}:"),
        code_block(training_command(run.config)),
    ]
    if not run.is_complete:
        content += [
            paragraph("The training is not complete; this goes on with it:"),
            code_block(f"lenet train --resume {folder}"),
        ]
    content += [
        paragraph("To go on from here:"),
        code_block(f"lenet evaluate {folder}\nlenet report {folder}"),
        element("h3", "What it was trained on"),
        _environment(run),
    ]
    return Section("Do it again", "again", tuple(content))


def _environment(run: Run) -> Element:
    try:
        environment = run.environment
    except LenetError:  # the file is no part of what the network computes
        environment = {}
    known: list[tuple[str, Node]] = [
        (title, str(environment[name]))
        for name, title in _ENVIRONMENT.items()
        if environment.get(name)
    ]
    config = run.config
    known += [("seed", str(config.seed)), ("CPU threads", str(config.threads))]
    started: list[Any] = environment.get("command") or []
    if started:
        known.append(("started by", element("code", shlex.join(map(str, started)))))
    return facts(known)


def _compared(
    values: dict[str, Any], defaults: dict[str, Any], explained: dict[str, str]
) -> Iterable[tuple[str, str, str, str]]:
    """Each setting's name, value, default and meaning."""
    for name, value in values.items():
        if name not in _SHAPE:
            default = as_typed(defaults[name]) if name in defaults else ""
            yield name.replace("_", " "), as_typed(value), default, explained.get(name, "")


def _table(settings: list[tuple[str, str, str, str]], caption: str, *, emphasise: bool) -> Element:
    rows: list[list[Node]] = []
    for name, value, default, meaning in settings:
        explained = element("span", name, remark(meaning.replace("`", "")))
        rows.append(
            [explained, element("strong", value), default] if emphasise else [explained, value]
        )
    columns = [Column("setting"), Column("here"), *([Column("tutorial")] if emphasise else [])]
    return table(columns, rows, caption, class_="settings")


def training_command(config: RunConfig) -> str:
    """The command that trains a network again as a run did.

    Weights of a network that was handed over ready-built are not to be had from it.

    >>> import tempfile, lenet
    >>> run = lenet.train(dataset="digits", epochs=1, threads=1, runs_folder=tempfile.mkdtemp(),
    ...                   listeners=[])
    >>> training_command(run.config)
    'lenet train --data digits --preset digits --seed 0 --device cpu --threads 1 --epochs 1'
    """
    preset = preset_for(config.dataset, config.preset)
    data = [config.dataset] if config.source is None else config.source.as_options()
    words = ["lenet", "train", "--data", *data, "--preset", config.preset]
    if config.model == SEQUENTIAL:
        words += ["--network", NETWORK_FILE]
    elif config.model != preset.model:
        words += ["--model", config.model]
    words += ["--seed", str(config.seed), "--device", config.device]
    words += ["--threads", str(config.threads)]
    if config.engine != "native" and config.device == "cpu":
        words += ["--engine", config.engine]
    settings = config.settings.to_dict()
    usual = dict(settings)
    if config.model not in (SEQUENTIAL, CUSTOM):
        shape = {name: settings[name] for name in ("input_shape", "classes")}
        from_preset = preset.settings if config.model == preset.model else {}
        usual = model_config(config.model, {**shape, **from_preset}).to_dict()
    usual |= preset.recipe.to_dict()
    for name, value in {**settings, **config.recipe.to_dict()}.items():
        if value == usual[name]:
            continue
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", as_typed(value)]
    return shlex.join(words)
