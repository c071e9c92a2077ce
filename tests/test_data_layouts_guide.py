"""The guide to layouts of data: each folder that it draws is read by the commands below it."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from calling import call
from test_documents import ROOT

GUIDE = "docs/guides/what-data-looks-like.md"
CLASSES = {
    "flowers": [["daisy", "rose"]],
    "intel": [["forest", "sea"]],
    "characters": [["ka", "kha"]],
    "pets": [["cat", "dog"]],
    "alphabets": [["Greek/alpha", "Greek/beta", "Latin/a", "Latin/b"], ["Greek", "Latin"]],
    "digits": [["three", "two"]],
    "sign-language": [["0", "1"]],
    "breeds": [["collie", "husky"]],
    "arrays": [["0", "1"]],
}
SECTIONS = [part for part in (ROOT / GUIDE).read_text("utf-8").split("\n## ") if "├──" in part]


def build(drawn: list[str]) -> None:
    """Make the files of a drawn tree: pictures that are all different, arrays, empty tables."""
    generator = np.random.default_rng(0)
    above = [Path(drawn[0])]
    for line, following in pairwise([*drawn[1:], ""]):
        found = re.fullmatch(r"((?:│   |    )*)[├└]── (.+)", line)
        assert found, line
        depth = len(found[1]) // 4 + 1
        above[depth:] = [above[depth - 1] / found[2]]
        path = above[depth]
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".jpg", ".png"):
            Image.fromarray(generator.integers(0, 256, (20, 20), dtype=np.uint8)).save(path)
        elif path.suffix == ".npy":
            images = generator.integers(0, 256, (8, 28, 28), dtype=np.uint8)
            np.save(path, images if path.stem == "X" else np.arange(8) % 2)
        else:
            assert path.suffix in ("", ".csv"), path
            assert path.suffix or len(following) > len(line) - len(found[2]), path


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.partition("\n")[0])
def test_every_drawn_folder_is_read(section: str) -> None:
    first, *others = re.findall(r"```text\n(.*?)```", section, re.DOTALL)
    build(first.splitlines())
    name = first.partition("\n")[0]
    for table in others:
        (Path(name) / "labels.csv").write_text(table)
    commands = re.findall(r"^\$ lenet train (--data .*)$", section, re.MULTILINE)
    for options, classes in zip(commands, CLASSES[name], strict=True):
        told = call("data", "info", *shlex.split(options)[1:]).stdout
        assert re.findall(r"^ +\d+  (\S+) +\d", told, re.MULTILINE) == classes, told


def test_each_is_told() -> None:
    assert len(SECTIONS) == len(CLASSES)
