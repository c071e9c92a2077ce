import numpy as np
import torch
from torch import Tensor, nn

from lenet.datasets import Batches
from lenet.errors import ModelError
from lenet.kernels import Predictor, try_kernels
from lenet.models import make_predictor


def count_correct(logits: Tensor, labels: Tensor) -> Tensor:
    """How many rows of `logits` (B, classes) are largest at their label (B,): int64 scalar."""
    return (logits.argmax(dim=1) == labels).sum()


@torch.no_grad()
def compute_logits(model: nn.Module, batches: Batches) -> Tensor:
    """What a network in evaluation mode makes of every example of a split, in its order.

    The compiled kernels do it where they serve, as `use_kernels` says.

    Args:
        model: The network, on the batches' device; left in the mode it was in.
        batches: The examples, without shuffling and augmentation.

    Returns:
        float32 (N, classes) on the batches' device.

    Raises:
        ModelError: `native` kernels are chosen and do not serve.
    """
    if predictor := try_kernels(lambda: _make_predictor(model, batches)):
        threads = torch.get_num_threads()
        answers = [predictor(pixels.numpy(), threads) for pixels in batches.pieces()]
        return torch.from_numpy(np.concatenate(answers))
    was_training = model.training
    model.eval()
    try:
        return torch.cat([model(images) for images, _ in batches])
    finally:
        model.train(was_training)


def evaluate_loss_and_accuracy(model: nn.Module, batches: Batches) -> tuple[float, float]:
    """Mean cross-entropy and accuracy over a split, in evaluation mode.

    Args:
        model: The network, on the batches' device; left in the mode it was in.
        batches: The examples.

    Returns:
        The mean loss in nats and the accuracy, 0 to 1.
    """
    logits, labels = compute_logits(model, batches).cpu(), batches.labels.cpu()
    loss = nn.functional.cross_entropy(logits.double(), labels)
    return float(loss), int(count_correct(logits, labels)) / len(labels)


def _make_predictor(model: nn.Module, batches: Batches) -> Predictor:
    """The compiled kernels with the network's weights.

    Raises:
        ModelError: They do not serve it here.
    """
    if batches.device.type != "cpu":
        message = "The compiled kernels are for the CPU."
        raise ModelError(message)
    image_shape = tuple(batches.placed.images.shape[1:])
    return make_predictor(model, image_shape, batches.byte_values.numpy())
