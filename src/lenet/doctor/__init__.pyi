from ._examine import examine as examine
from ._finding import Finding as Finding

__all__ = ["Finding", "examine"]
