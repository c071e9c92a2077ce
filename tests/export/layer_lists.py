"""Networks of every kind of layer, one by one and put together at random."""

from collections.abc import Sequence

from hypothesis import strategies as st

from lenet.errors import ModelError
from lenet.models import Network
from lenet.models.layers import (
    FUNCTIONS,
    Activation,
    AdaptivePooling,
    BatchNorm,
    Convolution,
    Dense,
    Distances,
    Dropout,
    Flatten,
    Layer,
    Padding,
    PartialConvolution,
    Pooling,
    Residual,
    Shape,
    Subsampling,
)

SHAPE = (2, 9, 8)
_MOST_NUMBERS = 2000  # between two layers, so that a test does not take long


def ended(*layers: Layer, shape: Shape = SHAPE) -> Network:
    """A network of some layers and a dense one after them."""
    return Network([*layers, Flatten(), Dense(units=4)], shape)


def conv(filters: int = 4, size: int | tuple[int, int] = 3, **settings: object) -> Convolution:
    """A convolution."""
    return Convolution(filters=filters, kernel_size=size, **settings)  # type: ignore[arg-type]


def relu() -> Activation:
    return Activation(function="relu")


def pool(size: int | tuple[int, int] = 2, **settings: object) -> Pooling:
    """A pooling."""
    return Pooling(kernel_size=size, **settings)  # type: ignore[arg-type]


_ACTIVATIONS = {
    f"activation {name}": ended(conv(), Activation(function=name), pool(3, stride=1))  # type: ignore[arg-type]
    for name in FUNCTIONS
}
KINDS: dict[str, Network] = _ACTIVATIONS | {
    "slopes of their own": ended(
        conv(),
        Activation(function="leaky_relu", parameter=0.2),
        conv(),
        Activation(function="leaky_relu", parameter=-0.1),
        conv(),
        Activation(function="elu", parameter=0.4),
    ),
    "strides, padding, dilation, groups": ended(
        conv(6, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(2, 3)),
        relu(),
        conv(4, 2, groups=2, padding=1, stride=3, bias=False),
    ),
    "depthwise": ended(conv(4, 3, groups=2), relu(), conv(4, (2, 1), groups=4), conv(6, 1)),
    "many inputs": ended(conv(64), relu(), conv(4, 3, padding=1), shape=(1, 6, 6)),
    "padding after sigmoid": ended(conv(), Activation(function="sigmoid"), conv(padding=1)),
    "padding of other values": ended(
        Padding(margins=(1, 0, 0, 2), value=-0.7),
        conv(),
        relu(),
        Padding(margins=(2, 2, 0, 0)),
        Padding(margins=(0, 1, 1, 0), value=1.3),
        conv(),
    ),
    "pooling of pixels": ended(
        pool((2, 3), method="max", padding=1), pool(2, ceil_mode=True), conv(2, 2)
    ),
    "averages": ended(
        pool(3, stride=2, padding=1, count_padding=False),
        conv(padding=2),
        pool(3, stride=2, padding=1),
    ),
    "averages beyond the end": ended(
        conv(4, 2), pool((3, 2), stride=(3, 2), padding=1, ceil_mode=True), pool(2, ceil_mode=True)
    ),
    "windows larger than the maps": ended(
        conv(), pool((9, 2), ceil_mode=True), pool((2, 4), method="max", ceil_mode=True)
    ),
    "averages beyond the end but padding": ended(
        conv(4, 2), pool(3, stride=2, padding=1, ceil_mode=True, count_padding=False)
    ),
    "maxima beyond the end": ended(
        conv(padding=1),
        relu(),
        pool(3, method="max", stride=2, padding=1, ceil_mode=True),
        pool(2, method="max", dilation=2, stride=1, padding=1),
    ),
    "adaptive average": ended(conv(), AdaptivePooling(output_size=(3, 2))),
    "adaptive maximum": ended(conv(), relu(), AdaptivePooling(method="max", output_size=(4, 5))),
    "larger maps": ended(conv(), AdaptivePooling(output_size=(9, 10)), relu()),
    "global average at the end": Network(
        [conv(padding=1), relu(), conv(5, 1), AdaptivePooling(), Flatten()], SHAPE
    ),
    "global maximum at the end": Network(
        [conv(), relu(), conv(5), AdaptivePooling(method="max"), Flatten()], SHAPE
    ),
    "windows of many sizes": ended(
        conv(6), relu(), pool((1, 2), method="max"), conv(4, 2), pool((3, 1)), relu()
    ),
    "batch norm that is folded": ended(conv(bias=False), BatchNorm(), relu()),
    "batch norm first": ended(BatchNorm(), conv(), relu(), BatchNorm(), pool(method="max")),
    "batch norm of units": Network(
        [Flatten(), BatchNorm(), Dense(units=9), relu(), BatchNorm(), Dense(units=3)], SHAPE
    ),
    "batch norm at the end": Network([Flatten(), Dense(units=9), relu(), BatchNorm()], SHAPE),
    "activation at the end": Network(
        [Flatten(), Dense(units=9), Activation(function="tanh")], SHAPE
    ),
    "activation first": ended(Activation(function="silu"), conv()),
    "dropout": ended(
        conv(), Dropout(whole_maps=True), relu(), Flatten(), Dropout(), Dense(units=6)
    ),
    "subsampling first": ended(Subsampling(), Activation(function="scaled_tanh")),
    "subsampling": ended(
        conv(),
        Subsampling(),
        conv(2, padding=1),
        relu(),
        Subsampling(),
        Activation(function="tanh"),
    ),
    "partial": ended(
        conv(3), relu(), PartialConvolution(inputs=((0, 1), (2,), (0, 2), (1,))), shape=(1, 12, 12)
    ),
    "distances": Network(
        [Flatten(), Dense(units=84), Activation(function="scaled_tanh"), Distances(classes=7)],
        SHAPE,
    ),
    "residual of the same": ended(
        conv(4),
        relu(),
        Residual(main=(conv(4, padding=1), BatchNorm(), relu(), conv(4, padding=1))),
        relu(),
    ),
    "residual with a convolution": ended(
        conv(4),
        Residual(
            main=(BatchNorm(), relu(), conv(6, padding=1, stride=2), relu(), conv(6, padding=1)),
            shortcut=(conv(6, 1, stride=2),),
        ),
        Activation(function="gelu"),
        pool(),
    ),
    "residual first and in each other": ended(
        Residual(main=(conv(2, padding=1), Residual(main=(relu(),), shortcut=(conv(2, 1),)))),
        Residual(main=(Dropout(),)),
    ),
    "residual at the end": Network(
        [Flatten(), Dense(units=5), Residual(main=(Dense(units=5), Activation(function="tanh")))],
        SHAPE,
    ),
    "no weights": Network([AdaptivePooling(output_size=(1, 2)), Flatten()], SHAPE),
    "nothing to compute": Network([Flatten()], (1, 1, 3)),
    "in each other": Network(
        [conv(2, name="a.0"), relu(), Flatten(), Dense(units=3, name="b.last")], SHAPE
    ),
}


def added_up(networks: Sequence[Network]) -> Network:
    """A network whose logits are the sums of those that several give for the same images."""
    lists = [network.layers for network in networks]
    while len(lists) > 1:  # sums of two of nearly equal depth
        first, second, *others = lists
        lists = [*others, (Residual(main=first, shortcut=second),)]
    return Network(lists[0], networks[0].input_shape)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Any network of a few layers."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)))
    layers = draw(_lists(shape, draw(st.integers(0, 6))))
    inside = _shape_after(layers, shape)
    ends = [Flatten()] if len(inside) == 3 else []
    units = inside[0] if len(inside) == 1 else 0
    if units < 2 or draw(st.booleans()):
        ends.append(Dense(units=draw(st.integers(2, 5))))
    return Network([*layers, *ends], shape)


@st.composite
def _lists(draw: st.DrawFn, shape: Shape, count: int, depth: int = 0) -> list[Layer]:
    """Some layers for a shape."""
    layers: list[Layer] = []
    for _ in range(count):
        layer = draw(
            _residuals(shape, depth) if depth < 2 and draw(st.integers(0, 6)) == 0 else _ANY
        )
        try:
            after = layer.output_shape(shape)
        except ModelError:
            continue
        if len(after) == 1 and len(shape) == 3 and draw(st.booleans()):
            continue  # not all of them flat from the start
        size = 1
        for one in after:
            size *= one
        if size <= _MOST_NUMBERS:
            layers.append(layer)
            shape = after
    return layers


@st.composite
def _residuals(draw: st.DrawFn, shape: Shape, depth: int) -> Layer:
    """A sum of two lists that give the same shape."""
    main = draw(_lists(shape, 3, depth + 1)) or [Dropout()]
    after = _shape_after(main, shape)
    shortcut: list[Layer] = []
    if after != shape:
        if len(after) == 1:
            shortcut = [Flatten(), Dense(units=after[0])]
        else:
            shortcut = [AdaptivePooling(output_size=after[1:]), conv(after[0], 1)]
    elif draw(st.booleans()):
        shortcut = [Activation(function="tanh")]
    return Residual(main=tuple(main), shortcut=tuple(shortcut))


def _shape_after(layers: list[Layer], shape: Shape) -> Shape:
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape


_SIDES = st.integers(1, 3)
_PAIRS = st.tuples(_SIDES, _SIDES)
_SMALL = st.tuples(st.integers(0, 1), st.integers(0, 1))
_FUNCTIONS = st.sampled_from(list(FUNCTIONS))


@st.composite
def _convolutions(draw: st.DrawFn) -> Layer:
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    return Convolution(
        filters=groups * draw(st.integers(1, 3)),
        kernel_size=draw(_PAIRS),
        stride=draw(_PAIRS),
        padding=draw(st.tuples(st.integers(0, 2), st.integers(0, 2))),
        dilation=draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (2, 3)])),
        groups=groups,
        bias=draw(st.booleans()),
    )


@st.composite
def _poolings(draw: st.DrawFn) -> Layer:
    method = draw(st.sampled_from(["average", "max"]))
    size, is_max = draw(_PAIRS), method == "max"
    return Pooling(
        method=method,
        kernel_size=size,
        stride=draw(_PAIRS),
        padding=tuple(
            min(one, margin)
            for one, margin in zip(draw(_SMALL), (s // 2 for s in size), strict=True)
        ),
        dilation=draw(st.sampled_from([(1, 1), (2, 1)])) if is_max else (1, 1),
        ceil_mode=draw(st.booleans()),
        count_padding=is_max or draw(st.booleans()),
    )


_ANY: st.SearchStrategy[Layer] = st.one_of(
    _convolutions(),
    _convolutions(),
    _poolings(),
    st.builds(AdaptivePooling, method=st.sampled_from(["average", "max"]), output_size=_PAIRS),
    st.builds(Activation, function=_FUNCTIONS),
    st.builds(Activation, function=_FUNCTIONS),
    st.builds(Dense, units=st.integers(2, 9)),
    st.just(BatchNorm()),
    st.just(Dropout()),
    st.just(Flatten()),
    st.builds(
        Padding,
        margins=st.tuples(*[st.integers(0, 2)] * 4),
        value=st.sampled_from([0.0, -0.5, 1.0, 3.0]),
    ),
    st.just(Subsampling()),
)
