from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


def fold_batch_norm(
    weight: Array, bias: Array | None, norm: Mapping[str, npt.NDArray[Any]], epsilon: float = 1e-5
) -> tuple[Array, Array]:
    """A layer's weights and biases so that batch normalisation in evaluation mode is in them.

    Args:
        weight: Of the convolution or dense layer before it, (outputs, …).
        bias: Of the same, (outputs,), where it has one.
        norm: Its `weight`, `bias`, `running_mean` and `running_var`, (outputs,) each.
        epsilon: What is added to the variance; PyTorch's own by default.

    Returns:
        Weights and biases, new and rounded once from float64.
    """
    gain, offset, mean, variance = (
        norm[name].astype(np.float64) for name in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gain / np.sqrt(variance + epsilon)
    before = 0.0 if bias is None else bias.astype(np.float64)
    scaled = weight.astype(np.float64) * scale.reshape(-1, *[1] * (weight.ndim - 1))
    return scaled.astype(np.float32), (offset + (before - mean) * scale).astype(np.float32)
