from typing import Literal

ScoredSplit = Literal["validation", "test"]
