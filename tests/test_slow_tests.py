"""What is marked as slow is there."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_slow_test_is_one_that_there_is() -> None:
    names = (HERE / "slow_tests.txt").read_text().splitlines()
    assert names == sorted(set(names))
    texts = (file.read_text(encoding="utf-8") for file in HERE.rglob("test_*.py"))
    found = {name for text in texts for name in re.findall(r"def (test_\w+)\(", text)}
    assert not set(names) - found
