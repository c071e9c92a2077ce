"""`export_model` to C, of networks that were really trained."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from c_programs import need

import lenet
from lenet.errors import DownloadError, ExportError
from lenet.export import Export, export_model
from lenet.runs import Run


@pytest.mark.parametrize("int8", [False, True], ids=["float", "int8"])
def test_a_trained_network_is_exported_and_its_example_runs_as_it_says(
    digits_run: Run, int8: bool, tmp_path: Path
) -> None:
    need("cc")
    made = export_model(digits_run, "c", output=tmp_path / "first" / "seven-c", int8=int8)
    (found,) = made.comparisons
    assert made.accuracy > 0.9
    assert made.accuracy - found.accuracy <= 0.003
    assert int8 or found.difference <= 1e-5
    folder = tmp_path / "first" / "seven-c"
    assert made.path == folder
    assert sorted(path.name for path in folder.parent.glob("**/*")) == [
        "example.c",
        "prepare.c",
        "prepare.h",
        "seven-c",
        "seven.c",
        "seven.h",
    ]
    assert dict(made.facts).keys() == {"flash", "RAM", "accuracy lost", "build"}
    header = (folder / "seven.h").read_text()
    assert f"images: {found.accuracy:.4f}" in header
    for line in re.findall(r"^ \* {5}(.+)$", (folder / "example.c").read_text(), re.MULTILINE):
        done = subprocess.run(
            shlex.split(line), cwd=folder, capture_output=True, text=True, check=True
        )
    label = re.search(r"labelled `(.)`", (folder / "example.c").read_text())
    assert label
    assert done.stdout.splitlines()[-1].startswith(f"{label[1]}, ")
    if int8:  # the name is all that differs
        return
    again = export_model(digits_run, "c", output=tmp_path / "seven").path
    for path in again.iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes().replace(b"seven-c", b"seven")


def kilobytes(made: Export, name: str) -> float:
    return float(dict(made.facts)[name].partition(" kB")[0])


def test_the_bundled_digits_in_whole_numbers(tmp_path: Path) -> None:
    need("cc")
    try:
        lenet.load_dataset("mnist")
    except DownloadError as error:
        pytest.skip(f"no MNIST on this machine: {error}")
    made = export_model("digits", "c", int8=True, output=tmp_path / "digits")
    (found,) = made.comparisons
    assert found.images == 10_000
    assert made.accuracy == lenet.load("digits")[1].results["test_accuracy"]
    assert made.accuracy - found.accuracy <= 0.003
    assert kilobytes(made, "RAM") <= 16
    assert kilobytes(made, "flash") <= 90


def test_without_a_compiler_it_says_what_to_install(
    digits_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExportError, match="there is no C compiler: install `gcc` or `clang`"):
        export_model(digits_run, "c", output=tmp_path / "out")
    monkeypatch.setenv("CC", "no-such-compiler -m32")
    with pytest.raises(ExportError, match="`CC` is `no-such-compiler`, which is not there"):
        export_model(digits_run, "c", output=tmp_path / "out")
    monkeypatch.setenv("CC", 'gcc "-O2')
    with pytest.raises(ExportError, match="`CC` can't be read: no closing quotation; name a C"):
        export_model(digits_run, "c", output=tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("echo 'x.c:1: error: out of paper' >&2; exit 1", "does not compile the C code.*of paper"),
        (
            'printf \'#!/bin/sh\\nkill -9 $$\\n\' > "$last"; chmod +x "$last"',
            "breaks: exit code -9",
        ),
        ('printf \'#!/bin/sh\\nexit 0\\n\' > "$last"; chmod +x "$last"', "answers for fewer than"),
        ('echo text > "$last"', "can't be run"),
    ],
    ids=["an error", "a program that dies", "one that says nothing", "no program"],
)
def test_a_compiler_that_fails_leaves_nothing(
    made: str,
    message: str,
    digits_run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiler = tmp_path / "compiler"
    compiler.write_text(f"#!/bin/sh\nfor last; do :; done\n{made}\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    with pytest.raises(ExportError, match=message) as caught:
        export_model(digits_run, "c", output=tmp_path / "out")
    if "does not compile" in str(caught.value):
        assert str(caught.value).endswith("`CC` must be a compiler for C99.")
    assert list(tmp_path.iterdir()) == [compiler]


def test_a_compiler_that_miscompiles_is_noticed(
    digits_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("gcc")
    compiler = tmp_path / "compiler"
    compiler.write_text('#!/bin/sh\nexec gcc "$@" -Wno-error -Dexpf=expm1f\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    with pytest.raises(ExportError, match=r"probabilities differ|says"):
        export_model(digits_run, "c", output=tmp_path / "out")
    assert list(tmp_path.iterdir()) == [compiler]
