"""The names of the formats, in a module that costs a command line nothing to import."""

from typing import Literal, get_args

FormatName = Literal["onnx", "onnx-int8", "c", "c-int8", "html", "hub"]
FORMAT_NAMES: tuple[FormatName, ...] = get_args(FormatName)
