from ._examples import bundled_examples as bundled_examples
from ._examples import choose_examples as choose_examples
from ._javascript import JavaScriptEngine as JavaScriptEngine
from ._javascript import find_javascript_engine as find_javascript_engine
from ._lab import LabSet as LabSet
from ._lab import build_lab as build_lab
from ._lab import tenth_of as tenth_of
from ._lab_server import serve_lab as serve_lab
from ._playground import PlaygroundModel as PlaygroundModel
from ._playground import build_playground as build_playground
from ._playground import page_script as page_script

__all__ = [
    "JavaScriptEngine",
    "LabSet",
    "PlaygroundModel",
    "build_lab",
    "build_playground",
    "bundled_examples",
    "choose_examples",
    "find_javascript_engine",
    "page_script",
    "serve_lab",
    "tenth_of",
]
