"""The preparation of pictures, which an export to C carries."""

import textwrap
from string import Template

from lenet.kernels import preparation_memory, preparation_sources
from lenet.pictures import Preparation, preparation_numbers

_SIZES = ((96, 96), (240, 320))  # of a small camera's pictures: height and width

_HEADER = Template("""\
/* How a picture is prepared: what `lenet_prepare` of prepare.h asks for.$memory */
#define ${NAME}_PREPARATION {$numbers}

""")


def preparation_files(preparation: Preparation) -> dict[str, str]:
    """The names and contents of the files that prepare pictures; none where no picture is taken."""
    return preparation_sources() if _takes_pictures(preparation) else {}


def preparation_header(name: str, preparation: Preparation) -> str:
    """What a network's header says of it."""
    if not _takes_pictures(preparation):
        return ""
    numbers = preparation_numbers(preparation)
    sizes = [
        f"{width}x{height} pixels takes {size:,} bytes of memory"
        for height, width in _SIZES
        if (size := preparation_memory((height, width, 1), numbers))
    ]
    memory = f" A grey one of {', and of '.join(sizes)}." if sizes else ""
    filled = _HEADER.substitute(
        NAME=name.upper(), memory=memory, numbers=", ".join(map(str, numbers))
    )
    comment, _, rest = filled.partition(" */\n")
    return textwrap.fill(comment, 97, subsequent_indent=" * ") + f" */\n{rest}"


def _takes_pictures(preparation: Preparation) -> bool:
    return preparation.channels in (1, 3)
