"""A denoiser of complex images that knows the noise level; its residual is the score of the noisy images."""

from collections.abc import Sequence
from typing import Literal

import torch
from monai.networks.nets import DiffusionModelUNet
from torch import Tensor, nn

from mrilab.nets.channels import complex_image, real_channels

LEVELS = (1, 2, 3, 4)  # numbers of channels at the four resolutions, in units of `width`
MULTIPLE = 2 ** (len(LEVELS) - 1)  # factor of heights and widths that can be halved down to the coarsest resolution
GROUPS = 8  # number of groups of the group normalisation
# MONAI embeds integer steps 0 to 1000 by sinusoids of periods from 2 pi up. Stretched so, ln(sigma) moves the fastest
# of them by a full period per factor of 1.9 in sigma and leaves the slow ones to tell large from small.
STRETCH = 10.0  # factor of ln(sigma) in the embedding

Weight = Literal["karras", "epsilon"]


class Denoiser(nn.Module):
    """The network D(x; sigma) ~ E[x_0 | x], the clean image given x = x_0 + sigma n, n ~ N(0, 1) per real component.

    Preconditioned after Karras et al., "Elucidating the design space of diffusion-based generative models"
    (NeurIPS 2022, Table 1): D(x; sigma) = c_skip x + c_out F(c_in x, c_noise), with F a U-Net that sees and
    returns unit variance at every sigma. By Tweedie's formula the score of the noisy images is (D - x) / sigma^2.

    Args:
        width: number of channels at full resolution, a multiple of 8. 32 makes 3.5 million parameters.
        sigma_data: standard deviation of the clean images per real component.

    Raises:
        ValueError: `width` is not such a multiple.
    """

    def __init__(self, width: int = 32, sigma_data: float = 0.2):
        if width < GROUPS or width % GROUPS:
            raise ValueError(f"width must be a multiple of {GROUPS}, not {width}")
        super().__init__()
        self.config = {"width": width, "sigma_data": sigma_data}
        self.sigma_data = sigma_data
        self.unet = DiffusionModelUNet(
            spatial_dims=2,
            in_channels=2,
            out_channels=2,
            num_res_blocks=1,
            channels=[width * level for level in LEVELS],
            attention_levels=[False] * len(LEVELS),  # one attention layer is left, in the middle block
            num_head_channels=width * LEVELS[-1],
            norm_num_groups=GROUPS,
            use_flash_attention=True,  # else its memory grows with the fourth power of the image's side
        )
        nn.utils.convert_conv2d_weight_memory_format(self.unet, torch.channels_last)  # in place

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Denoise complex images `x` (n, H, W) of any H and W at the noise levels `sigma` (n,). Same shape."""
        own, square = self.sigma_data, sigma.square()
        total = square + own**2
        c_skip, c_in = own**2 / total, total.rsqrt()
        c_out = sigma * own * c_in
        f = self._network(c_in[:, None, None] * x, STRETCH * sigma.log())  # (n, H, W)
        return c_skip[:, None, None] * x + c_out[:, None, None] * f

    def score(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return the gradient of log p_sigma in (Re, Im), (n, H, W). Sigma is per real component: it is not halved."""
        return (self(x, sigma) - x) / sigma.square()[:, None, None]

    def _network(self, x: Tensor, c_noise: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        rows, columns = _wrapped(height, x.device), _wrapped(width, x.device)
        x = x[:, rows[:, None], columns]  # (n, H', W'), multiples of MULTIPLE
        f = complex_image(self.unet(real_channels(x), c_noise))  # (n, H', W')
        top, left = (len(rows) - height) // 2, (len(columns) - width) // 2
        return f[:, top : top + height, left : left + width]


def denoising_loss(network: nn.Module, batch: Sequence[Tensor], sigma_data: float, weight: Weight = "karras") -> Tensor:
    """Return the mean of lambda(sigma) |D(x_0 + sigma n; sigma) - x_0|^2 per real component, a scalar: (5), (6).

    lambda = (sigma^2 + sigma_data^2) / (sigma sigma_data)^2 (Karras et al., 2022, eq. 8). In terms of the score,
    |D - x_0|^2 = sigma^4 |score + n / sigma|^2, which is denoising score matching (Vincent, 2011) with another weight.
    For white Gaussian images of standard deviation sigma_data the best denoiser has the loss 1 at every sigma.

    Args:
        batch: clean images x_0 (n, H, W), noise levels sigma (n,), and unit noise n (n, H, W).
        weight: "karras" as above, or "epsilon": lambda = 1 / sigma^2, the error of the noise that the network sees,
            which is the epsilon matching of diffusion models (Ho et al., NeurIPS 2020, eq. 14).
    """
    clean, sigma, noise = batch
    error = network(clean + sigma[:, None, None] * noise, sigma) - clean
    square = sigma.square()
    lambda_ = square.reciprocal() if weight == "epsilon" else (square + sigma_data**2) / (square * sigma_data**2)
    return (lambda_ * torch.view_as_real(error).square().mean((1, 2, 3))).mean()


def _wrapped(length: int, device: torch.device) -> Tensor:
    """Return indices that continue an axis periodically on both sides: the padding's noise is then like the rest's."""
    missing = -length % MULTIPLE
    return torch.arange(-(missing // 2), length + missing - missing // 2, device=device) % length
