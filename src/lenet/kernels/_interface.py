"""The functions and structures of native/interface.cpp and prepare.h, as ctypes sees them."""

import ctypes
from ctypes import POINTER, c_double, c_float, c_int32, c_int64, c_uint64, c_void_p

INTERFACE = 5  # what `lenet_interface()` of native/interface.cpp must give


class LayerDescription(ctypes.Structure):
    """As in native/network.h."""

    _fields_ = [
        ("is_convolution", c_int32),
        ("inputs", c_int32),
        ("height", c_int32),
        ("width", c_int32),
        ("padding", c_int32),
        ("kernel", c_int32),
        ("outputs", c_int32),
        ("activation", c_int32),
        ("pooling", c_int32),
        ("has_batch_norm", c_int32),
    ]


class Images(ctypes.Structure):
    """As in native/network.h."""

    _fields_ = [("numbers", c_void_p), ("bytes", c_void_p), ("byte_values", c_void_p)]


class Examples(ctypes.Structure):
    """As in native/examples.h."""

    _fields_ = [
        ("pixels", c_void_p),
        ("byte_values", c_void_p),
        ("labels", c_void_p),
        ("channels", c_int32),
        ("height", c_int32),
        ("width", c_int32),
    ]


class Selection(ctypes.Structure):
    """As in native/examples.h."""

    _fields_ = [
        ("indices", c_void_p),
        ("mirrored", c_void_p),
        ("row_shifts", c_void_p),
        ("column_shifts", c_void_p),
        ("count", c_int32),
    ]


class NativeStepSettings(ctypes.Structure):
    """As `StepSettings` in native/optimisers.h."""

    _fields_ = [
        ("kind", c_int32),
        ("nesterov", c_int32),
        ("step", c_int64),
        ("learning_rate", c_double),
        ("weight_decay", c_double),
        ("momentum", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("epsilon", c_double),
        ("largest_norm", c_double),
    ]


class BatchNormState(ctypes.Structure):
    """As in native/batch_norm.h."""

    _fields_ = [
        ("epsilon", c_double),
        ("momentum", c_double),
        ("running_mean", c_void_p),
        ("running_variance", c_void_p),
        ("batches", c_void_p),
    ]


class NativeOperation(ctypes.Structure):
    """As `Operation` in native/program.h."""

    _fields_ = [
        ("kind", c_int32),
        ("input", c_int32),
        ("other", c_int32),
        ("channels", c_int32),
        ("height", c_int32),
        ("width", c_int32),
        ("outputs", c_int32),
        ("rows", c_int32),
        ("columns", c_int32),
        ("kernel_height", c_int32),
        ("kernel_width", c_int32),
        ("down", c_int32),
        ("right", c_int32),
        ("above", c_int32),
        ("left", c_int32),
        ("spread_down", c_int32),
        ("spread_right", c_int32),
        ("groups", c_int32),
        ("choice", c_int32),
        ("is_adaptive", c_int32),
        ("counts_padding", c_int32),
        ("draws_maps", c_int32),
        ("weights", c_int32),
        ("biases", c_int32),
        ("first_connection", c_int32),
        ("connections", c_int32),
        ("number", c_float),
    ]


class LossSettings(ctypes.Structure):
    """As in native/plain_training.h."""

    _fields_ = [("kind", c_int32), ("label_smoothing", c_float), ("seed", c_uint64)]


class Loss(ctypes.Structure):
    """As in native/loss.h."""

    _fields_ = [("sum", c_double), ("correct", c_int64)]


class DrawnLayer(ctypes.Structure):
    """As in native/initial.h."""

    _fields_ = [
        ("outputs", c_int64),
        ("inputs", c_int64),
        ("window", c_int64),
        ("has_biases", c_int64),
    ]


# Names, results and arguments; an array is a pointer to its first element.
FUNCTIONS = {
    "prepare_scratch": (c_int32, [c_int32, c_int32, c_int32, c_void_p, c_int32]),
    "prepare": (
        None,
        [c_void_p, c_int32, c_int32, c_int32, c_void_p, c_void_p, c_void_p, c_void_p],
    ),
    "find_symbols": (c_int32, [c_void_p, c_int32, c_int32, c_int32, c_void_p, c_void_p]),
    "take_symbol": (None, [c_int32, c_void_p, c_void_p, c_void_p, c_void_p]),
    "network_new": (c_void_p, [POINTER(LayerDescription), c_int32]),
    "network_free": (None, [c_void_p]),
    "forward": (c_int32, [c_void_p, c_void_p, POINTER(Images), c_int64, c_int32, c_void_p]),
    "predictor_new": (c_void_p, [c_void_p, c_void_p]),
    "predictor_free": (None, [c_void_p]),
    "predict": (c_int32, [c_void_p, POINTER(Images), c_int64, c_int32, c_void_p]),
    "kept_batch_new": (
        c_void_p,
        [c_void_p, c_void_p, POINTER(Images), c_int64, c_int32, c_void_p],
    ),
    "kept_batch_backward": (
        c_int32,
        [c_void_p, c_void_p, c_void_p, c_int32, c_void_p, c_void_p],
    ),
    "kept_batch_free": (None, [c_void_p]),
    "trainer_new": (c_void_p, [c_void_p, c_int32]),
    "trainer_free": (None, [c_void_p]),
    "trainer_gradients": (
        c_int32,
        [
            c_void_p,
            POINTER(Examples),
            POINTER(Selection),
            c_double,
            c_int32,
            c_void_p,
            c_void_p,
            c_void_p,
            POINTER(Loss),
        ],
    ),
    "trainer_update": (
        c_int32,
        [c_void_p, POINTER(NativeStepSettings), c_int32, c_void_p, c_void_p, c_void_p],
    ),
    "order": (c_int32, [c_uint64, c_int32, c_int64, c_void_p]),
    "changes": (c_int32, [c_uint64, c_int32, c_int32, c_int64, c_int64, c_void_p, c_void_p]),
    "initialise": (c_int32, [POINTER(DrawnLayer), c_int32, c_int32, c_uint64, c_void_p]),
    "program_new": (c_void_p, [POINTER(NativeOperation), c_int32, c_void_p, c_int32]),
    "program_free": (None, [c_void_p]),
    "program_offsets": (None, [c_void_p, c_void_p]),
    "program_values": (c_int32, [c_void_p, c_void_p, c_void_p, c_void_p]),
    "program_contributions": (
        c_int32,
        [c_void_p, c_void_p, c_void_p, c_int32, c_int32, c_int32, c_void_p, c_void_p],
    ),
    "plain_predictor_new": (c_void_p, [c_void_p, c_void_p, c_void_p, c_int32]),
    "plain_predictor_free": (None, [c_void_p]),
    "plain_predict": (c_int32, [c_void_p, POINTER(Images), c_int64, c_int32, c_void_p]),
    "plain_trainer_new": (c_void_p, [c_void_p, c_int32]),
    "plain_trainer_free": (None, [c_void_p]),
    "plain_trainer_gradients": (
        c_int32,
        [
            c_void_p,
            POINTER(Examples),
            POINTER(Selection),
            POINTER(LossSettings),
            c_int32,
            c_void_p,
            c_void_p,
            c_void_p,
            POINTER(Loss),
        ],
    ),
    "plain_trainer_update": (
        c_int32,
        [c_void_p, POINTER(NativeStepSettings), c_int32, c_void_p, c_void_p, c_void_p],
    ),
}
