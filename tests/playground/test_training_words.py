"""The lab's sentences about a network that does not learn are the terminal's."""

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_worker import SETTINGS

from lenet.errors import ExportError
from lenet.models import ArrayNetwork, model_config
from lenet.playground import find_javascript_engine
from lenet.training import Recipe, diagnose

_WEB = Path(__file__).parents[2] / "web"
_ESBUILD = _WEB / "node_modules" / ".bin" / "esbuild"
_ENTRY = 'export * from "./words/diagnosis.ts"; export * from "./training/diagnosis.ts";'
_NETWORKS: list[tuple[str, dict[str, Any]]] = [
    ("softmax", {}),
    ("mlp", {"dense_widths": []}),
    *(("mlp", {"dense_widths": [5], "activation": one}) for one in ("sigmoid", "tanh", "relu")),
    ("lenet", {"channels": [2], "dense_widths": [], "activation": "sigmoid"}),
    ("lenet", {"channels": [2], "dense_widths": [3], "activation": "sigmoid", "batch_norm": True}),
]
_RECIPES: list[dict[str, Any]] = [
    {"learning_rate": 0.9},
    {"learning_rate": 0.05},
    {"learning_rate": 30.0},
    {"learning_rate": 0.9, "momentum": 0.99995},
    {"learning_rate": 0.001, "optimiser": "adam"},
]


def as_javascript(entry: str) -> str:
    """A module of the lab's sources, and what it imports, as one script that defines `lab`."""
    if not _ESBUILD.exists():
        pytest.skip("esbuild is not there (`npm ci` in web/)")
    command = [_ESBUILD, "--bundle", "--format=iife", "--global-name=lab", "--loader=ts"]
    made = subprocess.run(
        command, input=entry, cwd=_WEB, capture_output=True, check=True, encoding="utf-8"
    )
    return made.stdout


def test_a_diagnosis_is_said_as_by_python() -> None:
    """And in Chinese with the same numbers."""
    cases, wanted = [], []
    images = np.zeros((1, 1, 28, 28), np.float32)
    for (model, own), recipe, steps, initialisation in itertools.product(
        _NETWORKS, _RECIPES, (1, 20, 399, 400), ("pytorch", "normal", "xavier")
    ):
        config = model_config(model, own | {"initialisation": initialisation})
        network = ArrayNetwork.build(config, 0)
        loss, chance = 2.3456, 2.3026
        found = diagnose(network, images, loss, chance, steps, Recipe(**recipe))
        healths = ((layer, max(layer.dead, layer.saturated)) for layer in found.layers)
        sick = [
            {
                "name": layer.position,
                "title": layer.name,
                "share": share,
                "how": "dead" if layer.dead >= layer.saturated else "saturated",
            }
            for layer, share in healths
            if share >= 0.9
        ]
        settings = SETTINGS | recipe | own | {"model": model, "initialisation": initialisation}
        cases.append(
            {
                "settings": settings,
                "steps": steps,
                "rest": {"loss": loss, "chance": chance, "sick": sick},
            }
        )
        wanted.append(str(found))
    try:
        engine = find_javascript_engine(browser=False)
    except ExportError as error:
        pytest.skip(str(error))
    script = (
        as_javascript(_ENTRY)
        + """
    const cases = JSON.parse(new TextDecoder().decode(inputs.cases));
    const said = cases.map(({ settings, steps, rest }) => {
      const diagnosis = { ...rest, remedies: lab.findRemedies(settings, steps) };
      return ["en", "zh"].map((language) => lab.diagnosisText(diagnosis, language));
    });
    return new TextEncoder().encode(JSON.stringify(said));
    """
    )
    said = json.loads(engine.run(script, {"cases": json.dumps(cases).encode()}))
    for sentence, (english, chinese) in zip(wanted, said, strict=True):
        assert english == sentence
        for number in ("2.346", "2.303"):
            assert number in chinese
