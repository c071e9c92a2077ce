"""Networks for the tests of the export to C, and how their C code is compiled here."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from string import Template

import numpy as np
import pytest
import torch

from lenet.export import TrainedNetwork, pytorch_probabilities

# The program round the exported code, which measures it on this machine.
from lenet.export._c import Program, harness
from lenet.export._c_files import CNetwork
from lenet.models import (
    Calibration,
    LeNet5Config,
    LeNetConfig,
    MLPConfig,
    ModelCard,
    ModelConfig,
    Network,
    Normalisation,
    SoftmaxConfig,
    build_model,
    identify_model,
)
from lenet.models.layers import layers_to_dicts
from lenet.pictures import Preparation

COMPILERS = ("gcc", "clang")
# More than the code promises to be clean of.
STRICT = (
    "-std=c99 -Wall -Wextra -Werror -pedantic -Wconversion -Wshadow -Wdouble-promotion "
    "-Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wundef -Wvla"
).split()
SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

SMALL = LeNetConfig(input_shape=(1, 14, 14), channels=(3, 4), kernel_size=3, dense_widths=(9,))
CONFIGS: dict[str, ModelConfig] = {
    "sigmoid, average": SMALL,
    "relu, average, batch norm": LeNetConfig(
        (1, 14, 14), 5, (3, 4), 3, 1, (9, 7), "relu", "average", True, "kaiming"
    ),
    "tanh, maximum, odd sizes": LeNetConfig((1, 15, 19), 3, (2, 3), 4, 2, (8,), "tanh", "max"),
    "gelu, colour, three blocks, no padding": LeNetConfig(
        (3, 33, 30), 4, (2, 3, 4), 3, 0, (), "gelu", "average"
    ),
    "relu, maximum, one block": LeNetConfig((2, 9, 8), 2, (3,), 2, 1, (6,), "relu", "max"),
    "mlp": MLPConfig((1, 6, 7), 4, (11, 5), "sigmoid", "xavier"),
    "softmax": SoftmaxConfig((3, 4, 5), 3, "xavier"),
    "softmax of many pixels": SoftmaxConfig((3, 64, 64), 3, "kaiming"),
    "lenet5": LeNet5Config(),
}


def trained_network(
    config: ModelConfig | Network,
    *,
    name: str = "small",
    class_names: Sequence[str] | None = None,
    calibration: Calibration | None = None,
    count: int = 40,
) -> TrainedNetwork:
    """A network with random weights, and random images that it is right about."""
    network = build_model(config, seed=3).eval()
    random = np.random.default_rng(0)
    for key, values in network.state_dict().items():
        if key.endswith(("running_mean", "running_var")):
            values.copy_(torch.from_numpy(random.uniform(0.5, 1.5, values.shape)))
    model, settings = identify_model(network, config.input_shape)
    is_lenet5 = isinstance(config, LeNet5Config)
    card = ModelCard(
        model=model,
        config={key: value for key, value in settings.to_dict().items() if key != "layers"},
        layers=tuple(layers_to_dicts(settings.network().layers)),
        class_names=tuple(class_names or map(str, range(config.classes))),
        input_shape=config.input_shape,
        preparation=Preparation.plain(config.input_shape),
        normalisation=Normalisation(0.1 / 1.275, 1 / 1.275)
        if is_lenet5
        else Normalisation(0.3, 0.4),
        calibration=calibration or Calibration(1.3, 0.0, 10),
        dataset="random",
    )
    images = random.integers(0, 256, (count, *config.input_shape), dtype=np.uint8)
    images[0], images[1] = 0, 255
    probabilities = pytorch_probabilities(network, card, images)
    return TrainedNetwork(
        name=name,
        path=Path("model.safetensors"),
        network=network,
        card=card,
        images=images,
        labels=probabilities.argmax(axis=1),
        calibration_images=images[: count // 2],
        dataset="random",
        split="test",
        probabilities=probabilities,
    )


def need(compiler: str) -> None:
    """Skip a test where a compiler is not installed."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no `{compiler}` on this machine")


def run_compiler(*command: str | Path) -> None:
    """Compile; a message of the compiler is what the failing test shows."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:3000]
    assert not done.stderr


def write_files(network: CNetwork, folder: Path) -> None:
    """Header, source, example, and the program that answers for images, as `check.c`."""
    for name, content in network.files(0.5, 0).items():
        (folder / name).write_text(content, encoding="utf-8")
    (folder / "check.c").write_text(harness(network.name), encoding="utf-8")


def compiled(
    network: CNetwork, folder: Path, compiler: str = "gcc", flags: Sequence[str] = ("-O1",)
) -> Program:
    """A network's C code as a program that answers for images."""
    need(compiler)
    write_files(network, folder)
    sources = folder / f"{network.name}.c", folder / "check.c"
    run_compiler(compiler, *STRICT, *flags, *sources, "-lm", "-o", folder / "check")
    return Program(folder / "check", len(network.trained.card.class_names))


_ONE_OF_MANY = Template("""\
static int run_$name(void)
{
    static uint8_t pixels[${NAME}_PIXELS];
    static ${name}_scratch scratch;
    static float probabilities[${NAME}_CLASSES];

    while (fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels) {
        ${name}_probabilities(pixels, &scratch, probabilities);
        const int32_t answer = ${name}_decide(probabilities);
        fwrite(probabilities, 1, sizeof probabilities, stdout);
        fwrite(scratch.logits, 1, sizeof scratch.logits, stdout);
        fwrite(&answer, 1, sizeof answer, stdout);
    }
    return 0;
}
""")


def compiled_together(
    networks: Sequence[CNetwork], folder: Path, flags: Sequence[str] = ("-O1",)
) -> list[Program]:
    """Networks of different names as one program, which is the one that it is called as."""
    need("gcc")
    names = [network.name for network in networks]
    for network in networks:
        for name, content in network.files(0.5, 0).items():
            (folder / name).write_text(content, encoding="utf-8")
    parts = [_ONE_OF_MANY.substitute(name=name, NAME=name.upper()) for name in names]
    choice = [f'    if (strcmp(name, "{name}") == 0) {{ return run_{name}(); }}' for name in names]
    lines = [
        "#include <stdio.h>",
        "#include <string.h>",
        *(f'#include "{name}.h"' for name in names),
        *parts,
        "int main(int count, char **arguments)",
        "{",
        "    const char *name = count ? strrchr(arguments[0], '/') + 1 : \"\";",
        *choice,
        "    return 1;",
        "}\n",
    ]
    (folder / "all.c").write_text("\n".join(lines), encoding="utf-8")
    sources = [folder / f"{name}.c" for name in ("all", *names)]
    run_compiler("gcc", *STRICT, *flags, *sources, "-lm", "-o", folder / "all")
    for name in names:
        (folder / name).symlink_to("all")
    return [Program(folder / one.name, len(one.trained.card.class_names)) for one in networks]


def can_sanitize(compiler: str, folder: Path) -> bool:
    """Whether a compiler's sanitizers are installed and can run here."""
    need(compiler)
    source, program = folder / "nothing.c", folder / "nothing"
    source.write_text("int main(void) { return 0; }\n")
    command = [compiler, *SANITIZED, source, "-o", program]
    built = subprocess.run(command, capture_output=True).returncode == 0
    return built and subprocess.run([program], env=os.environ, capture_output=True).returncode == 0
