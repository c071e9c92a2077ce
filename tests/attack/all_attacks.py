"""All attacks, in the order of the table."""

import compilers
import load
import messages
import places
from counting import Attack
from killed_commands import KILLED_COMMANDS
from killed_trainings import KILLED_TRAININGS
from mutations import DAMAGED_FILES
from records import RECORDS
from trials import TRIALS

ATTACKS: tuple[Attack, ...] = (
    *KILLED_TRAININGS,
    *KILLED_COMMANDS,
    *DAMAGED_FILES,
    RECORDS,
    TRIALS,
    messages.ATTACK,
    load.ATTACK,
    *places.ATTACKS,
    *compilers.ATTACKS,
)
