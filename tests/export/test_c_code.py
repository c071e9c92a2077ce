"""The C code is what an embedded engineer would take: clean, small, without surprises."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from c_programs import (
    COMPILERS,
    CONFIGS,
    STRICT,
    compiled,
    compiled_together,
    need,
    run_compiler,
    trained_network,
    write_files,
)

from lenet.errors import ExportError

# Each step from network to program by itself, to break one at a time.
from lenet.export._c import c_network, check_example, measure, run_program, write_c
from lenet.models import Calibration, LeNetConfig

HOSTILE = [
    'a"b',
    "back\\slash",
    "??/",
    "*/ int x; /*",
    "new\nline",
    "数字",
    "\u202eright",
    "%s%n",
    "end\0ed",
    "",
]


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("int8", [False, True], ids=["float", "int8"])
def test_it_needs_nothing_but_the_mathematics_of_the_standard_library(
    compiler: str, int8: bool, tmp_path: Path
) -> None:
    need(compiler)
    trained = trained_network(CONFIGS["gelu, colour, three blocks, no padding"])
    network = c_network(trained, int8=int8)
    write_files(network, tmp_path)
    thing = tmp_path / "small.o"
    run_compiler(compiler, *STRICT, "-O2", "-fno-pie", "-c", tmp_path / "small.c", "-o", thing)
    listing = subprocess.run(["nm", "-u", thing], capture_output=True, text=True, check=True)
    needed = {line.split()[-1] for line in listing.stdout.splitlines()}
    assert needed == ({"expf"} if int8 else {"expf", "erff"})
    sections = subprocess.run(["nm", thing], capture_output=True, text=True, check=True).stdout
    assert not re.findall(r" [bBdDcC] (?!small_class_names)", sections), "no writable memory"


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_its_header_serves_c_plus_plus(compiler: str, tmp_path: Path) -> None:
    need(compiler)
    need("gcc")
    trained = trained_network(CONFIGS["mlp"])
    network = c_network(trained, int8=False)
    program = compiled(network, tmp_path)
    expected = program.probabilities(trained.images)
    run_compiler("gcc", *STRICT, "-c", tmp_path / "small.c", "-o", tmp_path / "small.o")
    harness = (tmp_path / "check.c").rename(tmp_path / "check.cpp")
    flags = ("-std=c++11", "-Wall", "-Wextra", "-Werror", "-pedantic")
    run_compiler(compiler, *flags, harness, tmp_path / "small.o", "-lm", "-o", program.path)
    np.testing.assert_array_equal(program.probabilities(trained.images), expected)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("int8", [False, True], ids=["float", "int8"])
def test_whatever_a_model_and_its_classes_are_called_it_compiles_and_says_so(
    compiler: str, int8: bool, tmp_path: Path
) -> None:
    need(compiler)
    trained = trained_network(
        LeNetConfig((1, 9, 9), len(HOSTILE), (2,), 2, 0, (), "relu", "max"),
        name='*/ "dense_1"\n #error ??/',
        class_names=HOSTILE,
    )
    network = c_network(trained, int8=int8)
    assert network.name == "dense_1_error"
    write_files(network, tmp_path)
    sources = tmp_path / "example.c", tmp_path / "dense_1_error.c"
    run_compiler(compiler, *STRICT, *sources, "-lm", "-o", tmp_path / "example")
    said = subprocess.run([tmp_path / "example"], capture_output=True, check=True).stdout.decode()
    wanted = HOSTILE[int(trained.labels[0])].partition("\0")[0]
    assert re.search(rf"\n{re.escape(wanted)}, \d+\.\d %\n\Z", said)


def test_names_that_c_has_already_are_no_trouble(tmp_path: Path) -> None:
    names = ("int", "float", "stdint", "math", "example", "1st", "__x", "", "e" * 99)
    trained = trained_network(CONFIGS["softmax"], count=3)
    networks = [c_network(replace(trained, name=name), int8=True) for name in names]
    assert not {"stdint", "math", "float", "example"} & {network.name for network in networks}
    for program in compiled_together(networks, tmp_path):
        assert program.probabilities(trained.images).sum(axis=1) == pytest.approx(1)


def test_an_unsure_answer_is_none_of_the_classes(tmp_path: Path) -> None:
    need("gcc")
    trained = trained_network(CONFIGS["mlp"], calibration=Calibration(1.0, 1.0, 10))
    write_files(c_network(trained, int8=False), tmp_path)
    sources = tmp_path / "example.c", tmp_path / "small.c"
    run_compiler("gcc", *STRICT, *sources, "-lm", "-o", tmp_path / "example")
    said = subprocess.run([tmp_path / "example"], capture_output=True, check=True).stdout
    assert said.endswith(b"\nnone of the classes\n")


@pytest.mark.parametrize("int8", [False, True], ids=["float", "int8"])
@pytest.mark.parametrize("name", ["relu, maximum, one block", "mlp", "softmax", "lenet5"])
def test_the_sizes_that_it_tells_are_those_of_the_compiler(
    name: str, int8: bool, tmp_path: Path
) -> None:
    need("gcc")
    network = c_network(trained_network(CONFIGS[name]), int8=int8)
    write_files(network, tmp_path)
    (tmp_path / "size.c").write_text(
        '#include <stdio.h>\n#include "small.h"\n'
        'int main(void) { printf("%zu\\n", sizeof(small_scratch)); return 0; }\n'
    )
    run_compiler("gcc", tmp_path / "size.c", "-o", tmp_path / "size")
    said = subprocess.run([tmp_path / "size"], capture_output=True, check=True).stdout
    assert int(said) == network.scratch_size
    run_compiler("gcc", "-O0", "-c", tmp_path / "small.c", "-o", tmp_path / "small.o")
    listing = subprocess.run(
        ["nm", "-S", tmp_path / "small.o"], capture_output=True, text=True, check=True
    )
    symbols = [line.split() for line in listing.stdout.splitlines()]
    constants = sum(int(size, 16) for _, size, kind, *_ in filter(has_size, symbols) if kind == "r")
    assert constants == network.constants_size


def has_size(symbol: list[str]) -> bool:
    return len(symbol) == 4


def test_the_tutorials_network_in_whole_numbers_needs_little() -> None:
    trained = trained_network(LeNetConfig())
    assert sum(values.numel() for values in trained.network.parameters()) == 61_706
    network = c_network(trained, int8=True)
    assert network.scratch_size < 3_000
    assert network.constants_size < 66_000


@pytest.mark.parametrize("int8", [False, True], ids=["float", "int8"])
def test_the_same_network_gives_the_same_bytes(int8: bool) -> None:
    files = [
        c_network(trained_network(CONFIGS["lenet5"]), int8=int8).files(0.25, 1) for _ in range(2)
    ]
    assert files[0] == files[1]
    lines = [line for content in files[0].values() for line in content.splitlines()]
    assert max(map(len, lines)) <= 100
    assert all(line == line.rstrip() for line in lines)


def test_whole_numbers_need_no_floating_point_but_for_probabilities() -> None:
    network = c_network(trained_network(CONFIGS["lenet5"]), int8=True)
    source = network.files(0.5, 0)["small.c"]
    without_probabilities, _, floats = source.partition("void small_probabilities")
    code = re.sub(r"/\*.*?\*/|\"[^\"]*\"|<.*>", "", without_probabilities, flags=re.DOTALL)
    assert not re.search(r"float|double|\d\.|\dE|expf", code, re.IGNORECASE)
    assert "float" in floats


def test_the_example_is_understood_whatever_it_says(tmp_path: Path) -> None:
    need("cc")
    trained = trained_network(CONFIGS["softmax"], name="whatever")
    labels = trained.labels.tolist()
    written = write_c(trained, tmp_path)
    assert sorted(path.name for path in written.path.iterdir()) == [
        "example.c",
        "prepare.c",
        "prepare.h",
        "whatever.c",
        "whatever.h",
    ]
    for name in HOSTILE:
        card = replace(trained.card, class_names=tuple(f"{name}{end}" for end in "abc"))
        named = replace(trained, card=card)
        for file, content in c_network(named, int8=False).files(1.0, labels.index(1)).items():
            (tmp_path / file).write_text(content, encoding="utf-8")
        sources = tmp_path / "example.c", tmp_path / "whatever.c"
        run_compiler("cc", *STRICT, *sources, "-lm", "-o", tmp_path / "example")
        shares = trained.probabilities[labels.index(1)]
        check_example(named, run_program(tmp_path / "example"), shares)
    with pytest.raises(ExportError, match="The example in C says"):
        check_example(named, run_program(tmp_path / "example"), np.roll(shares, 1))


def test_the_header_tells_the_range_of_deep_pictures() -> None:
    trained = trained_network(CONFIGS["softmax"])
    preparation = trained.card.preparation.replace(pixel_range=(-10.5, 4095))
    deep = replace(trained, card=replace(trained.card, preparation=preparation))
    headers = [
        " ".join(c_network(one, int8=False).files(0.5, 0)["small.h"].replace("*", "").split())
        for one in (trained, deep)
    ]
    told = ["Values from -10.5 to 4095 became 0 to 255." in header for header in headers]
    assert told == [False, True]
    ends = ["0.0f #define SMALL_WHITE 255.0f", "-10.5f #define SMALL_WHITE 4095.0f"]
    for header, black_and_white in zip(headers, ends, strict=True):
        assert f"#define SMALL_BLACK {black_and_white}" in header


def test_a_compiler_that_tells_no_sizes_is_no_obstacle(tmp_path: Path) -> None:
    source = tmp_path / "small.c"
    source.write_text("int answer = 42;\n")
    assert measure(["no-such-compiler"], source, tmp_path) is None
    assert measure(["true"], source, tmp_path) is None
