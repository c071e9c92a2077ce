from ._data import get_dataloader_workers as get_dataloader_workers
from ._data import get_fashion_mnist_labels as get_fashion_mnist_labels
from ._data import load_array as load_array
from ._data import load_data_fashion_mnist as load_data_fashion_mnist
from ._data import synthetic_data as synthetic_data
from ._plotting import Animator as Animator
from ._plotting import plot as plot
from ._plotting import plt as plt
from ._plotting import set_axes as set_axes
from ._plotting import set_figsize as set_figsize
from ._plotting import show_images as show_images
from ._plotting import use_svg_display as use_svg_display
from ._training import Accumulator as Accumulator
from ._training import Timer as Timer
from ._training import accuracy as accuracy
from ._training import corr2d as corr2d
from ._training import evaluate_accuracy as evaluate_accuracy
from ._training import evaluate_accuracy_gpu as evaluate_accuracy_gpu
from ._training import evaluate_loss as evaluate_loss
from ._training import linreg as linreg
from ._training import predict_ch3 as predict_ch3
from ._training import sgd as sgd
from ._training import size as size
from ._training import squared_loss as squared_loss
from ._training import train_ch3 as train_ch3
from ._training import train_ch6 as train_ch6
from ._training import train_epoch_ch3 as train_epoch_ch3
from ._training import try_all_gpus as try_all_gpus
from ._training import try_gpu as try_gpu

__all__ = [
    "Accumulator",
    "Animator",
    "Timer",
    "accuracy",
    "corr2d",
    "evaluate_accuracy",
    "evaluate_accuracy_gpu",
    "evaluate_loss",
    "get_dataloader_workers",
    "get_fashion_mnist_labels",
    "linreg",
    "load_array",
    "load_data_fashion_mnist",
    "plot",
    "plt",
    "predict_ch3",
    "set_axes",
    "set_figsize",
    "sgd",
    "show_images",
    "size",
    "squared_loss",
    "synthetic_data",
    "train_ch3",
    "train_ch6",
    "train_epoch_ch3",
    "try_all_gpus",
    "try_gpu",
    "use_svg_display",
]
