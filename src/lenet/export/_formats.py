from lenet.export._c import write_c, write_c_int8
from lenet.export._format_name import FormatName
from lenet.export._html import write_html
from lenet.export._hub import keep_licence, write_hub
from lenet.export._onnx import write_onnx
from lenet.export._onnx_int8 import write_onnx_int8
from lenet.export._written import Format

FORMATS: dict[FormatName, Format] = {
    "onnx": Format(write_onnx, ".onnx"),
    "onnx-int8": Format(write_onnx_int8, "-int8.onnx"),
    "c": Format(write_c, "-c", is_named_by_output=True),
    "c-int8": Format(write_c_int8, "-c-int8", is_named_by_output=True),
    "html": Format(write_html, ".html"),
    "hub": Format(write_hub, "-hub", keep=keep_licence),
}
