"""Signal equations: what the magnetisation of a tissue becomes in an image.

Times in milliseconds, flip angles in degrees, proton density `pd` in arbitrary units. Every argument may be a
float or a tensor; tensors broadcast. Steady states of the Bloch equations with ideal spoiling (Brown et al.,
Magnetic Resonance Imaging: Physical Principles and Sequence Design, 2nd ed., chapters 8 and 18).
"""

import torch
from torch import Tensor

Number = float | Tensor


def _exp(x: Number) -> Tensor:
    return torch.exp(torch.as_tensor(x, dtype=None if isinstance(x, Tensor) else torch.float64))


def spin_echo(pd: Number, t1: Number, t2: Number, tr: Number, te: Number) -> Tensor:
    """Return the signal of a 90-180 spin echo, te << tr: pd (1 - exp(-tr/t1)) exp(-te/t2)."""
    return pd * (1 - _exp(-tr / t1)) * _exp(-te / t2)


def inversion_recovery(pd: Number, t1: Number, t2: Number, tr: Number, te: Number, ti: Number) -> Tensor:
    """Return the signed signal of inversion at 0, excitation at ti and echo at ti + te.

    pd (1 - 2 exp(-ti/t1) + exp(-tr/t1)) exp(-te/t2); zero at ti = t1 ln 2 for long tr. FLAIR nulls CSF.
    """
    return pd * (1 - 2 * _exp(-ti / t1) + _exp(-tr / t1)) * _exp(-te / t2)


def gradient_echo(pd: Number, t1: Number, t2star: Number, tr: Number, te: Number, flip: Number) -> Tensor:
    """Return the signal of a spoiled gradient echo (FLASH).

    pd sin(a) (1 - E1) / (1 - cos(a) E1) exp(-te/t2*), E1 = exp(-tr/t1); largest at the Ernst angle a = arccos(E1).
    """
    alpha = torch.deg2rad(torch.as_tensor(flip, dtype=torch.float64))
    e1 = _exp(-tr / t1)
    return pd * torch.sin(alpha) * (1 - e1) / (1 - torch.cos(alpha) * e1) * _exp(-te / t2star)
