from ._serve import serve as serve
from ._settings import ServiceSettings as ServiceSettings

__all__ = ["ServiceSettings", "serve"]
