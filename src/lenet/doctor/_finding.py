from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """What was found about one part of an installation.

    Attributes:
        name: The part.
        state: `ok`; `note` where something could be better; `wrong` where something does not work.
        text: What is so.
        advice: What to do about it; empty where nothing is to be done.
    """

    name: str
    state: Literal["ok", "note", "wrong"]
    text: str
    advice: str = ""
