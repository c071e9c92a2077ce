"""The lab's sources, joined as its bundler does it, in Node.js or on a page."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lenet.errors import ExportError
from lenet.kernels import web_core
from lenet.playground import find_javascript_engine

WEB = Path(__file__).parents[2] / "web"


def bundle(*arguments: str, script: str | None = None) -> str:
    """Run the bundler; gives what it prints. Where it was never installed, the test is skipped."""
    bundler = WEB / "node_modules" / ".bin" / "esbuild"
    if not bundler.exists():
        pytest.skip("The lab's bundler is not there: `cd web && npm ci`.")
    command = [bundler, "--bundle", "--log-level=error", *arguments]
    done = subprocess.run(command, input=script, cwd=WEB, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return done.stdout


def call_lab(script: str, inputs: Mapping[str, bytes]) -> Any:
    """Run the `main` of a script that imports the sources; it is given the native core, too."""
    try:
        engine = find_javascript_engine(browser=False)
    except ExportError as error:
        pytest.skip(str(error))
    bundled = bundle("--format=iife", "--global-name=lab", script=script)
    given = {**inputs, "program": web_core("answering")}
    return json.loads(engine.run(f"{bundled}\nreturn lab.main(inputs);", given))
