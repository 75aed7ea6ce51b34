"""ISTA-Net+ by the names of its checkpoints."""

from __future__ import annotations

import torch

from mrilab.methods.annealing import scaled
from mrilab.methods.registry import method
from mrilab.methods.unrolled import trained
from mrilab.nets import ISTANet


@method("ista")
def ista(y, model, *, generator, progress, network: str = "ista-t2"):
    """Gradient steps and shrinkage in a learned transform by turns (ISTA-Net+), with the maps of the scan."""
    phases = trained(network, ISTANet, y.device)
    _, unit = scaled(y, model, None)  # (1, 1)
    with torch.inference_mode():
        image = phases((y / unit)[None], model.mask[None], model.coil_maps[None]).states[-1, 0]
    return image * unit  # outside, so that the caller gets a tensor without inference mode's restrictions
