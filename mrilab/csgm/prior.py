"""A trained denoiser as the score of a prior: by name, in pieces that fit the cache, in the fastest precision."""

import torch
from torch import Tensor

from mrilab.csgm.denoiser import Denoiser
from mrilab.errors import UserError
from mrilab.machine import Precision, in_bfloat16
from mrilab.training.checkpoints import load_checkpoint

PIXELS = 2**17  # number of pixels in one call on a CPU; larger activations would be mapped anew at every layer


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
        """Return E[x_0 | x_sigma = x] as the network estimates it, of the shape of x and where x is."""
        flat = x.reshape(-1, *x.shape[-2:]).to(self.device)  # (n, H, W)
        n = len(flat) if flat.is_cuda else max(1, PIXELS // flat[0].numel())
        levels = torch.full((len(flat),), float(sigma), dtype=torch.float32, device=self.device)
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.lower):
            parts = [self.network(*piece) for piece in zip(flat.split(n), levels.split(n), strict=True)]
        return (parts[0] if len(parts) == 1 else torch.cat(parts)).reshape(x.shape).to(x.device)

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        """Return the score by Tweedie's formula (4), of the shape of x."""
        return self.denoise(x, sigma).sub_(x).div_(sigma**2)
