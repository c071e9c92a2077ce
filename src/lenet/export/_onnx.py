"""A network as one ONNX file, with float weights or with eight-bit ones."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from lenet._version import __version__
from lenet.core import has_torch, json_text, require_torch
from lenet.errors import ExportError, MissingExtraError
from lenet.export._trained_network import Decided, Runner, Shares, TrainedNetwork, Written
from lenet.models import HEADER_KEY
from lenet.pictures import Pixels

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUT, DECISION = "images", "probabilities", "decision"
_BATCH = "batch"
OPSET = 18  # the oldest that PyTorch writes; onnxruntime reads it from 1.14 on, of 2023
_IR_VERSION = 8  # the one of the first release of `onnx` with that opset
_DESCRIPTION = (
    "Takes images, uint8 (N, {shape}), prepared as the metadata says, and gives the classes' "
    "calibrated probabilities, float32 (N, {classes}), and the answered class, int64 (N,): its "
    "place in `class_names`, or -1 for none of them. The metadata holds `class_names`, a JSON list "
    "in the order of the probabilities, and `lenet`, all that the model file says about itself."
)
_WEIGHTED = {"Conv", "Gemm", "MatMul"}
_PERCENTILE = 99.99  # of the values have a place in the range; the few beyond cost all others steps


def write_onnx(trained: TrainedNetwork, folder: Path) -> Written:
    """Write a network as one ONNX file, for any number of images: see `onnx_model`."""
    path = folder / "model.onnx"
    path.write_bytes(onnx_model(trained).SerializeToString())
    return Written(path, run_onnx(path), facts=_onnx_facts(path))


def write_onnx_int8(trained: TrainedNetwork, folder: Path) -> Written:
    """Write a network as one ONNX file whose weights and values between layers are eight bits.

    The ranges of the values are measured on calibration images, those of the weights for each
    channel. The head, from the logits to the probabilities, keeps float32.
    """
    model = onnx_model(trained)
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    path = folder / "model.onnx"
    images = trained.calibration_sample
    with _quiet():
        try:
            quantize_static(
                model,
                path,
                # All at once: batches of unequal sizes are refused.
                SimpleNamespace(get_next=partial(next, iter([{INPUT: images}]), None)),
                quant_format=QuantFormat.QDQ,
                calibrate_method=CalibrationMethod.Percentile,
                # Both unsigned: processors without VNNI instructions add products of signed weights
                # in 16 bits, which overflow.
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QUInt8,
                per_channel=True,
                nodes_to_exclude=_kept_in_float(model),
                extra_options={"WeightSymmetric": True, "CalibPercentile": _PERCENTILE},
            )
        except ValueError as error:  # as where a layer gives the same number for every image
            message = f"ONNX Runtime can't round the network's numbers to eight bits: {error}"
            raise ExportError(message) from error
    rounded = onnx.load(path)
    _describe_onnx(rounded, trained)
    onnx.checker.check_model(rounded, full_check=True)
    path.write_bytes(rounded.SerializeToString())
    facts = (*_onnx_facts(path), ("calibrated on", f"{len(images):,} images"))
    return Written(path, run_onnx(path), tolerance=None, facts=facts)


def onnx_model(trained: TrainedNetwork) -> onnx.ModelProto:
    """A network as ONNX: a graph that was checked, with what the model file says in it.

    Normalisation, temperature, softmax and what is answered are in the graph, too.

    Raises:
        MissingExtraError: PyTorch, which writes it, or a package for ONNX is not installed.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        package = "" if has_torch() else "torch"
        raise MissingExtraError("An export to ONNX", "export", package=package) from error
    require_torch("An export to ONNX")
    import torch

    from lenet.export._onnx_network import PixelsToDecisions

    network = PixelsToDecisions(trained)
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
            output_names=[OUTPUT, DECISION],
            # PyTorch 2.6 fixes the number if it may be as large as an int64.
            dynamic_shapes=({0: torch.export.Dim(_BATCH, max=2**31 - 1)},),
        )
    model: onnx.ModelProto = program.model_proto
    _describe_onnx(model, trained)
    onnx.checker.check_model(model, full_check=True)
    return model


def run_onnx(path: Path) -> Runner:
    """How onnxruntime runs a file."""
    import onnxruntime

    # From memory, so that nothing holds the file when it is renamed.
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])

    def run(images: Pixels) -> tuple[Shares, Decided]:
        shares, decided = session.run([OUTPUT, DECISION], {INPUT: np.ascontiguousarray(images)})
        return shares, decided

    return run


def _onnx_facts(path: Path) -> tuple[tuple[str, str], ...]:
    import onnxruntime

    return (
        ("size", f"{path.stat().st_size / 1000:.1f} kB"),
        ("opset", str(OPSET)),
        ("run by", f"onnxruntime {onnxruntime.__version__}"),
    )


def _describe_onnx(model: onnx.ModelProto, trained: TrainedNetwork) -> None:
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
        model, {"class_names": json_text(card.class_names), HEADER_KEY: card.to_json()}
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


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back how onnxruntime gets on, and its advice to prepare the graph, which was done."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        logging.root.setLevel(level)


def _kept_in_float(model: onnx.ModelProto) -> list[str]:
    """The nodes before the first layer with weights and after the last: pixels and head."""
    nodes = list(model.graph.node)
    weighted = [index for index, node in enumerate(nodes) if node.op_type in _WEIGHTED]
    if not weighted:
        return [node.name for node in nodes]
    return [node.name for node in (*nodes[: weighted[0]], *nodes[weighted[-1] + 1 :])]
