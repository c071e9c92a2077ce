"""How many values the columns of a Parquet file hold, from its footer alone.

pyarrow says so, too, but where what it says of sizes is damaged it ends the process (seen in 26.0).

Source: parquet-format, "File format" and `parquet.thrift`; Apache Thrift, "Compact protocol".
"""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lenet.core import open_to_read
from lenet.errors import DataFileError

_LARGEST = 2**28  # bytes of a footer
_TAIL = 8  # its length and the magic number
_ROW_GROUPS, _COLUMNS, _META_DATA, _VALUES = 4, 1, 3, 5  # fields by their numbers


def count_values(path: Path, columns: Sequence[int]) -> list[int]:
    """How many values some columns have in each row group, those of lists one by one."""
    try:
        groups = [group[_COLUMNS] for group in _footer(path)[_ROW_GROUPS]]
        return [sum(group[c][_META_DATA][_VALUES] for c in columns) for group in groups]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        message = f"`{path}` is no Parquet file or is damaged: its footer can't be read."
        raise DataFileError(message) from error


def _footer(path: Path) -> Any:
    with open_to_read(path, DataFileError) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        length = int.from_bytes(file.read(4), "little")
        if not 0 < length <= min(size - _TAIL, _LARGEST):
            raise ValueError("its length is wrong")
        file.seek(size - _TAIL - length)
        return _Compact(file.read(length)).struct()


class _Compact:
    """Thrift's compact protocol, in which structures are their fields by number."""

    def __init__(self, content: bytes):
        self._file = io.BytesIO(content)

    def struct(self) -> dict[int, Any]:
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._signed()
            fields[number] = self._value(head & 15)
        return fields

    def _value(self, kind: int) -> Any:
        if kind in (1, 2):  # true and false stand in the field's own head
            return kind == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._signed()
        if kind == 7:
            return self._bytes(8)
        if kind == 8:
            return self._bytes(self._unsigned())
        if kind in (9, 10):
            head = self._byte()
            size = self._unsigned() if head >> 4 == 15 else head >> 4
            return [self._element(head & 15) for _ in range(size)]
        if kind == 12:
            return self.struct()
        message = f"there is no type {kind}"
        raise ValueError(message)

    def _element(self, kind: int) -> Any:
        return self._byte() == 1 if kind in (1, 2) else self._value(kind)

    def _signed(self) -> int:
        value = self._unsigned()
        return value >> 1 ^ -(value & 1)

    def _unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number is too long")

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _bytes(self, size: int) -> bytes:
        content = self._file.read(size)
        if len(content) < size:
            raise ValueError("it ends too early")
        return content
