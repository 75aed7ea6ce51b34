"""Where the object is: the pixels that SENSE has to solve for. Air around it has no signal, and is no unknown."""

import torch
from scipy import ndimage
from torch import Tensor

LEVEL = 0.1  # share of the 0.99 quantile of the magnitude from which on a pixel is of the object
MARGIN = 2  # pixels that are added all around, for edges that ring


def object_support(image: Tensor, level: float = LEVEL, margin: int = MARGIN) -> Tensor:
    """Return the pixels of the object in an image (H, W), real or complex, as bool (H, W).

    They are those brighter than `level` times the 0.99 quantile of the magnitude. Specks of noise are taken out, holes
    are filled (bone, air in the sinuses), and `margin` pixels are added all around. A scanner does the same on a
    prescan of low resolution.
    """
    magnitude = image.abs()
    bright = (magnitude > level * torch.quantile(magnitude.flatten(), 0.99)).cpu().numpy()
    filled = ndimage.binary_fill_holes(ndimage.binary_opening(bright))
    grown = ndimage.binary_dilation(filled, iterations=margin) if margin else filled
    return torch.from_numpy(grown).to(image.device)
