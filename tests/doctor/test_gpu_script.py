"""The script for a GPU runs, small, on a CPU, and says so where there is none."""

import json
import runpy
import sys
from pathlib import Path

import pytest
import torch

from lenet.doctor import Report

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Run the script in this process."""
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *arguments])
    monkeypatch.syspath_prepend(SCRIPT.parent)  # as Python does for a script
    runpy.run_path(str(SCRIPT), run_name="__main__")


def test_everything_is_measured_and_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lenet.doctor._turns._REST", 0.0)
    path = tmp_path / "gpu.json"
    small = "--data digits --images 300 --epochs 1 --many-epochs 1 --counts 1,3 --rounds 1"
    run(monkeypatch, "--device", "cpu", *small.split(), "--save", str(path))
    reports = [Report.from_dict(values) for values in json.loads(path.read_text())]
    precisions, many = reports[:3], reports[3:]
    assert [report.task.split()[4] for report in precisions] == ["float32,", "tf32,", "bfloat16,"]
    assert [report.task.split()[0] for report in many] == ["1", "3"]
    for report in reports:
        assert not report.absent
        assert [len(each.rounds) for each in report.measurements] == [1, 1]
        assert report.machine["device"] == "cpu"
    for report in many:  # the same networks were trained, whichever way
        at_once, alone = report.measurements
        assert at_once.train_loss == pytest.approx(alone.train_loss, rel=1e-4)
    for report in precisions:  # in another order of images
        ours, eager = report.measurements
        assert ours.train_loss == pytest.approx(eager.train_loss, rel=0.2)
    output = capsys.readouterr().out
    assert output.count("one after the other") == 2
    assert output.endswith(f"Kept in {path}\n")


def test_without_a_gpu_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as leave:
        run(monkeypatch)
    assert str(leave.value.code).startswith("There is no CUDA GPU here, so there is nothing to")
