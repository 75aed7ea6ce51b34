"""The unrolled network of lesson 5 by the name of its checkpoint: an image, and how wrong each pixel may be."""

import torch
from torch import Tensor

from mrilab.infomri.model import InfoMRI
from mrilab.methods.registry import Reconstruction, method
from mrilab.nets.channels import complex_image
from mrilab.physics.acquisition import SenseModel
from mrilab.training.checkpoints import trained

__all__ = ["infomri"]


@method("infomri")
def infomri(y: Tensor, model: SenseModel, *, network: str = "infomri-heads-lines") -> Reconstruction:
    """Run an unrolled network that gives mean and deviation of every pixel, with the maps of the scan.

    infomri-heads-lines was trained on heads of random contrast, orientation, resolution and noise, with eight coils and
    lines that it learned itself (`--mask infomri`). Masks of another kind are new to it.
    """
    learned = trained(network, InfoMRI, y.device)
    with torch.inference_mode():
        posterior = learned.reconstruction(y[None], SenseModel(model.coil_maps[None], model.mask))
        (image,) = complex_image(_two_parts(posterior.mean))  # (H, W)
        return Reconstruction(image.clone(), posterior.variance[0, 0].sqrt().clone())


def _two_parts(mean: Tensor) -> Tensor:
    """Return real and imaginary part of means (n, parts, H, W), the imaginary one 0 where the image is real."""
    return mean if mean.shape[1] == 2 else torch.cat([mean, torch.zeros_like(mean)], 1)
