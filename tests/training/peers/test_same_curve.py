"""Several processes train what one process trains: the same curve, the same network."""

from pathlib import Path

import pytest
import safetensors.torch
import shared_trainings
import torch
from launch_processes import run_ranks
from shared_trainings import TRAININGS, train_each

from lenet.runs import Run, find_runs

# What three do, two do as well; so these only show that their number decides nothing.
NAMES = {2: ["augmented", "normalised"], 3: list(TRAININGS)}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The runs of one, two and three processes, by their number."""
    found = {size: tmp_path_factory.mktemp(f"on-{size}") for size in (1, 2, 3)}
    train_each(found[1], TRAININGS)
    for size in (2, 3):
        for process in run_ranks(
            size, str(found[size]), *NAMES[size], code=Path(shared_trainings.__file__).read_text()
        ):
            assert process.returncode == 0, process.stderr
            assert process.stdout == ""
    return found


def only_run(folder: Path) -> Run:
    """The run in a folder, which is the only one."""
    (run,) = find_runs(folder)
    return run


@pytest.mark.parametrize(("size", "name"), [(size, name) for size in NAMES for name in NAMES[size]])
def test_the_curve_is_that_of_one_process(folders: dict[int, Path], name: str, size: int) -> None:
    one, several = (only_run(folders[number] / name) for number in (1, size))
    assert len(one.history) == len(several.history) > 2
    for ours, theirs in zip(several.history, one.history, strict=True):
        for field, value in theirs.to_dict().items():
            if field != "seconds":
                near = 1e-5 if "loss" in field else 0.017  # of 61 images, one
                assert getattr(ours, field) == pytest.approx(value, abs=near), field
    weights = [safetensors.torch.load_file(run.model_path) for run in (one, several)]
    assert weights[0].keys() == weights[1].keys()
    for key in weights[0]:
        torch.testing.assert_close(weights[0][key], weights[1][key], rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [2, 3])
def test_one_folder_is_written_which_says_how_many_processes_there_were(
    folders: dict[int, Path], size: int
) -> None:
    for name in NAMES[size]:
        run = only_run(folders[size] / name)
        assert run.status == "complete"
        assert run.environment["processes"] == size
        assert not list(run.folder.glob(".*partial"))
