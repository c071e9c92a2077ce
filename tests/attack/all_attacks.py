"""All attacks, in the order of the table."""

import load
import messages
import places
from counting import Attack
from kills import KILLS
from mutations import DAMAGED_FILES
from records import RECORDS

ATTACKS: tuple[Attack, ...] = (
    *KILLS,
    *DAMAGED_FILES,
    RECORDS,
    messages.ATTACK,
    load.ATTACK,
    *places.ATTACKS,
)
