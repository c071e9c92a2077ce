"""Scores, reports and inspections are the same where PyTorch can't be imported."""

import json
import re
import subprocess
import sys
from pathlib import Path

import all_results
import numpy as np
import pytest

import lenet
from all_networks import make
from compiled_kernels import needs_kernels
from lenet.datasets import Dataset

# The kernels serve the first; the other is left to PyTorch, or to NumPy where that is missing.
NETWORKS = ("lenet", "residual")


def without_numbers(page: str) -> str:
    """A page's words, without its figures and its pictures."""
    return re.sub(r"base64,[^\"]*|[−-]?\d[\d.,]*(e-?\d+)?", "#", page)


def flat(value: object) -> object:
    """The numbers and names in nested values, one after the other."""
    if isinstance(value, dict | list | tuple):
        parts = value.values() if isinstance(value, dict) else value
        return [one for part in parts for one in flat(part)]  # type: ignore[attr-defined]
    return [value]


def test_the_results_are_those_with_pytorch(few_digits: Dataset, tmp_path: Path) -> None:
    train, test = few_digits.train, few_digits.test
    assert test is not None
    np.savez(
        tmp_path / "few.npz",
        x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels,
    )  # fmt: skip
    arguments = []
    for name in NETWORKS:
        run = lenet.train(
            make(name), tmp_path / "few.npz", epochs=1, validation=0.1, threads=1,
            runs_folder=tmp_path / name, listeners=[],
        )  # fmt: skip
        arguments += [run.folder, tmp_path / f"{name} without"]
    command = [sys.executable, all_results.__file__, *map(str, arguments)]
    child = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    for name, folder, found in zip(NETWORKS, arguments[::2], json.loads(child.stdout), strict=True):
        expected = all_results.look(folder, tmp_path / f"{name} with")
        for views in ("single", "mirrored"):
            assert flat(found[views]) == pytest.approx(flat(expected[views]))
        for inputs in all_results.INPUTS:
            said = zip(found[inputs], expected[inputs], strict=True)
            assert all(without_numbers(one) == without_numbers(other) for one, other in said)
        for page in (tmp_path / f"{name} without").iterdir():
            other = tmp_path / f"{name} with" / page.name
            assert without_numbers(page.read_text()) == without_numbers(other.read_text())


@needs_kernels
def test_what_the_kernels_serve_leaves_pytorch_alone(tmp_path: Path) -> None:
    code = (
        "import sys, lenet\n"
        "from lenet.results import inspect_network, write_inspection\n"
        "lenet.evaluate('digits', 'digits', views='mirrored')\n"
        "lenet.report('digits', 'digits', output='report.html')\n"
        "write_inspection(inspect_network('digits', 'test:3', 'digits'), 'inspection.html')\n"
        "heavy = {'torch', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
