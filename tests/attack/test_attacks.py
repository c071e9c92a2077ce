"""The attacks, a few times; `make attack` does all of them many times."""

import sys
from pathlib import Path
from random import Random

import pytest

if sys.platform != "linux":
    pytest.skip("attacks use limits, signals and files that Linux has", allow_module_level=True)

from all_attacks import ATTACKS
from counting import Attack, Counts


@pytest.mark.parametrize(
    "attack", [attack for attack in ATTACKS if attack.few], ids=lambda attack: attack.name
)
def test_a_promise_holds_under_attack(attack: Attack, tmp_path: Path) -> None:
    if attack.needs and not attack.needs.exists():
        pytest.skip(f"`{attack.needs.name}` is not there")
    counts = Counts()
    attack.run(Random(23), attack.few, tmp_path, counts)
    assert counts.tried >= attack.few
    assert not counts.broken


def test_no_two_attacks_have_the_same_name() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
