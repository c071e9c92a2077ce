from torch import nn

from lenet.models._model_config import Initialisation

_NORMAL_DEVIATION = 0.01


def initialise(model: nn.Module, initialisation: Initialisation = "xavier") -> None:
    """Draw the weights of every convolution and dense layer anew, from torch's random numbers.

    The biases stay as PyTorch made them, as in the tutorial.

    Args:
        model: The network; changed in place.
        initialisation: `xavier` for uniform in ±√(6 / (fan-in + fan-out)) (Glorot and Bengio
            2010, equation 16), `kaiming` for uniform in ±√(6 / fan-in) (He et al. 2015),
            `normal` for a normal distribution with standard deviation 0.01, `pytorch` to leave the
            weights as they are.
    """
    if initialisation == "pytorch":
        return
    for layer in model.modules():
        # On the meta device nothing is drawn, but drawing would import PyTorch's compiler.
        if isinstance(layer, (nn.Conv2d, nn.Linear)) and not layer.weight.is_meta:
            if initialisation == "xavier":
                nn.init.xavier_uniform_(layer.weight)
            elif initialisation == "kaiming":
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            else:
                nn.init.normal_(layer.weight, std=_NORMAL_DEVIATION)
