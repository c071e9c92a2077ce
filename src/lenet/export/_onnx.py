from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lenet._version import __version__
from lenet.errors import MissingExtraError
from lenet.export._plain_network import PixelsToProbabilities
from lenet.export._written import Runner, Shares, TrainedNetwork, Written
from lenet.models import HEADER_KEY
from lenet.pictures import Pixels

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUT = "images", "probabilities"
_BATCH = "batch"
OPSET = 18  # the oldest that PyTorch writes; onnxruntime reads it from 1.14 on, of 2023
_IR_VERSION = 8  # the one of the first release of `onnx` with that opset
_DESCRIPTION = (
    "Takes images, uint8 (N, {shape}), prepared as the metadata says, and gives the classes' "
    "calibrated probabilities, float32 (N, {classes}). The metadata holds `class_names`, a JSON "
    "list in the order of the outputs, and `lenet`, all that the model file says about itself."
)


def write_onnx(trained: TrainedNetwork, folder: Path) -> Written:
    """Write a network as one ONNX file.

    Normalisation, temperature and softmax are in it; the number of images is free.

    Raises:
        MissingExtraError: A package is not installed.
    """
    require_onnx_packages()
    path = folder / "model.onnx"
    path.write_bytes(onnx_model(trained).SerializeToString())
    return Written(path, run_onnx(path), facts=onnx_facts(path))


def require_onnx_packages() -> None:
    """Raise if a package that writes or runs ONNX is not installed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("An export to ONNX", "export") from error


def onnx_model(trained: TrainedNetwork) -> onnx.ModelProto:
    """A network as ONNX: a graph that was checked, with what the model file says in it."""
    import onnx

    network = PixelsToProbabilities(trained.network, trained.card)
    example = torch.zeros(2, *trained.card.input_shape, dtype=torch.uint8)
    # The export tells of packages that it can do without.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program: Any = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            # PyTorch 2.6 fixes the number if it may be as large as an int64.
            dynamic_shapes=({0: torch.export.Dim(_BATCH, max=2**31 - 1)},),
        )
    model: onnx.ModelProto = program.model_proto
    describe_onnx(model, trained)
    onnx.checker.check_model(model, full_check=True)
    return model


def run_onnx(path: Path) -> Runner:
    """How onnxruntime runs a file."""
    import onnxruntime

    # From memory, so that nothing holds the file when it is renamed.
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])

    def run(images: Pixels) -> Shares:
        shares: Shares = session.run([OUTPUT], {INPUT: np.ascontiguousarray(images)})[0]
        return shares

    return run


def onnx_facts(path: Path) -> tuple[tuple[str, str], ...]:
    """What a person is told of a file."""
    import onnxruntime

    return (
        ("size", f"{path.stat().st_size / 1000:.1f} kB"),
        ("opset", str(OPSET)),
        ("run by", f"onnxruntime {onnxruntime.__version__}"),
    )


def describe_onnx(model: onnx.ModelProto, trained: TrainedNetwork) -> None:
    """Say in a model what it is, and nothing of how PyTorch came to it."""
    import onnx

    card = trained.card
    model.ir_version = _IR_VERSION
    model.producer_name, model.producer_version = "lenet", __version__
    model.doc_string = _DESCRIPTION.format(
        shape=", ".join(map(str, card.input_shape)), classes=len(card.class_names)
    )
    model.graph.name = card.model
    onnx.helper.set_model_props(
        model,
        {
            "class_names": json.dumps(card.class_names),
            HEADER_KEY: card.to_json(),
        },
    )
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        if part is not graph:
            part.ClearField("doc_string")
    for value in (*graph.input, *graph.output):
        batch = value.type.tensor_type.shape.dim[0]
        if batch.dim_param:  # PyTorch 2.6 gives it a name of its own
            batch.dim_param = _BATCH
    graph.ClearField("value_info")  # shapes in between, which every reader infers
