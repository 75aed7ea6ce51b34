"""SENSE by unfolding, and its g-factor: by how much the coils' geometry amplifies noise, pixel by pixel.

Regular undersampling by R in one direction folds pixels that lie n / R apart onto each other. A group of R pixels
and the coils make a small least-squares problem, solved here in closed form (Pruessmann et al., Magn Reson Med 1999;
42:952).

A `support` says where the object is. Pixels of air are then no unknowns, as in every SENSE that a scanner runs: a group
of four pixels of which two are air has two unknowns. Without it, air is estimated like tissue, which costs noise.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.noise import complex_noise


def aliased_groups(x: Tensor, acceleration: int, direction: str = "vertical") -> Tensor:
    """Gather the pixels that fold onto each other. (..., H, W) -> (..., H, W / R, R), or (..., W, H / R, R).

    "vertical" masks select columns, so pixels W / R apart in a row share a group, as in `make_mask`.

    Raises:
        UserError: R does not divide the number of lines (then pixels do not fold onto pixels), or R < 1.
    """
    if direction not in ("vertical", "horizontal"):
        raise UserError(f"unknown direction {direction!r}; choose vertical (columns) or horizontal (rows)")
    if direction == "horizontal":
        x = x.transpose(-2, -1)
    n = x.shape[-1]
    if acceleration < 1 or n % acceleration:
        raise UserError(f"{n} lines do not fold into {acceleration} equal parts; choose a divisor of {n}")
    return x.unflatten(-1, (acceleration, n // acceleration)).transpose(-2, -1)


def from_groups(groups: Tensor, direction: str = "vertical") -> Tensor:
    """Apply the inverse of `aliased_groups`."""
    x = groups.transpose(-2, -1).flatten(-2)
    return x.transpose(-2, -1) if direction == "horizontal" else x


def sense_unfold(
    coil_images: Tensor,
    coil_maps: Tensor,
    acceleration: int,
    direction: str = "vertical",
    support: Tensor | None = None,
) -> Tensor:
    """Unfold each group by least squares, x = (S^H S)^-1 S^H a, for white noise of the same level in all coils.

    `coil_images` (coil, H, W) are the inverse transform of zero-filled k-space sampled at every R-th line *through DC*,
    so that all R aliases have the same sign. Outside the `support`, bool (H, W), the image is 0.
    (coil, H, W) -> (H, W).
    """
    folded = aliased_groups(coil_images, acceleration, direction)[..., 0]  # (coil, H, W / R): all R entries are equal
    gram, maps, _ = _gram(coil_maps, acceleration, direction, support)
    projected = torch.einsum("chwr,chw->hwr", maps.conj(), folded)
    # zero filling spreads each pixel over its R aliases with weight 1 / R
    return from_groups(acceleration * torch.linalg.solve(gram, projected), direction)


def g_factor(
    coil_maps: Tensor, acceleration: int, direction: str = "vertical", support: Tensor | None = None
) -> Tensor:
    """Return g = sqrt([(S^H S)^-1]_rr [S^H S]_rr) >= 1, real (H, W); 1 where only the square root of R is lost.

    Outside the `support`, bool (H, W), nothing is estimated, and g is 0. For coil noise that is white (prewhitened
    data); for a noise covariance Psi, S^H S is S^H Psi^-1 S. Pruessmann et al. 1999, eq. 23.
    """
    gram, _, inside = _gram(coil_maps, acceleration, direction, support)
    product = torch.linalg.inv(gram).diagonal(dim1=-2, dim2=-1).real * gram.diagonal(dim1=-2, dim2=-1).real
    return from_groups(product.clamp(min=1).sqrt() * inside, direction)


def pseudo_replica(
    reconstruct: Callable[[Tensor], Tensor],
    shape: torch.Size,
    noise_std: float,
    replicas: int,
    generator: torch.Generator,
) -> Tensor:
    """Measure the noise of a linear reconstruction by Monte Carlo: each pixel's standard deviation per real component.

    `reconstruct` takes k-space of `shape`, and is linear, so that noise alone shows what noise does to any image.
    `noise_std` is the standard deviation per real component of k-space.
    Robson et al., Magn Reson Med 2008; 60:895. The relative error of each pixel is 1 / sqrt(4 replicas).
    """
    power = torch.zeros(())
    for _ in range(replicas):
        power = power + reconstruct(noise_std * complex_noise(shape, generator)).abs().square()
    return (power / (2 * replicas)).sqrt()


def _gram(
    coil_maps: Tensor, acceleration: int, direction: str, support: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return by group S^H S, (H, W / R, R, R), the maps, (coil, H, W / R, R), and the support, (H, W / R, R).

    Maps are 0 outside the support. A pixel there has the equation 1 x = 0 of its own, which touches no other.
    """
    inside = torch.ones(coil_maps.shape[-2:], dtype=torch.bool) if support is None else support
    groups = aliased_groups(inside.to(coil_maps.device), acceleration, direction)
    maps = aliased_groups(coil_maps, acceleration, direction) * groups
    gram = torch.einsum("chwr,chws->hwrs", maps.conj(), maps)
    return gram + torch.diag_embed((~groups).to(gram)), maps, groups
