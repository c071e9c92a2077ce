from typing import Literal

SplitName = Literal["train", "validation", "test"]
Views = Literal["single", "mirrored", "shifted"]
