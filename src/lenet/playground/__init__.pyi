from ._examples import bundled_examples as bundled_examples
from ._examples import choose_examples as choose_examples
from ._javascript import JavaScriptEngine as JavaScriptEngine
from ._javascript import find_javascript_engine as find_javascript_engine
from ._playground import PlaygroundModel as PlaygroundModel
from ._playground import build_playground as build_playground
from ._playground import page_script as page_script

__all__ = [
    "JavaScriptEngine",
    "PlaygroundModel",
    "build_playground",
    "bundled_examples",
    "choose_examples",
    "find_javascript_engine",
    "page_script",
]
