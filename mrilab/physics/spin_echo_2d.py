"""A spin echo in two dimensions, line by line, from the Bloch equation: no Fourier transform stands in it.

One spin a pixel; 90 degrees, lobes, 180 degrees, readout, ideal spoiling, wait for TR; the next line. The readout runs
along H, and each phase encoding is a column of k-space, as in `sampling`. Times in ms, off-resonance in kHz.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.magnetisation import relax, rotate, spoil

Number = float | Tensor


def spin_echo_lines(
    pd: Tensor,
    t1: Number,
    t2: Number,
    tr: float,
    te: float,
    dwell: float,
    off_resonance: Number = 0.0,
    dummies: int = 3,
) -> Iterator[Tensor]:
    """Yield the columns (H,) of k-space, complex128, from the first to the last, in the scale of `fft2c`.

    Args:
        pd: proton density (H, W), any real type.
        t1: ms, a number or (H, W); so are `t2` and `off_resonance`.
        dwell: between samples of the readout. Sample H // 2 is taken at the echo, `te` after the excitation.
        dummies: repetitions before the first line, so that all lines start from the same magnetisation.

    Raises:
        UserError: half the readout does not fit between the refocusing pulse and the echo, or te does not fit into tr.
    """
    height, width = pd.shape
    before, after = height // 2 * dwell, (height - height // 2) * dwell
    if before > te / 2:
        raise UserError(f"half a readout of {before:g} ms does not fit into TE / 2 = {te / 2:g} ms; lengthen TE")
    if te + after > tr:
        raise UserError(f"echo and readout end after {te + after:g} ms, later than TR = {tr:g} ms; lengthen TR")
    density = pd.to(torch.float64)
    h, w = (torch.arange(n, dtype=torch.float64) - n // 2 for n in (height, width))
    along, across = 360 * h[:, None] / height, 360 * w / width  # degrees that one step of k turns a pixel
    drift = 360 * torch.as_tensor(off_resonance, dtype=torch.float64)  # degrees per ms

    def wait(m: Tensor, t: float, lobe: Number = 0.0) -> Tensor:  # protons turn left-handed: hence the minus
        return rotate(relax(m, t, t1, t2, density), -(lobe + drift * t), "z")

    m = torch.stack([torch.zeros_like(density), torch.zeros_like(density), density], -1)  # (H, W, 3)
    for line in range(-dummies, width):
        m = rotate(m, 90, "x")
        # the pulse of 180 degrees turns k into -k, so that the lobes before it have the other sign
        m = wait(m, te / 2, (height // 2) * along - (max(line, 0) - width // 2) * across)
        m = rotate(m, 180, "y")
        m = wait(m, te / 2 - before)
        samples = []
        for _ in range(height):
            samples.append(torch.complex(m[..., 0], m[..., 1]).sum())
            m = wait(m, dwell, along)
        m = spoil(relax(m, tr - te - after, t1, t2, density))
        if line >= 0:
            yield 1j * torch.stack(samples) / math.sqrt(height * width)  # a pulse about x leaves z along -y: times i


def spin_echo_kspace(
    pd: Tensor,
    t1: Number,
    t2: Number,
    tr: float,
    te: float,
    dwell: float,
    off_resonance: Number = 0.0,
    dummies: int = 3,
) -> Tensor:
    """Return all lines of `spin_echo_lines` as k-space, complex128 (H, W)."""
    return torch.stack([*spin_echo_lines(pd, t1, t2, tr, te, dwell, off_resonance, dummies)], -1)
