"""Which of the compiled libraries is taken, and that every one of them is right."""

import inspect
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import test_batch_norm
import test_blocks
import test_folding
import test_native
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from compiled_kernels import needs_kernels
from lenet.errors import SettingError
from lenet.kernels import (
    KernelStatus,
    _library,  # which library is taken is decided there
    kernel_status,
    prepare_picture,
    use_engine,
)
from lenet.models import LeNet

KINDS = ("baseline", "avx2", "avx512")


def run_python(*arguments: str, instructions: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, with `LENET_INSTRUCTIONS`."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"LENET_INSTRUCTIONS": instructions},
    )


def status_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, instructions: str = ""
) -> KernelStatus:
    """The status that a process with the libraries of a folder would have."""
    monkeypatch.setattr(_library, "FOLDER", folder)
    monkeypatch.setenv("LENET_INSTRUCTIONS", instructions)
    return _library._load.__wrapped__()[1]


def file_of(kind: str) -> str:
    """The name of a library's file."""
    return _library._path(kind).name


@contextmanager
def library_of(kind: str) -> Iterator[KernelStatus]:
    """Let another library do the work, as in a process with `LENET_INSTRUCTIONS`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LENET_INSTRUCTIONS", kind)
        _library._load.cache_clear()
        try:
            yield kernel_status()
        finally:
            _library._load.cache_clear()


# All tests of these files are run with the other libraries, bar those that say why not.
MODULES = (test_blocks, test_batch_norm, test_folding, test_native)
LEFT_OUT = {
    "test_every_loss_of_the_first_epoch_is_that_of_pytorch": "needs Fashion-MNIST",
    "test_a_forward_pass_of_its_own_is_trained_as_it_is": "only PyTorch computes there",
    "test_rarer_settings_and_places_are_left_to_pytorch": "only PyTorch computes there",
    "test_folding_rounds_once": "Python folds, and no library is asked",
    "test_a_batch_norm_that_does_not_fit_is_named": "Python refuses it, and no library is asked",
}
# What stands in for a slow one, with its cases and fixtures, as less of it says nearly as much.
few_networks = given(made=test_batch_norm.networks(), batch=st.integers(20, 100))(
    test_batch_norm.test_random_networks_are_those_of_float64.hypothesis.inner_test
)
SMALLER = {
    "test_forty_losses_are_those_of_pytorch": partial(test_batch_norm.check_losses, count=10),
    "test_random_networks_are_those_of_float64": settings(
        max_examples=40, deadline=None, derandomize=True
    )(few_networks),
}
TESTS = [
    function
    for module in MODULES
    for name, function in vars(module).items()
    if name.startswith("test_") and name not in LEFT_OUT and inspect.isfunction(function)
]
OTHERS = [kind for kind in KINDS if kind != kernel_status().instructions]
set_threads = test_batch_norm.set_threads  # a fixture that tests there ask for


def cases_of(test: Callable[..., None]) -> list[dict[str, Any]]:
    """The arguments that the marks `parametrize` of a test give, once for each of its cases."""
    cases: list[dict[str, Any]] = [{}]
    for mark in getattr(test, "pytestmark", []):
        assert mark.name == "parametrize", f"`{mark.name}` is not heeded here"
        names, rows = mark.args
        if isinstance(names, str):
            names = names.replace(",", " ").split()
        rows = [row if len(names) > 1 else (row,) for row in rows]
        cases = [case | dict(zip(names, row, strict=True)) for case in cases for row in rows]
    return cases


@pytest.fixture
def other_library(kind: str) -> Iterator[None]:
    """Let the library of a kind do the work, where the processor runs it."""
    with library_of(kind) as status:
        if status.instructions != kind:
            pytest.skip(str(status.reason))
        yield
        assert kernel_status().instructions == kind


# In this process: one of its own would import PyTorch again for each library.
@needs_kernels
@pytest.mark.usefixtures("other_library")
@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
@pytest.mark.parametrize("kind", OTHERS)
def test_every_library_is_right(
    kind: str, test: Callable[..., None], request: pytest.FixtureRequest
) -> None:
    run = SMALLER.get(test.__name__, test)
    for case in cases_of(test):
        fixtures = inspect.signature(test).parameters.keys() - case
        try:
            run(**case, **{name: request.getfixturevalue(name) for name in fixtures})
        except (Exception, pytest.skip.Exception) as error:
            pytest.fail(f"With {case}: {error!r}")


# By the text, in which a test that the search does not find, such as one of a class, is there too.
def test_every_test_of_a_library_is_run_or_left_out() -> None:
    texts = map(inspect.getsource, MODULES)
    written = [name for text in texts for name in re.findall(r"^ *def (test_\w+)", text, re.M)]
    run = [test.__name__ for test in TESTS]
    assert sorted([*LEFT_OUT, *run]) == sorted(written)
    assert set(SMALLER) <= set(run)


def test_none_turns_the_kernels_off() -> None:
    off = "`LENET_INSTRUCTIONS` is `none`, which turns the compiled kernels off."
    with library_of("none") as status:
        assert (status.instructions, status.lanes, status.reason) == (None, 0, off)
        network, images = LeNet(), torch.rand(3, 1, 28, 28)
        assert torch.equal(network(images), network.layer_by_layer(images))
        with pytest.raises(SettingError) as caught, use_engine("native"):
            pass
    assert str(caught.value) == f"`engine` can't be `native`. {off} `lenet doctor` says more."


def test_an_unknown_name_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = status_in(tmp_path, monkeypatch, "sse2")
    assert status.instructions is None
    assert status.reason == (
        "`LENET_INSTRUCTIONS` must be one of baseline, avx2, avx512, none, not `sse2`."
    )


def test_a_folder_without_libraries_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert status_in(tmp_path, monkeypatch) == KernelStatus(
        None, 0, "The package was installed without compiled kernels.", ""
    )


def test_why_nothing_was_compiled_is_a_part_of_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "build.log").write_text("c++ -O3\nWithout kernels, because `x` hangs.\n")
    assert status_in(tmp_path, monkeypatch).reason == (
        "The package was installed without compiled kernels, because `x` hangs."
    )


@pytest.mark.parametrize(("processor", "best"), list(enumerate(KINDS)))
def test_the_processor_decides(
    processor: int, best: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in KINDS:
        (tmp_path / file_of(kind)).touch()
    opened = []

    def open_library(kind: str) -> object:
        opened.append(kind)
        functions = {f"lenet_{name}": SimpleNamespace() for name in _library.FUNCTIONS}
        return SimpleNamespace(
            lenet_processor=lambda: processor,
            lenet_interface=lambda: _library.INTERFACE,
            lenet_lanes=lambda: 4,
            **functions,
        )

    monkeypatch.setattr(_library, "_open", open_library)
    assert status_in(tmp_path, monkeypatch).instructions == best
    assert opened == ["baseline", best]
    for kind in KINDS[processor + 1 :]:
        status = status_in(tmp_path, monkeypatch, kind)
        assert status.instructions is None
        assert status.reason == (
            f"`LENET_INSTRUCTIONS` is `{kind}`, which this processor can't run."
        )
    assert set(opened) == {"baseline", best}  # what does not run is not even loaded


@needs_kernels
@pytest.mark.parametrize("missing", KINDS)
def test_a_library_that_was_not_compiled_is_done_without(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = [kind for kind in KINDS if kind != missing and _library._path(kind).exists()]
    if not compiled:
        pytest.skip("there is one library only")
    best = kernel_status().instructions
    for path in (_library.FOLDER / "SHA256SUMS", *map(_library._path, compiled)):
        shutil.copy(path, tmp_path)
    expected = [kind for kind in KINDS[: KINDS.index(best) + 1] if kind in compiled]
    status = status_in(tmp_path, monkeypatch)
    assert status.instructions == (expected[-1] if expected else None)
    if missing in KINDS[: KINDS.index(best) + 1]:
        status = status_in(tmp_path, monkeypatch, missing)
        assert status.reason == (
            f"`LENET_INSTRUCTIONS` is `{missing}`, for which nothing was compiled here."
        )


def cut_to(share: float) -> Callable[[bytes], bytes]:
    """What is left when only a share of a file was written."""
    return lambda content: content[: int(len(content) * share)]


def flip_a_bit(content: bytes) -> bytes:
    """One bit of the code is another."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGES = {
    "empty": lambda content: b"",
    "a byte": lambda content: content[:1],
    "a tenth": cut_to(0.1),
    "a half": cut_to(0.5),
    "nearly whole": cut_to(0.99),
    "a byte short": lambda content: content[:-1],
    "random": lambda content: random.Random(5).randbytes(len(content)),
    "zeros": lambda content: bytes(len(content)),
    "zeros in the end": lambda content: content[: len(content) // 2].ljust(len(content), b"\0"),
    "one bit": flip_a_bit,
}
# In a process of its own, which a library that was cut off would end by a signal.
TELL_STATUS = """
import sys
from pathlib import Path
from lenet.kernels import _library, kernel_status
_library.FOLDER = Path(sys.argv[1])
status = kernel_status()
print(status.instructions, *status.damaged, sep="|")
"""


@needs_kernels
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_library_is_not_loaded_and_the_next_one_is(
    damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    best = kernel_status().instructions
    folder = tmp_path / "compiled"
    shutil.copytree(_library.FOLDER, folder)
    others = [kind for kind in KINDS[: KINDS.index(best)] if (folder / file_of(kind)).exists()]
    library = folder / file_of(best)
    library.write_bytes(damage(library.read_bytes()))
    result = run_python("-c", TELL_STATUS, str(folder), instructions="")
    assert (result.returncode, result.stderr) == (0, "")
    wrong = (
        f"`{library}` is damaged or of an older build: `SHA256SUMS` beside it does not have its "
        "checksum."
    )
    expected = others[-1] if others else None
    assert result.stdout == f"{expected}|{wrong}\n"


@needs_kernels
def test_where_all_libraries_are_damaged_there_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "compiled"
    shutil.copytree(_library.FOLDER, folder)
    (folder / "SHA256SUMS").write_bytes(b"\xff")
    status = status_in(folder, monkeypatch)
    assert (status.instructions, status.lanes) == (None, 0)
    assert status.reason == status.damaged[0]
    assert len(status.damaged) == len(list(folder.glob("lenet_*")))


@needs_kernels
def test_a_damaged_library_that_was_chosen_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = kernel_status().instructions
    folder = tmp_path / "compiled"
    shutil.copytree(_library.FOLDER, folder)
    (folder / file_of(best)).write_bytes(b"")
    status = status_in(folder, monkeypatch, best)
    assert status.instructions is None
    assert status.reason.startswith(f"`{folder / file_of(best)}` is damaged")


@needs_kernels
def test_a_library_of_another_version_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_library, "INTERFACE", _library.INTERFACE + 1)
    status = status_in(_library.FOLDER, monkeypatch)
    assert status.reason == (
        "The compiled kernels are of another version of lenet: install it again."
    )


@needs_kernels
def test_every_library_makes_the_same_pixels() -> None:
    random = np.random.default_rng(0)
    strokes = np.kron(random.random((9, 9)) < 0.3, np.ones((11, 13)))[..., None]
    picture = (strokes * [200, 60, 30] + random.normal(30, 5, (99, 117, 3))).clip(0, 255)
    made = set()
    for kind in KINDS:
        with library_of(kind) as status:
            found = prepare_picture(picture.astype(np.uint8), (0, 0, 28, 28, 1, 4))
            assert found
            if status.instructions == kind:
                made.add((found.image.tobytes(), found.box))
    assert len(made) == 1
    with library_of("none"):
        assert prepare_picture(picture.astype(np.uint8), (0, 0, 28, 28, 1, 4)) is None
