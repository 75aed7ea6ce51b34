"""Magnetisation in the rotating frame: pulses rotate it, relaxation pulls it back. From these two, signal equations.

A magnetisation is (..., 3) real: x and y are the transverse plane that the coils see, z points along the main field.
Times in milliseconds, angles in degrees. Pulses are instantaneous. Bloch, Phys Rev 1946; 70:460.
"""

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


def relax(m: Tensor, t: float, t1: float | Tensor, t2: float | Tensor, pd: float | Tensor = 1.0) -> Tensor:
    """Let m (..., 3) relax for t ms: the transverse part decays with t2, the rest recovers to pd with t1.

    Times and density are numbers, or tensors (...) with one value a spin.
    """
    t1, t2, pd = (torch.as_tensor(value, dtype=m.dtype, device=m.device)[..., None] for value in (t1, t2, pd))
    transverse, longitudinal = m[..., :2], m[..., 2:]
    recovered = pd + (longitudinal - pd) * torch.exp(-t / t1)
    return torch.cat([transverse * torch.exp(-t / t2), recovered], -1)


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
