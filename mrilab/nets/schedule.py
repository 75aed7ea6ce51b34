"""Time grids of flows, and how far an Euler step goes on them."""

from __future__ import annotations

import torch
from torch import Tensor

from mrilab.errors import UserError


def time_grid(K: int, alpha: float = 0.0) -> Tensor:
    """t_0 = 1 > t_1 > ... > t_K = 0, float64: t_k = (1 - k / K)^(1 + alpha), dense near t = 0 for alpha > 0.

    Raises:
        UserError: K below 1 or alpha not above -1.
    """
    if K < 1 or not alpha > -1:
        raise UserError(f"a time grid needs one step or more and alpha above -1, not {K} and {alpha:g}")
    return (1 - torch.arange(K + 1, dtype=torch.float64) / K) ** (1 + alpha)


def relaxations(t: Tensor) -> Tensor:
    """lambda_k = 1 - t_{k+1} / t_k of a time grid (K + 1,): the share of the way to the denoised image. (K,)."""
    return 1 - t[1:] / t[:-1]
