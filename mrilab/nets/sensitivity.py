"""Coil maps by a network, from the calibration lines alone."""

from __future__ import annotations

from torch import Tensor, nn

from mrilab.errors import UserError
from mrilab.nets.unet import ComplexUnet
from mrilab.physics.coils import FEWEST_LINES, normalise_maps
from mrilab.physics.fourier import ifft2c
from mrilab.physics.sampling import acs_lines, calibration_box, centre_lines


class SensitivityNet(nn.Module):
    """The part of E2E-VarNet that estimates maps: each coil's low-resolution image through one U-Net, then over RSS.

    The U-Net corrects the coil image: as built, the maps are the coil images of the calibration lines over their root
    sum of squares. With them the anatomy's phase is in the maps, and a combined image has none to speak of.
    """

    def __init__(self, width: int):
        super().__init__()
        self.unet = ComplexUnet(width)

    def forward(self, y: Tensor, acs: Tensor) -> Tensor:
        """Maps (n, coil, H, W), sum |S|^2 = 1, of k-space (n, coil, H, W) where `acs`, as (n, H, W), is true."""
        low = ifft2c(y * acs[..., None, :, :])  # (n, coil, H, W)
        return normalise_maps(low + self.unet(low.flatten(0, 1)).unflatten(0, low.shape[:2]))


def calibration_lines(mask: Tensor, shape: tuple[int, int]) -> Tensor:
    """The points of a mask that the sensitivity network is to see, bool (1, W) or (H, W).

    Fully sampled columns around DC, as many as the paper's rule gives, because the network is trained on vertical
    lines. A mask that has none (horizontal lines, points) leaves the fully sampled box around DC, at most 24 x 24:
    fewer points, but the same kind of image, one without aliases.

    Raises:
        UserError: DC is not sampled.
    """
    height, width = shape
    columns, most = mask.expand(shape).all(0).cpu(), min(calibration_width(width), width)
    count = 0
    while count < most and columns[centre_lines(width, count + 1)].all():
        count += 1
    if count:
        return centre_lines(width, count)[None].to(mask.device)
    box = calibration_box(mask, shape)
    if 0 in box:
        raise UserError("the centre of k-space is not sampled, so the network cannot estimate coil maps")
    return (centre_lines(height, box[0])[:, None] & centre_lines(width, box[1])[None]).to(mask.device)


def calibration_width(width: int, acceleration: float = 1) -> int:
    """Calibration columns that the networks are trained with: the paper's rule, but enough for ESPIRiT."""
    return max(acs_lines(width, acceleration), FEWEST_LINES)
