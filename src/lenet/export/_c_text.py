"""Names, strings, comments and numbers as C has them, from whatever a person calls a model."""

import re
import textwrap
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_LONGEST_NAME = 40
_HEADERS_OF_C = (
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal "
    "stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath "
    "threads time uchar wchar wctype"
).split()
_TIME_OR_FORMAT = re.compile(r"^\d{8}-\d{6}-|-c(-int8)?$")
_NUMBERS_A_LINE = {"float": 5, "int8_t": 15, "uint8_t": 18, "int32_t": 7, "uint32_t": 7}


def identifier(name: str) -> str:
    """A C identifier, in lower case, that tells a model.

    Args:
        name: What a person calls it; a run's name loses its date and time,
            a folder's the `-c` at its end.

    Returns:
        Letters, digits and single underscores, beginning with a letter. No header of the standard
        library has that name, as the header file gets it, too.

    >>> identifier("20261124-184853-mnist-lenet"), identifier("Zürich 3!"), identifier("数字")
    ('mnist_lenet', 'z_rich_3', 'model')
    """
    plain = re.sub(r"[^a-z0-9]+", "_", _TIME_OR_FORMAT.sub("", name).lower()).strip("_")
    plain = plain[:_LONGEST_NAME].rstrip("_")
    if not plain or plain[0].isdigit() or plain in _HEADERS_OF_C or plain == "example":
        plain = f"model_{plain}".rstrip("_")
    return plain


def string_literal(text: str) -> str:
    r"""A C string of a text's UTF-8 bytes, whatever is in it.

    >>> print(string_literal('a "b" 数??/'))
    "a \"b\" \346\225\260\?\?/"
    """
    escaped = {ord('"'): '\\"', ord("\\"): "\\\\", ord("?"): "\\?"}  # ? for trigraphs
    characters = [
        escaped.get(byte, chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}")
        for byte in text.encode("utf-8", "replace")
    ]
    return '"' + "".join(characters) + '"'


def comment_text(text: str) -> str:
    r"""A text that ends no comment and hides nothing: without `*/`, control and direction marks.

    >>> comment_text("a */ b\n")
    'a * / b '
    """
    visible = "".join(character if character.isprintable() else " " for character in text)
    return visible.replace("*/", "* /").replace("/*", "/ *").replace("??/", "?? /")


def float_literal(number: float) -> str:
    """The shortest literal that is the same float32.

    >>> float_literal(0.1), float_literal(3), float_literal(-1e-20)
    ('0.1f', '3.0f', '-1e-20f')
    """
    return str(np.float32(number)) + "f"


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant array of the C code.

    Attributes:
        type: `float`, `int8_t`, `uint8_t`, `int32_t` or `uint32_t`.
        name: Its name.
        values: One or two dimensions.
    """

    type: str
    name: str
    values: npt.NDArray[np.generic]

    @property
    def size(self) -> int:
        """In bytes."""
        return self.values.size * (4 if self.type in ("float", "int32_t", "uint32_t") else 1)

    def definition(self) -> str:
        """The C code that defines it."""
        sizes = "".join(f"[{size}]" for size in self.values.shape)
        start = f"static const {self.type} {self.name}{sizes} = {{\n"
        if self.values.ndim == 1:
            return f"{start}{self._numbers(self.values)}}};\n"
        rows = "".join(f"    {{\n{self._numbers(row)}    }},\n" for row in self.values)
        return f"{start}{rows}}};\n"

    def _numbers(self, values: npt.NDArray[np.generic]) -> str:
        literals = map(float_literal if self.type == "float" else str, values.tolist())
        return number_lines(list(literals), _NUMBERS_A_LINE[self.type])


def comment_lines(text: str) -> str:
    """A text in lines of a comment, each beginning with a star."""
    lines = textwrap.wrap(comment_text(text), 94, break_long_words=False)
    return "\n".join(f" * {line}" for line in lines)


def number_lines(literals: list[str], a_line: int) -> str:
    """Literals in indented lines, each of as many."""
    groups = (literals[start : start + a_line] for start in range(0, len(literals), a_line))
    return "".join(f"        {', '.join(group)},\n" for group in groups)
