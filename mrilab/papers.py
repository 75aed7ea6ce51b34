"""The papers of the course in the order of its lessons, and what each of them offers by name.

A paper is a folder of the package. It may import the ground and the papers before it. The ground and the commands
never import a paper. They ask here, and a paper's module is imported when somebody asks for it.
"""

import importlib
import pkgutil
from importlib.util import find_spec
from types import ModuleType

PAPERS = ("classical", "csgm", "baselines", "flat", "sgr", "infomri")
# The exercises of each lesson: the paper, and the name of the dictionary in its exercises.py.
LESSONS = {
    "00": ("classical", "FIRST"),
    "01": ("classical", "EXERCISES"),
    "01b": ("classical.encoding", "EXERCISES"),
    "02": ("csgm", "EXERCISES"),
    "03": ("flat", "EXERCISES"),
    "04": ("sgr", "EXERCISES"),
    "05": ("infomri", "EXERCISES"),
    "05b": ("infomri.tasks", "EXERCISES"),
}
# The networks by the kind that a checkpoint's card names.
NETWORKS = {
    "denoiser": "mrilab.csgm.denoiser:Denoiser",
    "modl": "mrilab.baselines.modl:MoDL",
    "varnet": "mrilab.baselines.varnet:VarNet",
    "ista": "mrilab.baselines.istanet:ISTANet",
    "flat": "mrilab.flat.network:FLAT",
    "segmenter": "mrilab.sgr.segmentation:Segmenter",
    "infomri": "mrilab.infomri.model:InfoMRI",
    "answers": "mrilab.infomri.tasks.latent:LatentSegmenter",
}


def modules(part: str) -> list[ModuleType]:
    """Import the module `part` ("recon", "train", "experiments", ...) of every paper that has one, in order."""
    names = [f"mrilab.{paper}.{part}" for paper in PAPERS]
    return [importlib.import_module(name) for name in names if find_spec(name)]


def network_class(kind: str) -> type:
    """Return the class of a network by its kind. Raises KeyError for a kind that no paper has."""
    return pkgutil.resolve_name(NETWORKS[kind])


def network_kind(network: object) -> str:
    """Return the kind of a network, the inverse of `network_class`. Raises KeyError for a network of no paper."""
    kinds = {path: kind for kind, path in NETWORKS.items()}
    return kinds[f"{type(network).__module__}:{type(network).__name__}"]
