"""The Bloch equation in small steps, for any field: dM/dt = gamma M x B, with relaxation.

A field (..., 3) is given as gamma / 2 pi times B, in kHz, in the frame that rotates with the main field: x and y are
the pulse, z is the offset of a gradient or of an error of the field. Times are in ms. Protons turn left-handed about
the field, so an offset nu > 0 brings the phase exp(-2 pi i nu t). `magnetisation.rotate` is right-handed, which makes
its angles the negative of these. Bloch, Phys Rev 1946; 70:460.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from mrilab.physics.magnetisation import relax

Number = float | Tensor


def precess(m: Tensor, field: Tensor, t: float) -> Tensor:
    """Turn m (..., 3) about a constant `field` (..., 3) in kHz for t ms, left-handed, by Rodrigues' formula."""
    strength = torch.linalg.vector_norm(field, dim=-1, keepdim=True)  # (..., 1)
    axis = field / strength.clamp_min(torch.finfo(field.dtype).tiny)  # where there is no field, nothing turns
    axis, m = torch.broadcast_tensors(axis, m)
    angle = -2 * torch.pi * strength * t
    along = (axis * m).sum(-1, keepdim=True)
    return m * angle.cos() + torch.linalg.cross(axis, m) * angle.sin() + axis * along * (1 - angle.cos())


def offset_field(offset: Tensor) -> Tensor:
    """Return the field (..., 3) of offsets (...) in kHz along z, without a pulse."""
    nothing = torch.zeros_like(offset)
    return torch.stack([nothing, nothing, offset], -1)


def record(
    m: Tensor, fields: Iterable[Tensor], dt: float, t1: Number, t2: Number, pd: Number = 1.0
) -> tuple[Tensor, Tensor]:
    """Step m (spins, 3) through `fields` and record what a coil sees. Return the signal (time,) and the last m.

    The signal is the sum of M_x + i M_y over the spins at the start of each step of `dt` ms. In a step the spins turn
    first and relax then. The two commute where the field is along z, and the error is of the order of dt^2 a step in
    a pulse.
    """
    signal = []
    for field in fields:
        signal.append(torch.complex(m[..., 0], m[..., 1]).sum())
        m = relax(precess(m, field, dt), dt, t1, t2, pd)
    return torch.stack(signal), m
