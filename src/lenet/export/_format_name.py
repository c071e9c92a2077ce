from typing import Literal, get_args

# The command line knows them without importing what writes them.
FormatName = Literal["onnx", "onnx-int8", "c", "c-int8", "html", "hub"]
FORMAT_NAMES: tuple[FormatName, ...] = get_args(FormatName)
