"""The five commands of the guide lead from a folder of pictures to a page that answers."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from page_driver import on_playground

from lenet.cli import app
from lenet.datasets import Dataset, convert_dataset
from lenet.errors import ExportError
from lenet.playground import find_javascript_engine
from page_in_browser import PageBrowser

GUIDE = Path(__file__).parents[2] / "docs/guides/web-page.md"


def test_five_commands_make_a_page(
    page_browser: PageBrowser, digits: Dataset, tmp_path: Path
) -> None:
    try:
        find_javascript_engine()
    except ExportError as error:
        pytest.skip(str(error))
    first, *_ = re.findall(r"```console\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    commands = [line.removeprefix("$ ") for line in first.splitlines()]
    assert len(commands) == 5
    some = Dataset("some", digits.class_names, digits.train.take(np.arange(600)), digits.test)
    convert_dataset(some, tmp_path / "pictures", "folder")
    for command in commands[:4]:
        name, *arguments = shlex.split(command)
        assert name == "lenet"
        if arguments[0] == "train":
            arguments += ["--epochs", "4"]
        app(arguments, standalone_mode=False)
    page = tmp_path / commands[4].split()[-1]
    assert page.stat().st_size <= 520_000

    def read(playground):  # type: ignore[no-untyped-def]
        playground.page.click("#next")
        playground.settle()
        assert playground.text("#example") == "1 / 20"
        playground.draw(1)
        return playground.answer()

    assert on_playground(page_browser, page, read) in {"1", "None of these"}


def test_the_python_of_the_guide_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    exec(block, {})
    assert Path("page.html").stat().st_size > 500_000
