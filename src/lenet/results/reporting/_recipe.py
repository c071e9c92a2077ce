import shlex
from collections.abc import Iterable
from typing import Any

from lenet.core import field_help
from lenet.datasets import dataset_names
from lenet.errors import LenetError
from lenet.models import MODELS
from lenet.results.pages._element import Element, Node, element
from lenet.results.pages._page import Section
from lenet.results.pages._parts import Column, code_block, facts, paragraph, remark, table
from lenet.results.reporting._findings import Findings
from lenet.results.reporting._training_command import training_command
from lenet.results.reporting._wording import as_typed, in_words
from lenet.runs import Run
from lenet.training import Recipe

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


def recipe_section(findings: Findings) -> Section:
    """Which settings the network was made with, those that were changed first."""
    card = findings.answers.card
    network = MODELS[card.model].config
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
    """Versions, machine, seed."""
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
            yield in_words(name), as_typed(value), default, explained.get(name, "")


def _table(settings: list[tuple[str, str, str, str]], caption: str, *, emphasise: bool) -> Element:
    """Settings with what they mean, a row each."""
    rows: list[list[Node]] = []
    for name, value, default, meaning in settings:
        explained = element("span", name, remark(meaning.replace("`", "")))
        rows.append(
            [explained, element("strong", value), default] if emphasise else [explained, value]
        )
    columns = [Column("setting"), Column("here"), *([Column("tutorial")] if emphasise else [])]
    return table(columns, rows, caption, class_="settings")
