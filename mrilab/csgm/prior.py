"""A trained denoiser as the score of a prior: by name, in pieces that fit the cache, in the fastest precision."""

from collections.abc import Callable

import torch
from torch import Tensor

from mrilab.csgm.denoiser import Denoiser
from mrilab.csgm.levels import geometric_levels
from mrilab.errors import UserError
from mrilab.machine import Precision, in_bfloat16
from mrilab.methods.registry import Progress, Reconstruction, posterior_summary
from mrilab.physics.scale import quantile_scale
from mrilab.training.checkpoints import load_checkpoint

PIXELS = 2**17  # number of pixels in one call on a CPU; larger activations would be mapped anew at every layer
PILOT_SHARE = 4  # a pilot chain has one sample and this many times fewer levels


class ScorePrior:
    """A prior: `prior(x, sigma)` is the score of noisy images, and `prior.denoise(x, sigma)` the mean of clean ones.

    x is complex, (*batch, H, W) of any shape, scaled so that the 0.99 quantile of a clean image's magnitude is 1.
    sigma is one number, the noise per real component. `sigma_min` and `sigma_max` are the range of the training.

    Args:
        name: name of a checkpoint.
        precision: precision of the network's arithmetic. "auto" is bfloat16 where `device` multiplies in it, else
            float32.

    Raises:
        UserError: there is no such checkpoint, or it is not a denoiser.
    """

    def __init__(self, name: str, device: torch.device | str = "cpu", precision: Precision = "auto"):
        network, self.card = load_checkpoint(name)
        if not isinstance(network, Denoiser):
            raise UserError(f"checkpoint {name!r} is not a score prior; choose score-t2 or score-heads")
        self.device = torch.device(device)
        self.network = network.to(self.device)
        self.sigma_min, self.sigma_max = (float(self.card["task"][key]) for key in ("sigma_min", "sigma_max"))
        self.lower = in_bfloat16(precision, self.device)

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """Return E[x_0 | x_sigma = x] as the network estimates it, of the shape of x and where x is.

        Gradients pass to an x that asks for them. The weights are frozen.
        """
        flat = x.reshape(-1, *x.shape[-2:]).to(self.device)  # (n, H, W)
        n = len(flat) if flat.is_cuda else max(1, PIXELS // flat[0].numel())
        levels = torch.full((len(flat),), float(sigma), dtype=torch.float32, device=self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.lower):
            parts = [self.network(*piece) for piece in zip(flat.split(n), levels.split(n), strict=True)]
        return (parts[0] if len(parts) == 1 else torch.cat(parts)).reshape(x.shape).to(x.device)

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        """Return the score by Tweedie's formula (4), of the shape of x."""
        return self.denoise(x, sigma).sub_(x).div_(sigma**2)

    def draw(
        self, chain: Callable[..., Tensor], start: float, count: int, samples: int, scale: str, progress: Progress
    ) -> Reconstruction:
        """Run `chain` along `count` noise levels from `start` down. Return the mean, the deviation and the samples.

        The unit of the data is the 0.99 quantile of the zero-filled image, or with scale "pilot" that of the image of
        a short chain: the former is only 0.7 (R = 4) to 0.6 (R = 8) of the true one on our heads.
        """
        unit = None
        if scale == "pilot":
            few = geometric_levels(start, self.sigma_min, max(2, count // PILOT_SHARE))
            unit = quantile_scale(chain(few))[0, 0, 0]
        levels = geometric_levels(start, self.sigma_min, count)
        return posterior_summary(chain(levels, samples=samples, scale=unit, progress=progress))
