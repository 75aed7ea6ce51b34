"""What k-space becomes when reading a line takes time: spins decay and drift while their line is sampled.

The Fourier model (`fourier.fft2c`) takes a line in no time. Here sample m of a readout of H samples is taken at
t = (m - H // 2) dwell after the echo, and every pixel has changed by then. The readout runs along H.
"""

import math

import torch
from torch import Tensor

from mrilab.physics.fourier import fft1c


def read_out(x: Tensor, dwell: float, t2: float | Tensor = math.inf, off_resonance: float | Tensor = 0.0) -> Tensor:
    """Return k-space (H, W) of a spin echo image x (H, W), complex128, centred and orthonormal as `fft2c`.

    y(k_h, k_w) = 1 / sqrt(H W) sum over r of x(r) exp(-t / T2(r) - 2 pi i nu(r) t - 2 pi i k r),  t = k_h H dwell

    Args:
        x: what the spins are at the echo.
        dwell: ms between samples of the readout.
        t2: ms, a number or (H, W).
        off_resonance: kHz, a number or (H, W). The spin echo has cancelled it at the echo itself.
    """
    height = x.shape[0]
    m = torch.arange(height, dtype=torch.float64, device=x.device) - height // 2  # samples and pixels, from the centre
    rate = 1 / torch.as_tensor(t2, dtype=torch.float64, device=x.device)
    turns = torch.as_tensor(off_resonance, dtype=torch.float64, device=x.device)
    change = torch.exp(-dwell * (rate + 2j * torch.pi * turns))  # in one dwell time, () or (H, W)
    waves = torch.polar(torch.ones(height, height, dtype=torch.float64, device=x.device),
                        -2 * torch.pi * m[:, None] * m / height)  # fmt: skip
    rows = [(x * change**sample * wave[:, None]).sum(0) for sample, wave in zip(m, waves, strict=True)]  # (W,) each
    return fft1c(torch.stack(rows) / math.sqrt(height), -1)
