"""The number of CPU threads: as PyTorch has it, with and without PyTorch."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lenet.core import cpu_threads, default_threads, set_thread_count, thread_count
from lenet.errors import SettingError

LATE = """
import sys
from lenet.core import cpu_threads, set_thread_count, thread_count
first = thread_count()
with cpu_threads(1):
    inside = thread_count()
set_thread_count(3)
before = thread_count()
assert "torch" not in sys.modules
import torch
own = torch.get_num_threads()
after = thread_count()
told = torch.get_num_threads()
torch.set_num_threads(2)
print(first, inside, before, own, after, told, thread_count())
"""


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threads = thread_count()
    default_threads.cache_clear()
    yield
    set_thread_count(threads)
    default_threads.cache_clear()


def test_pytorch_imported_later_hears_of_the_number() -> None:
    finished = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True)
    assert not finished.returncode, finished.stderr
    first, inside, before, own, after, told, last = map(int, finished.stdout.split())
    assert (inside, before, after, told, last) == (1, 3, 3, 3, 2)
    # PyTorch before it was told. Without MKL it counts hyperthreads.
    assert first == own or not torch.backends.mkl.is_available()


def test_the_number_is_that_of_pytorch_where_it_is_imported() -> None:
    torch.set_num_threads(3)
    assert thread_count() == 3
    with cpu_threads(2):
        assert thread_count() == torch.get_num_threads() == 2
        with cpu_threads(None):
            assert thread_count() == 2
    assert thread_count() == torch.get_num_threads() == 3
    set_thread_count(1)
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize("count", [0, -1, 1025])
def test_an_impossible_number_is_refused_and_changes_nothing(count: int) -> None:
    torch.set_num_threads(2)
    with pytest.raises(SettingError, match="threads"):
        set_thread_count(count)
    with pytest.raises(SettingError, match="threads"), cpu_threads(count):
        pass
    assert thread_count() == 2


def test_hyperthreads_of_a_core_count_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for cpu, siblings in {0: "0,4", 1: "1,5", 4: "0,4", 5: "1,5"}.items():
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(siblings + "\n")
    monkeypatch.setattr("lenet.core._threads._CPUS", tmp_path)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for cpus, cores in [({0, 1, 4, 5}, 2), ({0, 4}, 1), ({1, 4}, 2), ({0, 6, 7}, 3)]:
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cpus=cpus: cpus, raising=False)
        default_threads.cache_clear()
        assert default_threads() == cores


@pytest.mark.parametrize(
    ("text", "threads"),
    [("3", 3), (" 2 ", 2), ("2,4", 2), ("64", 4), ("0", 4), ("-1", 4), ("2.5", 4), ("²", 4)],
)
def test_a_variable_asks_for_fewer(
    text: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(1000, 1004)), raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert default_threads() == threads


LATER = """
from lenet.core import require_torch, set_thread_count
set_thread_count(3)
{between}
require_torch("This")
import torch
print(torch.get_num_threads())
"""


@pytest.mark.parametrize(
    ("between", "count"), [("", "3"), ("import torch; torch.set_num_threads(2)", "2")]
)
def test_pytorch_hears_of_a_number_that_was_chosen_before(between: str, count: str) -> None:
    code = LATER.format(between=between)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert told.stdout.strip() == count
