"""Where the object is: the pixels that SENSE has to solve for. Air around it has no signal, and is no unknown."""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

LEVEL = 0.05  # share of the 0.99 quantile of the smoothed magnitude from which on a pixel is of the object
SMOOTH = 1.5  # pixels, deviation of the smoothing: noise is averaged, and a thin dark scalp stays connected
GAP = 4  # pixels of the widest dark ring that is bridged, as bone between brain and scalp
MARGIN = 2  # pixels that are added all around: what is left out by mistake would fold onto the object


def object_support(image: Tensor, level: float = LEVEL, margin: int = MARGIN) -> Tensor:
    """Return the pixels of the object in an image (H, W), real or complex, as bool (H, W).

    They are those whose smoothed magnitude is above `level` times its 0.99 quantile. Dark rings are bridged and holes
    are filled (bone, air in the sinuses), specks are taken out, and `margin` pixels are added all around. A scanner
    does the same on a prescan of low resolution.
    """
    smooth = ndimage.gaussian_filter(image.abs().cpu().double().numpy(), SMOOTH)
    bright = smooth > level * float(torch.from_numpy(smooth).flatten().quantile(0.99))
    framed = np.pad(bright, GAP)  # or closing would eat from the border
    closed = ndimage.binary_fill_holes(ndimage.binary_closing(framed, iterations=GAP))[GAP:-GAP, GAP:-GAP]
    opened = ndimage.binary_opening(np.pad(closed, 2, mode="edge"), iterations=2)
    whole = opened[2:-2, 2:-2] & closed
    grown = ndimage.binary_dilation(whole, iterations=margin) if margin else whole
    return torch.from_numpy(grown).to(image.device)
