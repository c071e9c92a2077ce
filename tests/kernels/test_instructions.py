"""Which of the compiled libraries is taken, and that every one of them is right."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest
import test_batch_norm
import test_blocks
import test_folding
import test_native
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lenet_shapes import SHAPES

from compiled_kernels import needs_kernels
from lenet.datasets import Dataset
from lenet.errors import SettingError
from lenet.kernels import (
    KernelStatus,
    StepSettings,
    _library,  # which library is taken is decided there
    kernel_status,
    use_kernels,
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


@needs_kernels
@pytest.mark.parametrize("kind", KINDS)
def test_every_library_is_right(kind: str, few_digits: Dataset) -> None:
    if kind == kernel_status().instructions:
        pytest.skip("all other tests are about this one")
    threads = torch.get_num_threads()
    with library_of(kind) as status:
        if status.instructions != kind:
            pytest.skip(str(status.reason))
        try:
            check_blocks()
            check_batch_norm()
            check_folding()
            check_trainings(few_digits)
        finally:
            torch.set_num_threads(threads)
        assert kernel_status().instructions == kind


ACTIVATIONS, POOLINGS = ("sigmoid", "tanh", "relu"), ("average", "max")


def check_blocks() -> None:
    """The tests of blocks; the largest batch is whole groups of 4 and of 8 images and a rest."""
    for case in product(SHAPES, ACTIVATIONS, POOLINGS, (1, 7)):
        test_blocks.test_gradients_are_those_of_float64(*case)
    for shape in SHAPES:
        test_blocks.test_gradients_are_those_of_float64(shape, "sigmoid", "average", 39)
    test_blocks.test_an_image_has_the_same_bits_alone_and_in_a_batch()
    for rule in (StepSettings(momentum=0.9, nesterov=True), StepSettings("adamw")):
        test_blocks.test_a_fused_step_does_not_depend_on_threads(rule)
    test_blocks.test_gradients_and_predictions_do_not_depend_on_threads()


def check_batch_norm() -> None:
    """The tests of batch normalisation, bar the largest batches."""
    tests = test_batch_norm
    for case in tests.CASES:
        if case[-1] <= 40:
            tests.test_gradients_and_statistics_are_those_of_float64(*case)
    check_network = tests.test_random_networks_are_those_of_float64.hypothesis.inner_test
    few = settings(max_examples=40, deadline=None, derandomize=True)
    few(given(made=tests.networks(), batch=st.integers(20, 60))(check_network))()
    tests.test_a_mean_far_from_zero_does_not_cost_the_variance()
    for rule, rate in tests.SETTINGS.values():
        tests.test_forty_losses_are_those_of_pytorch(rule, rate, "tanh")
        tests.test_steps_do_not_depend_on_threads(rule, rate, 33, torch.set_num_threads)
    torch.set_num_threads(1)
    tests.test_the_optimisers_state_is_that_of_pytorch()
    tests.test_one_batch_leaves_nothing_for_the_next()
    tests.test_only_some_layers_may_have_it()
    tests.test_a_batch_norm_may_be_the_end()


def check_folding() -> None:
    """The tests of batch normalisation in evaluation mode that compute."""
    for case in product(ACTIVATIONS, POOLINGS):
        test_folding.test_predictions_are_those_of_float64(*case)
    test_folding.test_layers_with_biases_and_without_activations_are_folded()


def check_trainings(digits: Dataset) -> None:
    """Whole trainings."""
    for recipe in test_native.RECIPES.values():
        test_native.test_the_losses_with_batch_norm_are_those_of_pytorch(digits, recipe)
        for activation in ("sigmoid", "relu"):
            test_native.test_the_losses_are_those_of_pytorch(digits, recipe, activation)


def test_none_turns_the_kernels_off() -> None:
    off = "`LENET_INSTRUCTIONS` is `none`, which turns the compiled kernels off."
    with library_of("none") as status:
        assert (status.instructions, status.lanes, status.reason) == (None, 0, off)
        network, images = LeNet(), torch.rand(3, 1, 28, 28)
        assert torch.equal(network(images), network.layer_by_layer(images))
        with pytest.raises(SettingError) as caught, use_kernels("native"):
            pass
    assert str(caught.value) == f"`kernels` can't be `native`. {off} `lenet doctor` says more."


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
