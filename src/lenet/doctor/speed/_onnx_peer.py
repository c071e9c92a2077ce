"""onnxruntime with the network exported by PyTorch."""

import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch

from lenet.doctor.speed._task import Predict, Task
from lenet.doctor.speed._torch_peer import plain_network


def predict_with_onnxruntime(task: Task, threads: int) -> Predict:
    """The network as onnxruntime runs it."""
    session = _session(task, threads)
    return lambda images: session.run(None, {"images": images})


def _session(task: Task, threads: int) -> Any:
    """A session for float32 images of any number, named `images`."""
    import onnxruntime
    import onnxscript  # noqa: F401  (the export needs it; here its absence is told)

    # The export tells of packages that it can do without.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "lenet.onnx")
        torch.onnx.export(
            plain_network(task).eval(),
            (torch.zeros(2, *task.config.input_shape),),
            str(path),
            dynamo=True,
            external_data=False,
            verbose=False,
            input_names=["images"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
        return onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
