import json
import re
from collections.abc import Iterator, Mapping, Sequence

# What a quoted YAML scalar may not hold as it is, or would fold: YAML 1.2, sections 5.1 and 5.7.
_SPECIAL = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")
_PLAIN_KEY = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[a-z][a-z_-]*")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

Scalar = str | int | float | bool
Value = Scalar | Mapping[str, "Value"] | Sequence["Value"]


def to_yaml(values: Mapping[str, Value]) -> str:
    r"""YAML of plain values, the subset that a model card's front matter needs.

    Texts are quoted, so that `no`, `1e3` or `a: b` stay texts.

    Args:
        values: Texts, numbers, and mappings and lists of them, which are not empty.

    >>> print(to_yaml({"tags": ["lenet", "no"], "model-index": [{"name": "a: \n", "value": 0.5}]}))
    tags:
      - "lenet"
      - "no"
    model-index:
      - name: "a: \n"
        value: 0.5
    """
    return "\n".join(_mapping_lines(values))


def _mapping_lines(values: Mapping[str, Value]) -> Iterator[str]:
    """A line for each scalar in a mapping."""
    for key, value in values.items():
        name = key if _PLAIN_KEY.fullmatch(key) else _scalar(key)
        if isinstance(value, Mapping):
            yield f"{name}:"
            yield from (f"  {line}" for line in _mapping_lines(value))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield f"{name}:"
            for item in value:
                lines = _mapping_lines(item) if isinstance(item, Mapping) else iter([_scalar(item)])
                yield f"  - {next(lines)}"
                yield from (f"    {line}" for line in lines)
        else:
            yield f"{name}: {_scalar(value)}"


def _scalar(value: Value) -> str:
    """A text in double quotes, where JSON and YAML agree; or a number."""
    if not isinstance(value, str):
        number = json.dumps(value, allow_nan=False)
        return re.sub(r"^(-?\d+)e", r"\1.0e", number)  # YAML 1.1 takes `5e-05` for a text
    shown = _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
    return _SPECIAL.sub(
        lambda found: f"\\u{ord(found[0]):04x}", json.dumps(shown, ensure_ascii=False)
    )
