"""The pattern generation network (8): for any sampling ratio, how probable it is that each position is measured."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from mrilab.errors import UserError
from mrilab.infomri.normalisation import NORMALISATIONS

Kind = Literal["points", "lines", "rows"]
HIDDEN = 16  # units of the one hidden layer


class PatternNetwork(nn.Module):
    """f_theta(r) = normalise_r(slope * MLP([E, r])): a position embedding E and the ratio through a small network.

    Args:
        shape: (H, W) of k-space.
        kind: "points" (H, W), "lines" (1, W) or "rows" (H, 1).
        embedding: numbers that are learned for each position.
        normalisation: "rescale", which is (9), or "threshold", which is (10).
        slope: factor on the logits.
        acs: side of the fully sampled centre, which is part of the budget.
        amortised: without, logits are learned directly and the ratio is not looked at, as in LOUPE.

    Raises:
        UserError: an unknown kind or normalisation.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        kind: Kind = "points",
        embedding: int = 8,
        normalisation: str = "threshold",
        slope: float = 5.0,
        acs: int = 0,
        amortised: bool = True,
    ):
        super().__init__()
        if normalisation not in NORMALISATIONS:
            raise UserError(f"unknown normalisation {normalisation!r}; choose one of {', '.join(NORMALISATIONS)}")
        self.shape, self.acs = mask_shape(shape, kind), acs
        self.normalise, self.slope, self.amortised = NORMALISATIONS[normalisation], slope, amortised
        self.centre: Tensor
        self.register_buffer("centre", central(self.shape, acs).flatten(), persistent=False)  # (N)
        positions = math.prod(self.shape)
        if amortised:
            self.E = nn.Parameter(torch.randn(positions, embedding))
            # the first layer for [E, r], in two parts: that of E is the same for all ratios of a batch
            self.of_position, self.of_ratio = nn.Linear(embedding, HIDDEN), nn.Linear(1, HIDDEN, bias=False)
            self.last = nn.Linear(HIDDEN, 1)
        else:  # LOUPE draws its first probabilities from U[0.01, 0.99]
            self.scores = nn.Parameter(torch.logit(0.01 + 0.98 * torch.rand(positions)) / slope)

    def logits(self, r: Tensor) -> Tensor:
        """Return the logits of all positions for the ratios r, (n) -> (n, N)."""
        if not self.amortised:
            return self.slope * self.scores.expand(len(r), -1)
        # MLP([E, r]) of (8)
        hidden = self.of_position(self.E) + self.of_ratio(r[:, None])[:, None]  # (n, N, HIDDEN)
        return self.slope * self.last(hidden.relu_())[..., 0]

    def forward(self, r: Tensor) -> Tensor:
        """Return probabilities whose mean is r, (n) -> (n, *self.shape), always in float32.

        Raises:
            UserError: a ratio that the centre alone exceeds, or that is no number from 0 to 1.
        """
        check_ratios(r, self.centre)
        free = ~self.centre
        with torch.autocast(r.device.type, enabled=False):
            inside = (r * len(free) - self.centre.sum()) / free.sum()  # what is left for the others
            p = self.centre.to(r.dtype).repeat(len(r), 1)  # (n, N)
            p[:, free] = self.normalise(self.logits(r)[:, free], inside)
        return p.reshape(len(r), *self.shape)


def mask_shape(shape: tuple[int, int], kind: str) -> tuple[int, int]:
    """Return the shape of a mask: (H, W) of points, (1, W) of lines, (H, 1) of rows. Raises UserError for another."""
    shapes = {"points": (shape[0], shape[1]), "lines": (1, shape[1]), "rows": (shape[0], 1)}
    if kind not in shapes:
        raise UserError(f"unknown kind of pattern {kind!r}; choose one of {', '.join(shapes)}")
    return shapes[kind]


def central(shape: tuple[int, int], acs: int) -> Tensor:
    """Return the positions of the fully sampled centre, bool of `shape`: a square, or lines around DC."""
    centre = torch.zeros(shape, dtype=torch.bool)
    rows, columns = (slice(n // 2 - acs // 2, n // 2 - acs // 2 + acs) if n > 1 else slice(None) for n in shape)
    if acs:
        centre[rows, columns] = True
    return centre


def check_ratios(r: Tensor, centre: Tensor) -> None:
    """Raise UserError for ratios that are not above 0 and at most 1, or below the share of the fixed centre."""
    least = float(centre.float().mean())
    if not ((r > 0) & (r <= 1)).all():
        raise UserError("a sampling ratio must be above 0 and at most 1")
    if (r < least - 1e-6).any():
        raise UserError(f"the fixed centre alone has {least:.4f} of all positions; ask for a larger ratio")
