"""How an unrolled network gets to its image, and how much a small change of the data moves it.

States are (K + 1, H, W), x^0 to x^K, on a time grid t (K + 1,) from 1 to 0; see `mrilab.flat.flow`.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from mrilab.evaluation.metrics import psnr
from mrilab.physics.noise import complex_noise

TOLERANCE = 0.05  # dB: a smaller step back is no violation


class Steadiness(NamedTuple):
    """Numbers about one way from A^H y to the image.

    violations: number of steps after which the PSNR is lower by more than TOLERANCE.
    drawdown: sum of all falls of the PSNR, dB.
    distance: mean over k = 1..K of ||x^k - x*_{t_k}||^2 / ||x_0||^2 to the ideal path x*_t = (1 - t) x_0 + t x^0.
    detour: length of the way over the distance of its ends, 1 for a straight one.
    law: mean deviation, dB, of ||x^k - x_0||^2 from ||x^K - x_0||^2 + t_k^2 ||x^0 - x^K||^2, equation (10) for this
        scan with x^K in the place of E[x_0 | y].
    """

    violations: int
    drawdown: float
    distance: float
    detour: float
    law: float


def steadiness(states: Tensor, t: Tensor, clean: Tensor) -> Steadiness:
    """Measure the way of one scan; `clean` is x_0, (H, W)."""
    falls = -torch.tensor([psnr(x, clean) for x in states], dtype=torch.float64).diff().clamp(max=0)  # dB, (K,)
    t = t.to(states.real)[:, None, None]
    ideal = (1 - t) * clean + t * states[0]
    expected = _energies(states[-1:] - clean) + t[:, 0, 0].square() * _energies(states[:1] - states[-1])
    ratios = _energies(states - clean) / expected
    return Steadiness(
        violations=int((falls > TOLERANCE).sum()),
        drawdown=float(falls.sum()),
        distance=float((_energies(states - ideal)[1:] / _energies(clean[None])).mean()),
        detour=float(_energies(states.diff(dim=0)).sqrt().sum() / _energies(states[-1:] - states[:1]).sqrt()),
        law=float((10 * ratios.log10()).abs().mean()),
    )


def worst_case(
    reconstruct: Callable[[Tensor], Tensor],
    y: Tensor,
    mask: Tensor,
    clean: Tensor,
    radius: float,
    generator: torch.Generator,
    steps: int = 20,
) -> tuple[Tensor, float]:
    """Maximise ||reconstruct(y + d) - clean||^2 over ||d|| <= radius by projected gradient ascent.

    Return the image (H, W) of the worst d that was found, and ||change of the image|| / ||d||.

    Args:
        reconstruct: takes k-space (coil, H, W) to an image (H, W) and lets gradients pass.
        mask: bool, broadcastable to (H, W); d is zero where it is not sampled.
        radius: see `expected_norm`.
    """
    start = complex_noise(y.shape, generator).to(y) * mask
    d = worst = radius * start / torch.linalg.vector_norm(start)
    largest = -math.inf
    for _ in range(steps + 1):
        d = d.detach().requires_grad_()
        error = (reconstruct(y + d) - clean).abs().square().sum()
        if error > largest:  # a step as long as these may pass the worst by
            largest, worst = error.item(), d.detach()
        (gradient,) = torch.autograd.grad(error, d)
        gradient = gradient * mask
        d = d.detach() + radius / 2 * gradient / torch.linalg.vector_norm(gradient)
        d = d * min(1, radius / torch.linalg.vector_norm(d))
    with torch.no_grad():
        image, plain = reconstruct(y + worst), reconstruct(y)
    return image, float(torch.linalg.vector_norm(image - plain) / torch.linalg.vector_norm(worst))


def expected_norm(noise_std: float, mask: Tensor, shape: tuple[int, ...]) -> float:
    """Return about E ||n|| = sigma sqrt(2 n), for noise at the n sampled points of k-space (coil, H, W)."""
    return noise_std * math.sqrt(2 * int(mask.expand(shape).sum()))


def _energies(x: Tensor) -> Tensor:
    """Return ||x||^2 of images (n, H, W), (n,), in double precision."""
    return torch.view_as_real(x).double().square().sum((1, 2, 3))
