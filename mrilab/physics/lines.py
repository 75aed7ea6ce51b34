"""Which of n phase-encoding lines are measured: an exact number of them, with a fully sampled centre."""

import torch
from torch import Tensor

from mrilab.errors import UserError


def centre_lines(n: int, count: int) -> Tensor:
    """Select `count` lines around DC (n // 2), as a bool vector of length n."""
    lines = torch.zeros(n, dtype=torch.bool)
    start = n // 2 - count // 2
    lines[start : start + count] = True
    return lines


def random_lines(n: int, count: int, acs: int, generator: torch.Generator | None = None) -> Tensor:
    """Select `count` of `n` lines: `acs` around DC, the rest drawn uniformly, bool (n).

    Raises:
        UserError: more calibration lines than lines.
    """
    lines, outside = _calibrated(n, count, acs)
    lines[outside[torch.randperm(len(outside), generator=generator)[: count - acs]]] = True
    return lines


def equispaced_lines(n: int, count: int, acs: int, generator: torch.Generator | None = None) -> Tensor:
    """Select `count` of `n` lines: `acs` around DC, the rest as evenly as whole numbers allow, bool (n).

    The place of the first is drawn from `generator`; without one it is half a spacing from the edge.

    Raises:
        UserError: more calibration lines than lines.
    """
    lines, outside = _calibrated(n, count, acs)
    if count > acs:
        spacing = len(outside) / (count - acs)
        start = 0.5 if generator is None else float(torch.rand(1, generator=generator))
        places = ((torch.arange(count - acs) + start) * spacing).floor().long()
        lines[outside[places]] = True
    return lines


def check_count(count: int, places: int, centre: int = 0) -> None:
    """Raise UserError for a number of samples that there are not, or that the full centre alone exceeds."""
    if not 1 <= count <= places:
        raise UserError(f"{count} samples of {places} places are impossible; ask for 1 to {places}")
    if count < centre:
        raise UserError(
            f"{count} samples are fewer than the {centre} of the calibration centre; ask for more samples (a lower "
            "acceleration) or a smaller centre"
        )


def _calibrated(n: int, count: int, acs: int) -> tuple[Tensor, Tensor]:
    check_count(count, n, acs)
    lines = centre_lines(n, acs)
    return lines, torch.nonzero(~lines).flatten()
