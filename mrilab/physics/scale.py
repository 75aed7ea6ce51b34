"""The unit of an image: a quantile of its magnitude, since raw scanner units mean nothing."""

import torch
from torch import Tensor

QUANTILE = 0.99  # the usual quantile; a few bright vessels do not move it


def quantile_scale(x: Tensor, q: float = QUANTILE) -> Tensor:
    """Return the `q` quantile of the magnitude of each image (..., H, W), as (..., 1, 1): divide by it to normalise.

    >>> quantile_scale(torch.arange(101.0).expand(2, 1, 101)).flatten().tolist()
    [99.0, 99.0]
    """
    return torch.quantile(x.abs().flatten(-2), q, dim=-1)[..., None, None]
