"""mrilab: a course on accelerated MRI reconstruction that you can run, and the toolbox behind it."""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mrilab.data.scans import read_scan
    from mrilab.evaluation.reconstruct import reconstruct

__all__ = ["__version__", "read_scan", "reconstruct"]
__version__ = version("mrilab")

# Imported when somebody asks for them, so that `import mrilab` does not import torch.
_PLACES = {"read_scan": "mrilab.data.scans", "reconstruct": "mrilab.evaluation.reconstruct"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
