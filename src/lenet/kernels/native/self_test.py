"""Load a library that was compiled, and compute with it: `python self_test.py LIBRARY LEVEL`.

In a process of its own, which a library that was cut off ends by a bus error, and one for another
processor by an illegal instruction. It needs nothing but Python, as a build has nothing else.
`LEVEL` is what the processor must run, as `lenet_processor()` counts; where it does not, the
library is loaded and not asked to compute.
"""

import ctypes
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PAGE = 4096
_INTERFACE = Path(__file__).parents[1] / "_interface.py"
_SUM = 2 * (16**2 / 4 + 9) + 1  # what the network below makes of an image of ones


def main(path: str, level: str) -> None:
    """Raise or crash where the library does not do what it should."""
    interface = runpy.run_path(str(_INTERFACE))
    library = ctypes.CDLL(path)
    for name, (result, arguments) in interface["FUNCTIONS"].items():
        function = getattr(library, f"lenet_{name}")
        function.restype, function.argtypes = result, arguments
    for address, is_code in _pages(path):
        page = ctypes.string_at(address, _PAGE)  # one that the file lacks is a bus error
        if is_code and not any(page):
            message = "the library has a hole"
            raise ValueError(message)
    if library.lenet_interface() != interface["INTERFACE"]:
        message = "the library is of another version"
        raise ValueError(message)
    if library.lenet_processor() < int(level):
        return
    order = (ctypes.c_int64 * 100)()
    library.lenet_order(0, 0, 100, ctypes.addressof(order))
    preparation = (ctypes.c_int32 * 6)(1, 2, 28, 28, 1, 4)
    memory = library.lenet_prepare_scratch(28, 28, 1, preparation, 0)
    found = _sum_of_ones(library, interface)
    if sorted(order) != list(range(100)) or not memory or found != _SUM:
        message = f"the library computes wrongly: {found} where {_SUM} belongs"
        raise ValueError(message)


def _pages(path: str) -> Iterator[tuple[int, bool]]:
    """Where a library's pages begin in memory, and which hold code, where that is told: Linux."""
    try:
        lines = Path("/proc/self/maps").read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        place, rights, *_ = line.split()
        if line.endswith(path.encode(errors="surrogateescape")) and rights.startswith(b"r"):
            begin, end = (int(number, 16) for number in place.split(b"-"))
            yield from ((address, b"x" in rights) for address in range(begin, end, _PAGE))


def _sum_of_ones(library: ctypes.CDLL, interface: dict[str, Any]) -> float:
    """What a convolution, pooling and a dense layer of nothing but ones make of such an image."""
    description = interface["LayerDescription"]
    layers = (description * 2)(
        description(is_convolution=1, inputs=1, height=6, width=6, padding=1, kernel=3, outputs=2),
        description(inputs=18, outputs=1),
    )
    ones = [(ctypes.c_float * size)(*[1] * size) for size in (18, 2, 18, 1, 36)]
    *parameters, image = map(ctypes.addressof, ones)
    images = interface["Images"](numbers=image)
    answer = ctypes.c_float()
    network = library.lenet_network_new(layers, 2)
    library.lenet_forward(
        network,
        (ctypes.c_void_p * 4)(*parameters),
        ctypes.byref(images),
        1,
        1,
        ctypes.addressof(answer),
    )
    library.lenet_network_free(network)
    return answer.value


if __name__ == "__main__":
    main(*sys.argv[1:])
