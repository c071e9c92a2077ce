from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from lenet.export._onnx import (
    INPUT,
    describe_onnx,
    onnx_facts,
    onnx_model,
    require_onnx_packages,
    run_onnx,
)
from lenet.export._written import TrainedNetwork, Written
from lenet.pictures import Pixels

if TYPE_CHECKING:
    import onnx

_WEIGHTED = {"Conv", "Gemm", "MatMul"}
_PERCENTILE = 99.99  # of the values have a place in the range; the few beyond cost all others steps


def write_onnx_int8(trained: TrainedNetwork, folder: Path) -> Written:
    """Write a network as one ONNX file whose weights and values between layers are eight bits.

    The ranges of the values are measured on calibration images, those of the weights for each
    channel. The head, from the logits to the probabilities, keeps float32.

    Raises:
        MissingExtraError: A package is not installed.
    """
    require_onnx_packages()
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    model = onnx_model(trained)
    path = folder / "model.onnx"
    images = trained.calibration_sample
    with _quiet():
        quantize_static(
            model,
            path,
            _Reader(images),
            quant_format=QuantFormat.QDQ,
            calibrate_method=CalibrationMethod.Percentile,
            # Both unsigned: processors without VNNI instructions add products of signed weights in
            # 16 bits, which overflow.
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QUInt8,
            per_channel=True,
            nodes_to_exclude=_kept_in_float(model),
            extra_options={"WeightSymmetric": True, "CalibPercentile": _PERCENTILE},
        )
    rounded = onnx.load(path)
    describe_onnx(rounded, trained)
    onnx.checker.check_model(rounded, full_check=True)
    path.write_bytes(rounded.SerializeToString())
    facts = (*onnx_facts(path), ("calibrated on", f"{len(images):,} images"))
    return Written(path, run_onnx(path), tolerance=None, facts=facts)


class _Reader:
    """Gives onnxruntime the calibration images; it asks for no more than this method.

    Args:
        images: uint8 (N, C, H, W), all at once: batches of unequal sizes are refused.
    """

    def __init__(self, images: Pixels):
        self._batches = iter([{INPUT: images}])

    def get_next(self) -> dict[str, Pixels] | None:
        """The next batch as the graph's input, until there is none."""
        return next(self._batches, None)


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
    return [node.name for node in (*nodes[: weighted[0]], *nodes[weighted[-1] + 1 :])]
