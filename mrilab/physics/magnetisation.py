"""Magnetisation in the rotating frame: pulses rotate it, relaxation pulls it back. From these two, signal equations.

A magnetisation is (..., 3) real: x and y are the transverse plane that the coils see, z points along the main field.
Times in milliseconds, angles in degrees. Pulses are instantaneous. Bloch, Phys Rev 1946; 70:460.
"""

import math

import torch
from torch import Tensor


def rotate(m: Tensor, degrees: float | Tensor, axis: str = "x") -> Tensor:
    """Turn m (..., 3) by `degrees`, a number or (...), about the x, y or z axis, right-handed.

    Pulses turn about x or y, precession turns about z.
    """
    angle = torch.deg2rad(torch.as_tensor(degrees, dtype=m.dtype, device=m.device))
    c, s = torch.cos(angle), torch.sin(angle)
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    turned = m.clone()
    turned[..., i] = c * m[..., i] - s * m[..., j]
    turned[..., j] = s * m[..., i] + c * m[..., j]
    return turned


def relax(m: Tensor, t: float, t1: float, t2: float, pd: float = 1.0) -> Tensor:
    """Let m (..., 3) relax for t ms: the transverse part decays with t2, the rest recovers to pd with t1."""
    e1, e2 = math.exp(-t / t1), math.exp(-t / t2)
    decay = torch.tensor([e2, e2, e1], dtype=m.dtype, device=m.device)
    return m * decay + torch.tensor([0, 0, pd * (1 - e1)], dtype=m.dtype, device=m.device)


def spoil(m: Tensor) -> Tensor:
    """Spoil ideally: the transverse magnetisation is gone, the longitudinal one stays."""
    return m * torch.tensor([0, 0, 1], dtype=m.dtype, device=m.device)


def spin_echo_train(
    t1: float, t2: float, tr: float, te: float, repetitions: int = 8, spins: int = 64, pd: float = 1.0
) -> Tensor:
    """Return the magnitude (repetitions,) of each echo of 90x - te/2 - 180y - te/2 - wait, for spins that dephase.

    The spins precess at evenly spread off-resonances, so that nothing but the refocusing pulse brings the echo about.
    From the second repetition on, the echo is the steady state of `spin_echo`, up to terms of order te/t1.
    """
    turns = torch.linspace(-180, 180, spins + 1, dtype=torch.float64)[:-1]  # degrees in te/2
    m = torch.tensor([0, 0, pd], dtype=torch.float64).repeat(spins, 1)  # (spins, 3)
    echoes = []
    for _ in range(repetitions):
        m = rotate(m, 90, "x")
        m = rotate(relax(m, te / 2, t1, t2, pd), turns, "z")
        m = rotate(m, 180, "y")
        m = rotate(relax(m, te / 2, t1, t2, pd), turns, "z")
        echoes.append(torch.linalg.vector_norm(m[:, :2].mean(0)))
        m = spoil(relax(m, tr - te, t1, t2, pd))
    return torch.stack(echoes)
