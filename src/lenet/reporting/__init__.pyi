from ._findings import Findings as Findings
from ._findings import examine as examine
from ._report import build_page as build_page
from ._report import report as report
from ._training_command import training_command as training_command

__all__ = [
    "Findings",
    "build_page",
    "examine",
    "report",
    "training_command",
]
