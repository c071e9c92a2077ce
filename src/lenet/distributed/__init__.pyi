from ._group import Group as Group
from ._join import join_group as join_group
from ._leave import leave as leave
from ._leave import speaker as speaker
from ._place import Place as Place
from ._place import find_place as find_place
from ._torchrun_group import TIMEOUT as TIMEOUT
from ._torchrun_group import TorchrunGroup as TorchrunGroup

__all__ = [
    "TIMEOUT",
    "Group",
    "Place",
    "TorchrunGroup",
    "find_place",
    "join_group",
    "leave",
    "speaker",
]
