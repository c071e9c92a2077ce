"""Front matter is read back by a YAML parser as it was, whatever the texts are."""

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

# Any values; a card holds few kinds.
from lenet.export._hub_card import to_yaml

TEXTS = st.text() | st.sampled_from(["no", "yes", "~", "null", "1e3", "- a", "a: b", "#", "---"])
SCALARS = TEXTS | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
MAPPINGS = st.dictionaries(TEXTS, SCALARS, min_size=1, max_size=4)
VALUES = SCALARS | MAPPINGS | st.lists(SCALARS | MAPPINGS, min_size=1, max_size=4)


@settings(deadline=None)
@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_a_parser_reads_back_what_was_written(values: dict[str, object]) -> None:
    assert yaml.safe_load(to_yaml(values)) == values  # type: ignore[arg-type]


def test_half_of_a_character_is_replaced() -> None:
    assert yaml.safe_load(to_yaml({"name": "\udc80"})) == {"name": "\N{REPLACEMENT CHARACTER}"}
