"""All attacks, in the order of the table."""

import load
import messages
import places
from counting import Attack
from records import RECORDS

ATTACKS: tuple[Attack, ...] = (
    RECORDS,
    messages.ATTACK,
    load.ATTACK,
    *places.ATTACKS,
)
