from ._animator import Animator as Animator
from ._data import load_data_fashion_mnist as load_data_fashion_mnist
from ._plotting import plt as plt
from ._plotting import set_axes as set_axes
from ._plotting import set_figsize as set_figsize
from ._plotting import use_svg_display as use_svg_display
from ._training import Accumulator as Accumulator
from ._training import Timer as Timer
from ._training import accuracy as accuracy
from ._training import evaluate_accuracy as evaluate_accuracy
from ._training import evaluate_accuracy_gpu as evaluate_accuracy_gpu
from ._training import size as size
from ._training import train_ch6 as train_ch6
from ._training import try_all_gpus as try_all_gpus
from ._training import try_gpu as try_gpu

__all__ = [
    "Accumulator",
    "Animator",
    "Timer",
    "accuracy",
    "evaluate_accuracy",
    "evaluate_accuracy_gpu",
    "load_data_fashion_mnist",
    "plt",
    "set_axes",
    "set_figsize",
    "size",
    "train_ch6",
    "try_all_gpus",
    "try_gpu",
    "use_svg_display",
]
