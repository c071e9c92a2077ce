"""Shapes of a LeNet, as settings: the tutorial's and odd ones."""

SHAPES = {
    "tutorial": {},
    "small kernels, three blocks": {"kernel_size": 3, "channels": (5, 7, 3), "dense_widths": (13,)},
    "colour, odd sizes": {
        "input_shape": (3, 33, 29),
        "kernel_size": 7,
        "channels": (4,),
        "padding": 0,
        "dense_widths": (),
    },
    "flat, wide padding": {
        "input_shape": (2, 9, 31),
        "kernel_size": 2,
        "channels": (9, 1),
        "padding": 3,
    },
}
