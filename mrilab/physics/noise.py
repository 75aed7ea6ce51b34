"""Complex white noise, drawn from an explicit generator."""

from collections.abc import Sequence

import torch
from torch import Tensor


def complex_noise(
    shape: Sequence[int], generator: torch.Generator | None = None, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Draw complex noise whose real and imaginary parts are each N(0, 1).

    The standard deviation is 1 per real component, so E|n|^2 = 2. `dtype` is that of one real component. The noise is
    drawn on the CPU, from torch's global generator without one: the same seed then gives the same noise everywhere.
    """
    return torch.view_as_complex(torch.randn(*shape, 2, dtype=dtype, generator=generator))
