"""MONAI's U-Net for complex images of any shape and scale."""

from __future__ import annotations

import torch
from monai.networks.nets import BasicUNet
from torch import Tensor, nn
from torch.nn.functional import pad

MULTIPLE = 16  # four halvings
GROUPS = 4  # of channels that are normalised together
SMALLEST = 2 * MULTIPLE  # instance norms need more than one pixel at the coarsest resolution


class ComplexUnet(nn.Module):
    """A U-Net that maps complex images to complex images and does not care about their scale.

    Real and imaginary part are the two channels. Each is brought to mean 0 and deviation 1 first, as in fastMRI's
    `NormUnet`, and what comes out is multiplied by the same deviation. (fastMRI adds the mean, too; what is computed
    here are corrections, whose mean has nothing to do with the image's.) As built, the last layer is 0.

    Args:
        width: channels at full resolution, doubled with each halving. 8 makes 0.49 million parameters.
        planes: of further real input, on the scale that they come in. A constant plane, as of a time, must survive the
            normalisation: with planes it is that of groups of channels, not of each channel alone.
        widest: where the doubling stops, in units of `width`.
    """

    def __init__(self, width: int, planes: int = 0, widest: int = 16):
        super().__init__()
        features = (*(width * min(2**level, widest) for level in range(5)), width)
        norm = ("group", {"num_groups": GROUPS}) if planes else ("instance", {"affine": True})
        self.unet = BasicUNet(2, 2 + planes, 2, features, norm=norm).to(memory_format=torch.channels_last)
        nn.init.zeros_(self.unet.final_conv.weight)
        nn.init.zeros_(self.unet.final_conv.bias)

    def forward(self, x: Tensor, planes: Tensor | None = None) -> Tensor:
        """(n, H, W) -> (n, H, W), both complex, of any H and W; `planes` (n, planes, H, W) are real."""
        channels = torch.view_as_real(x).movedim(-1, 1)  # (n, 2, H, W): no copy, this is channels_last
        variance, mean = torch.var_mean(channels, (-2, -1), correction=0, keepdim=True)  # (n, 2, 1, 1)
        deviation = torch.where(variance > 0, variance, 1).sqrt()  # an empty coil has none
        height, width = x.shape[-2:]
        missing = [max(SMALLEST, size + -size % MULTIPLE) - size for size in (height, width)]
        (above, left), (below, right) = [m // 2 for m in missing], [m - m // 2 for m in missing]
        seen = (channels - mean) / deviation
        padded = pad(seen if planes is None else torch.cat([seen, planes], 1), (left, right, above, below))
        out = self.unet(padded.contiguous(memory_format=torch.channels_last))
        out = out[..., above : above + height, left : left + width].to(channels.dtype)  # back from bf16
        return torch.view_as_complex((deviation * out).movedim(1, -1).contiguous())
