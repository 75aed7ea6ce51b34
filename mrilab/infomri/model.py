"""The whole of InfoMRI for images alone: where to sample, and mean and variance of the image from the samples."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mrilab.errors import UserError
from mrilab.infomri.losses import Posterior
from mrilab.infomri.plug import PlugPosterior
from mrilab.infomri.policy import PolicyPattern
from mrilab.infomri.sampling import Fixed, Learned, Ordered, Sampled, Sampling, Staged
from mrilab.infomri.sequential import SequentialPattern
from mrilab.infomri.unet import UnetPosterior
from mrilab.infomri.unrolled import UnrolledPosterior
from mrilab.physics.acquisition import SenseModel

SAMPLINGS: dict[str, type[Sampling]] = {
    "learned": Learned, "fixed": Fixed, "ordered": Ordered, "sequential": SequentialPattern, "policy": PolicyPattern,
}  # fmt: skip
BACKBONES = {"unet": UnetPosterior, "unrolled": UnrolledPosterior, "plug": PlugPosterior}


class InfoMRI(nn.Module):
    """A sampling and a reconstruction that are trained together.

    Args:
        sampling: arguments of one of SAMPLINGS, and its name under "by".
        backbone: arguments of one of BACKBONES, and its name under "by".
        ratios: the smallest and the largest ratio of the training.

    Raises:
        UserError: an unknown sampling or backbone.
    """

    def __init__(self, sampling: dict[str, Any], backbone: dict[str, Any], ratios: tuple[float, float]):
        super().__init__()
        self.config = {"sampling": sampling, "backbone": backbone, "ratios": list(ratios)}
        self.ratios = (ratios[0], ratios[1])
        self.sampling: Sampling = built(SAMPLINGS, sampling)
        self.reconstruction = built(BACKBONES, backbone)

    def forward(
        self, full: Tensor, maps: Tensor, count: Tensor, generator: torch.Generator | None
    ) -> tuple[Posterior, Sampled]:
        """Sample `count` (n) positions of k-space each, and return what they say and the masks.

        `full` is k-space with noise in all places, (n, coil, H, W), of which the masks choose. maps are (coil, H, W) or
        (n, coil, H, W). Without a generator nothing is drawn: the most probable positions are taken.
        """
        return self.stages(full, maps, count, generator)[-1]

    def stages(
        self, full: Tensor, maps: Tensor, count: Tensor, generator: torch.Generator | None
    ) -> list[tuple[Posterior, Sampled]]:
        """Return the same after each part of the samples, where the model takes them in parts."""
        if isinstance(self.sampling, Staged):
            return self.sampling(self.reconstruction, full, maps, count, generator)
        sampled = self.sampling(count, generator)
        return [(self.reconstruction(full, SenseModel(maps, sampled.mask)), sampled)]


def built(kinds: Mapping[str, Any], arguments: dict[str, Any]) -> Any:
    """Return the part of this name under "by", with the rest as arguments. Raises UserError for an unknown one."""
    kind = arguments["by"]
    if kind not in kinds:
        raise UserError(f"unknown part {kind!r}; choose one of {', '.join(kinds)}")
    return kinds[kind](**{key: value for key, value in arguments.items() if key != "by"})
