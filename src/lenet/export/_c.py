import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from lenet.errors import ExportError
from lenet.export._c_files import CNetwork, identifier
from lenet.export._c_functions import float_code, integer_code
from lenet.export._c_program import (
    STRICT,
    Program,
    compile_program,
    describe_compiler,
    find_compiler,
    harness,
    measure,
    run_program,
)
from lenet.export._c_quantise import quantise
from lenet.export._c_stages import plan_stages, take_pixels
from lenet.export._comparison import TOLERANCE, Shares, Written
from lenet.export._trained_network import TrainedNetwork
from lenet.export._windows import with_padding_apart

_IMAGES_A_RUN = 1000  # of the program, which looks at one after the other


def write_c(trained: TrainedNetwork, folder: Path, *, int8: bool = False) -> Written:
    """Write a network as a folder with a C99 header, a source, and an example that uses them.

    Args:
        trained: The network.
        folder: Where to write; the program that is run on the test images is built beside it.
        int8: Whether to compute with whole numbers.

    Raises:
        ExportError: There is no C compiler, or what it makes can't be run.
        ModelError: The network can't be written in C.
    """
    compiler = find_compiler()
    network = c_network(trained, int8=int8)
    sources, build = folder / "sources", folder / "build"
    build.mkdir()
    program = _write_and_compile(network, sources, build, compiler, trained.accuracy, 0)
    shares = program.probabilities(trained.images)
    answers = shares.argmax(axis=1)
    accuracy = float((answers == trained.labels).mean())
    example = _pick_example(trained, shares)
    program = _write_and_compile(network, sources, build, compiler, accuracy, example)
    _try_example(network, sources, build, compiler, shares[example])
    return Written(
        sources,
        program.probabilities,
        batch_sizes=(1,),
        images_a_run=_IMAGES_A_RUN,
        tolerance=None if int8 else TOLERANCE,
        facts=_facts(network, sources, build, compiler, trained.accuracy - accuracy),
    )


write_c_int8 = partial(write_c, int8=True)


def c_network(trained: TrainedNetwork, *, int8: bool) -> CNetwork:
    """A network's stages in C.

    Raises:
        ModelError: It is no list of layers, or one of them can't be had in whole numbers.
    """
    name, normalisation = identifier(trained.name), trained.card.normalisation
    layers = with_padding_apart(trained.layers())
    if not int8:
        layers = take_pixels(layers, normalisation, trained.card.input_shape)
        return CNetwork(name, trained, float_code(plan_stages(layers)), 1.0, False)
    stages, unit = quantise(plan_stages(layers), trained.calibration_sample, normalisation)
    return CNetwork(name, trained, integer_code(stages), unit, True)


def _pick_example(trained: TrainedNetwork, shares: Shares) -> int:
    """The index of the first test image that is answered rightly and surely, if there is one."""
    likeliest, threshold = shares.max(axis=1), np.float32(trained.card.calibration.threshold)
    is_right = shares.argmax(axis=1) == trained.labels
    is_sure = is_right & (likeliest >= threshold)
    return int((is_sure if is_sure.any() else is_right).argmax())


def _write_and_compile(
    network: CNetwork,
    sources: Path,
    build: Path,
    compiler: Sequence[str],
    accuracy: float,
    example: int,
) -> Program:
    """Write the files, and compile the program that answers for images.

    Args:
        network: What is written.
        sources: The folder of the files.
        build: A folder for the program.
        compiler: The compiler's command.
        accuracy: What the files say of it.
        example: The index of the image in the example.
    """
    sources.mkdir(exist_ok=True)
    for name, content in network.files(accuracy, example).items():
        (sources / name).write_text(content, encoding="utf-8", newline="\n")
    check = build / "check.c"
    check.write_text(harness(network.name), encoding="utf-8")
    program = build / "check"
    flags = (*STRICT, f"-I{sources}")
    compile_program(compiler, [check, sources / f"{network.name}.c"], program, flags)
    return Program(program, len(network.trained.card.class_names))


def _try_example(
    network: CNetwork, sources: Path, build: Path, compiler: Sequence[str], shares: Shares
) -> None:
    """Compile and run the example.

    Raises:
        ExportError: It does not compile, or says something else than the network's answer.
    """
    program = build / "example"
    compile_program(compiler, [sources / "example.c", sources / f"{network.name}.c"], program)
    card = network.trained.card
    height = card.input_shape[1]  # of the image, which it draws before it answers
    said = run_program(program).decode("utf-8", "replace").split("\n", height)[-1]
    is_sure = shares.max() >= np.float32(card.calibration.threshold)
    name = card.class_names[shares.argmax()].partition("\0")[0]  # a string of C ends there
    wanted = f"{name}, " if is_sure else "none of the classes"
    if not said.startswith(wanted):
        message = f"The example in C says `{said}` where `{wanted}` belongs; nothing is written."
        raise ExportError(message)


def _facts(
    network: CNetwork, sources: Path, build: Path, compiler: Sequence[str], lost: float
) -> tuple[tuple[str, str], ...]:
    """What a person is told."""
    constants, scratch = network.constants_size, network.scratch_size
    pixels = math.prod(network.trained.card.input_shape)
    measured = measure(compiler, sources / f"{network.name}.c", build)
    flash = f"{_size_text(constants)} of constants"
    memory = f"{_size_text(scratch)} of scratch"
    if measured:
        size, stack = measured
        machine = describe_compiler(compiler)
        flash = f"{_size_text(size)}: {flash}, {_size_text(size - constants)} of code ({machine})"
        memory = f"{_size_text(scratch + stack)}: {memory}, at most {stack} bytes of stack"
    return (
        ("flash", flash),
        ("RAM", f"{memory}; the image is {pixels:,} bytes more"),
        ("accuracy lost", f"{100 * lost:.2f} points"),
        ("build", f"cc -std=c99 -O2 example.c {network.name}.c -lm -o example && ./example"),
    )


def _size_text(size: int) -> str:
    """A size for people; 1 kB is 1000 bytes."""
    return f"{size / 1000:.1f} kB" if size >= 1000 else f"{size} bytes"
