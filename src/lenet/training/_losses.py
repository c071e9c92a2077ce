from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from lenet.training._recipe import Recipe

Loss = Callable[[Tensor, Tensor], Tensor]
RUBBISH_PENALTY = 1.0


def build_loss(recipe: Recipe) -> Loss:
    """The loss of a recipe: from logits (B, classes) and labels (B,) to their mean loss in nats."""
    if recipe.loss == "map":
        return map_loss
    return nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)


def map_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """LeNet-5's loss: a wrong class should be far away, but farther than rubbish is no merit.

    It is cross-entropy with one more class, rubbish, whose penalty is fixed. The paper calls it the
    maximum a posteriori criterion and leaves the penalty open but for its sign; here it is 1.

    Args:
        logits: Minus each class's penalty, (B, classes).
        labels: The true classes, int64 (B,).

    Source: LeCun et al. (1998), equation 9.
    """
    return F.cross_entropy(F.pad(logits, (0, 1), value=-RUBBISH_PENALTY), labels)
