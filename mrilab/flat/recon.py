"""FLAT: trained cascades along a conditional probability flow, by the names of their checkpoints."""

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.flat.network import FLAT
from mrilab.methods.registry import Progress, Reconstruction, method, posterior_summary, scaled
from mrilab.physics import SenseModel
from mrilab.physics.fourier import mirror
from mrilab.physics.noise import complex_noise
from mrilab.physics.protocol import Acquisition
from mrilab.training.checkpoints import trained

MIRRORS = ((), (-2,), (-1,), (-2, -1))  # dimensions that are turned round


@method("flat")
def flat(
    y: Tensor,
    model: SenseModel,
    *,
    generator: torch.Generator,
    progress: Progress,
    network: str = "flat-derived-any",
    steps: int | None = None,
    samples: int = 1,
    mirrored: bool = False,
) -> Reconstruction:
    """Unroll Euler steps of a probability flow with trained denoisers (FLAT), with the maps of the scan.

    flat-derived-any was trained on folded heads and on images of nothing in particular, with any Cartesian sampling up
    to R = 12. steps is another number of cascades than it was trained with, which a network with shared weights takes.
    samples above 1 need one that starts from noise; the image is their mean. mirrored takes the mean over the scan and
    its three mirror images, for four times the work: a network treats them differently, and its errors cancel in part.
    """
    flow = trained(network, FLAT, y.device)
    if samples < 1:
        raise UserError("samples must be 1 or more")
    if samples > 1 and flow.s == 0:
        raise UserError(
            f"{network!r} starts from the zero-filled image and has one answer; give --samples 1, or a network that "
            "starts from noise: --network flat-sampler-single for one coil, or one of `mrilab train flat-sampler-...`"
        )
    if mirrored and flow.s > 0:
        raise UserError(f"{network!r} starts from noise, and its draws are not to be averaged; leave out --mirrored")
    _, unit = scaled(y, model, None)  # (1, 1)
    images = []
    with torch.inference_mode():
        for dims in progress(MIRRORS if mirrored else ((),) * samples):
            eps = complex_noise((1, *model.shape), generator).to(y)
            scan = Acquisition(*(mirror(field, dims) for field in (y / unit, model.mask, model.coil_maps)))
            (image,) = flow(scan.batch(), eps, steps).image
            images.append(mirror(image, dims))
    stacked = torch.stack(images) * unit  # (samples or mirror images, H, W)
    return Reconstruction(stacked.mean(0)) if mirrored else posterior_summary(stacked)
