from pathlib import Path
from typing import Literal

WebCore = Literal["answering", "simd", "relaxed_simd"]


def web_core(kind: WebCore) -> bytes:
    """The native core in WebAssembly, for a page.

    Args:
        kind: `answering` prepares pictures and computes any network; `simd` trains too, and
            `relaxed_simd` the faster where a browser has it.
    """
    return (Path(__file__).parent / "web" / f"lenet_{kind}.wasm").read_bytes()
