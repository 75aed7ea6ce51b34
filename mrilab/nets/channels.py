"""Complex images as two real channels, and back."""

import torch
from torch import Tensor


def real_channels(x: Tensor) -> Tensor:
    """Return real and imaginary part as channels, (n, H, W) -> (n, 2, H, W), a view in channels_last order."""
    return torch.view_as_real(x).movedim(-1, 1)


def complex_image(channels: Tensor) -> Tensor:
    """Return the image whose real and imaginary part are the two channels, (n, 2, H, W) -> (n, H, W).

    Autocast makes a network's channels bfloat16, for which there are no complex numbers. They become float32.
    """
    if channels.dtype not in (torch.float32, torch.float64):
        channels = channels.float()
    return torch.view_as_complex(channels.movedim(1, -1).contiguous())
