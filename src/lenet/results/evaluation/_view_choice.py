from typing import Literal

Views = Literal["single", "mirrored", "shifted"]
