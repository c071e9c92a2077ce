import torch
from torch import nn

from lenet.datasets import Batches
from lenet.training._metrics import evaluate_loss_and_accuracy
from lenet.training._peers import Peers, part_of


class HeldOut:
    """Images that are not trained on, of which each process scores a part.

    Args:
        batches: All of them.
        peers: The processes.

    Attributes:
        batches: All of them.
    """

    def __init__(self, batches: Batches, peers: Peers):
        self.batches, self._peers = batches, peers
        self._is_shared = peers.size > 1
        part = part_of(len(batches.labels), peers)
        self._own = batches.part(part) if self._is_shared else batches

    def evaluate(self, model: nn.Module) -> tuple[float, float]:
        """Mean cross-entropy and accuracy over all of them, in every process."""
        if not self._is_shared:
            return evaluate_loss_and_accuracy(model, self.batches)
        count, total = len(self._own.labels), len(self.batches.labels)
        loss, accuracy = evaluate_loss_and_accuracy(model, self._own) if count else (0.0, 0.0)
        sums = torch.tensor([loss * count, round(accuracy * count)], dtype=torch.float64)
        self._peers.add_up(sums)
        total_loss, correct = sums.tolist()
        return total_loss / total, correct / total
