"""Small networks and a small scan for the tests of bounds: nothing is trained, so only relations are looked at."""

import torch

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import random_ellipses
from mrilab.csgm.denoiser import Denoiser
from mrilab.sgr.segmentation import Segmenter
from mrilab.training import checkpoints
from mrilab.training.checkpoints import save_checkpoint

FACTS = {"data": "none", "seeds": {}, "steps": 0, "minutes": 0, "metrics": {}}
CLASSES = ("csf", "grey matter", "white matter")


def use_checkpoints(monkeypatch, folder):
    """Write the checkpoints prior, seg and seg-second, and let everything look for checkpoints in `folder`."""
    torch.manual_seed(0)
    save_checkpoint("prior", Denoiser(8, 0.3), FACTS | {"task": {"sigma_min": 0.01, "sigma_max": 9.0}}, folder)
    save_checkpoint("seg", Segmenter(CLASSES, width=4, levels=2), FACTS, folder)
    save_checkpoint("seg-second", Segmenter(CLASSES[::-1], width=4, levels=3), FACTS, folder)
    for function in (checkpoints.load_checkpoint, checkpoints.checkpoint_names):
        monkeypatch.setattr(function, "__defaults__", (folder,))


def ellipses(slices=1, coils=3, shape=(40, 48)):
    """K-space (slices, coil, H, W) of ellipses in raw units."""
    generator = torch.Generator().manual_seed(5)
    fine = (2 * shape[0], 2 * shape[1])
    images = torch.stack([random_ellipses(8, generator).image(fine) for _ in range(slices)])
    return 1e-6 * simulate_scan(images, random_array(coils, generator).maps(fine), shape, 0.01, generator)
