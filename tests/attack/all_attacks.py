"""All attacks, in the order of the table."""

from counting import Attack

ATTACKS: tuple[Attack, ...] = ()
