"""The functions of the playground's modules, called from Python in Node.js or a browser."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import lenet.playground
from lenet.errors import ExportError
from lenet.kernels import web_core
from lenet.playground import find_javascript_engine

_FOLDER = Path(lenet.playground.__file__).parent
_COMPUTING = (
    "picture.js",
    "explain.js",
    "network.js",
    "native_network.js",
    "shared_training.js",
    "model.js",
    "reasons.js",
    "feature_maps.js",
    "shelf.js",
    "verdict.js",
)
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+\.js)";$', re.MULTILINE)


@cache
def modules_in_order() -> dict[str, str]:
    """The modules that compute, each after those that it imports, without imports and exports."""
    ordered: dict[str, str] = {}

    def add(name: str) -> None:
        text = (_FOLDER / name).read_text(encoding="utf-8")
        for needed in _IMPORT.findall(text):
            if needed not in ordered:
                add(needed)
        ordered[name] = re.sub("^export ", "", _IMPORT.sub("", text), flags=re.MULTILINE)

    for name in _COMPUTING:
        add(name)
    return ordered


def call_page(
    body: str, inputs: Mapping[str, bytes] | None = None, *, browser: bool | None = None
) -> Any:
    """Run the body of an async function among the modules; what it returns comes as JSON.

    It has the bytes as `inputs`; of a file, `fileOf(name)` makes an `ArrayBuffer`. The native core
    of the page is `core`.
    """
    try:
        engine = find_javascript_engine(browser=browser)
    except ExportError as error:
        pytest.skip(str(error))
    script = "\n".join(
        [
            *modules_in_order().values(),
            "const { program, ...given } = inputs;",
            "const core = await openCore(program);",
            "const fileOf = (name) => given[name].slice().buffer;",
            f"const returned = await (async (inputs) => {{\n{body}\n}})(given);",
            "return new TextEncoder().encode(JSON.stringify(returned));",
        ]
    )
    return json.loads(engine.run(script, {**(inputs or {}), "program": web_core("answering")}))
