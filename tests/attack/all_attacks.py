"""All attacks, in the order of the table."""

from counting import Attack
from records import RECORDS

ATTACKS: tuple[Attack, ...] = (RECORDS,)
