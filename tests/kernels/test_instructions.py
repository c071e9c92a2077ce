"""Which of the compiled libraries is taken, and that every one of them is right."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from compiled_kernels import needs_kernels
from lenet.kernels import KernelStatus, _library, kernel_status

KINDS = ("baseline", "avx2", "avx512")
TESTS = Path(__file__).parents[1]


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


@pytest.mark.parametrize("kind", KINDS)
def test_every_library_is_right(kind: str) -> None:
    if kind == kernel_status().instructions:
        pytest.skip("all other tests are about this one")
    status = run_python(
        "-c",
        "from lenet.kernels import kernel_status as k; print(k().instructions or k().reason)",
        instructions=kind,
    )
    if status.stdout.strip() != kind:
        pytest.skip(status.stdout)
    names = ("test_blocks", "test_batch_norm", "test_folding")
    files = [*(f"kernels/{name}.py" for name in names), "training/engines/test_native.py"]
    options = ["-q", "-p", "no:cacheprovider", "-m", "not fashion_mnist"]
    tests = run_python(
        "-m", "pytest", *options, *(str(TESTS / file) for file in files), instructions=kind
    )
    assert tests.returncode == 0, tests.stdout
    assert "skipped" not in tests.stdout


def test_none_turns_the_kernels_off() -> None:
    script = """if True:
        import torch
        from lenet.errors import SettingError
        from lenet.kernels import kernel_status, use_kernels
        from lenet.models import LeNet

        status = kernel_status()
        print(status.instructions, status.lanes, status.reason)
        network, images = LeNet(), torch.rand(3, 1, 28, 28)
        assert torch.equal(network(images), network.layer_by_layer(images))
        try:
            with use_kernels("native"):
                pass
        except SettingError as error:
            print(error)
    """
    result = run_python("-c", script, instructions="none")
    assert result.stderr == ""
    off = "`LENET_INSTRUCTIONS` is `none`, which turns the compiled kernels off."
    assert result.stdout.splitlines() == [
        f"None 0 {off}",
        f"`kernels` can't be `native`. {off} `lenet doctor` says more.",
    ]


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
