"""How figures are written on pages and pictures."""

from collections.abc import Sequence
from typing import Any


def percent(share: float, places: int = 1) -> str:
    r"""A share in per cent, which stays on one line.

    >>> percent(0.8784).replace("\N{NO-BREAK SPACE}", " ")
    '87.8 %'
    """
    return f"{100 * share:.{places}f}\N{NO-BREAK SPACE}%"


def whole_percent(share: float) -> str:
    """A share of 0 to 1 in whole per cent; only what is exact is called 0 or 100.

    >>> whole_percent(0.004), whole_percent(0.62), whole_percent(0.9999)
    ('< 1 %', '62 %', '> 99 %')
    """
    if 0 < share < 0.005:
        return "< 1 %"
    if 0.995 <= share < 1:
        return "> 99 %"
    return f"{100 * share:.0f} %"


def number(value: float) -> str:
    """A number of three digits, with a proper minus.

    >>> number(-0.12345)
    '−0.123'
    """
    return f"{value:.3g}".replace("-", "−")


def counted(count: int, thing: str) -> str:
    """So many things.

    >>> counted(1, "image"), counted(10000, "image")
    ('1 image', '10,000 images')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def probability(share: float) -> str:
    """A probability in per cent; none is called certain or impossible.

    >>> probability(0.9999).split(), probability(0.0001).split()
    (['>', '99.9', '%'], ['<', '0.1', '%'])
    """
    if share > 0.9995:
        return f">\N{NO-BREAK SPACE}{percent(0.999)}"
    return f"<\N{NO-BREAK SPACE}{percent(0.001)}" if share < 0.0005 else percent(share)


def as_typed(value: Any) -> str:
    """A setting as it would be typed behind its option.

    >>> as_typed((6, 16)), as_typed(0.05), as_typed(True)
    ('6,16', '0.05', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(map(str, value))
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)
