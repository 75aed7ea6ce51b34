"""MONAI's U-Net for complex images of any shape and scale."""

import torch
from monai.networks.nets import BasicUNet
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.utils import convert_conv2d_weight_memory_format

from mrilab.nets.channels import complex_image, real_channels

MULTIPLE = 16  # sizes that can be halved four times are multiples of this
GROUPS = 4  # number of groups of channels; each group is normalised together
SMALLEST = 2 * MULTIPLE  # smallest size, pixels: instance norms need more than one pixel at the coarsest resolution


class ComplexUnet(nn.Module):
    """A U-Net that maps complex images to complex images and does not care about their scale.

    Real and imaginary part are the two channels. Each is brought to mean 0 and deviation 1 first, as in fastMRI's
    `NormUnet`, and what comes out, a correction, is multiplied by the same deviation. As built, the last layer is 0.

    Args:
        width: channels at full resolution, doubled with each halving. 8 makes 0.49 million parameters.
        extra: number of further real input channels, which are not scaled. A constant channel, such as a time, must
            survive the normalisation. So with extra channels, groups of channels are normalised and not each alone.
        widest: where the doubling stops, in units of `width`.
    """

    def __init__(self, width: int, extra: int = 0, widest: int = 16):
        super().__init__()
        features = (*(width * min(2**level, widest) for level in range(5)), width)
        norm = ("group", {"num_groups": GROUPS}) if extra else ("instance", {"affine": True})
        unet = BasicUNet(2, 2 + extra, 2, features, norm=norm)
        self.unet = convert_conv2d_weight_memory_format(unet, torch.channels_last)
        for parameter in self.unet.final_conv.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, extra: Tensor | None = None) -> Tensor:
        """Return a complex image of a complex image, (n, H, W) each; `extra` (n, extra, H, W) is real."""
        channels = real_channels(x)  # (n, 2, H, W)
        variance, mean = torch.var_mean(channels, (-2, -1), correction=0, keepdim=True)  # (n, 2, 1, 1)
        deviation = torch.where(variance > 0, variance, 1).sqrt()  # an empty coil has none
        height, width = x.shape[-2:]
        missing = [max(SMALLEST, size + -size % MULTIPLE) - size for size in (height, width)]
        (above, left), (below, right) = [m // 2 for m in missing], [m - m // 2 for m in missing]
        inputs = (channels - mean) / deviation
        padded = pad(inputs if extra is None else torch.cat([inputs, extra], 1), (left, right, above, below))
        out = self.unet(padded.contiguous(memory_format=torch.channels_last))
        out = out[..., above : above + height, left : left + width].to(channels.dtype)  # back from bf16
        return complex_image(deviation * out)
