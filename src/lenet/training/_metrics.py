import torch
from torch import Tensor, nn

from lenet.datasets import Batches


def count_correct(logits: Tensor, labels: Tensor) -> Tensor:
    """How many rows of `logits` (B, classes) are largest at their label (B,): int64 scalar."""
    return (logits.argmax(dim=1) == labels).sum()


@torch.no_grad()
def evaluate_loss_and_accuracy(model: nn.Module, batches: Batches) -> tuple[float, float]:
    """Mean cross-entropy and accuracy over a split, in evaluation mode.

    Args:
        model: The network, on the batches' device; left in the mode it was in.
        batches: The examples.

    Returns:
        The mean loss in nats and the accuracy, 0 to 1.
    """
    was_training = model.training
    model.eval()
    loss = torch.zeros((), device=batches.labels.device)
    correct = torch.zeros((), dtype=torch.int64, device=batches.labels.device)
    for images, labels in batches:
        logits = model(images)
        loss += nn.functional.cross_entropy(logits, labels, reduction="sum")
        correct += count_correct(logits, labels)
    model.train(was_training)
    count = len(batches.labels)
    return float(loss) / count, int(correct) / count
