"""The segmentation networks of lesson 4: from the magnitude of an image to the classes of its pixels."""

from collections.abc import Callable, Sequence

from monai.networks.nets import SegResNet, UNet
from torch import Tensor, nn
from torch.nn.functional import pad

from mrilab.errors import UserError


def _unet(classes: int, channels: Sequence[int]) -> nn.Module:
    """Build the network of the paper: two residual units a level, instance norms."""
    return UNet(2, 1, classes, channels, strides=(2,) * (len(channels) - 1), num_res_units=2)


def _segresnet(classes: int, channels: Sequence[int]) -> nn.Module:
    """Build a network of another kind: skips are added, not concatenated; group norms; bilinear upsampling."""
    down = (1, *(2,) * (len(channels) - 2), 1)  # residual blocks a level; most weights are at the coarsest
    return SegResNet(2, channels[0], 1, classes, blocks_down=down, blocks_up=(1,) * (len(channels) - 1))


ARCHITECTURES: dict[str, Callable[[int, Sequence[int]], nn.Module]] = {"unet": _unet, "segresnet": _segresnet}


class Segmenter(nn.Module):
    """A network that gives each pixel one of several classes, or none of them: the background, channel 0.

    It sees magnitudes as they are, so divide images by their 0.99 quantile before.

    Args:
        classes: names of the channels 1, 2, ...
        architecture: a key of ARCHITECTURES. "unet" with 16 channels and 5 levels is the network of the paper.
        width: number of channels at full resolution, doubled with each halving; a multiple of 8 for "segresnet".
        levels: number of resolutions.

    Raises:
        UserError: unknown architecture.
    """

    def __init__(self, classes: Sequence[str], architecture: str = "unet", width: int = 16, levels: int = 5):
        if architecture not in ARCHITECTURES:
            raise UserError(f"unknown architecture {architecture!r}; choose one of {', '.join(ARCHITECTURES)}")
        super().__init__()
        self.classes = tuple(classes)
        self.config = {"classes": list(classes), "architecture": architecture, "width": width, "levels": levels}
        self.multiple = 2 ** (levels - 1)
        channels = [width * 2**level for level in range(levels)]
        self.net = ARCHITECTURES[architecture](1 + len(self.classes), channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (n, 1 + classes, H, W) of images `x` (n, H, W), complex or magnitudes, any H and W."""
        height, width = x.shape[-2:]
        # Instance norms need more than one pixel at the coarsest resolution.
        rows, columns = (max(2 * self.multiple, size + -size % self.multiple) for size in (height, width))
        padded = pad(x.abs()[:, None], (0, columns - width, 0, rows - height))  # (n, 1, H', W')
        return self.net(padded)[..., :height, :width]  # (n, 1 + classes, H, W)
