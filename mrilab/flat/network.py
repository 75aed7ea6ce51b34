"""An unrolled network whose cascades are Euler steps of a conditional probability flow."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from mrilab.errors import UserError
from mrilab.flat.flow import data_step, time_grid
from mrilab.nets.channels import real_channels
from mrilab.nets.cnn import ComplexCnn
from mrilab.nets.consistency import consistent
from mrilab.nets.trajectory import Trajectory
from mrilab.nets.unet import ComplexUnet
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.protocol import Acquisition

RULES = ("free", "paper", "derived")
EXTRA = 4  # number of the denoisers' input channels beside x: real and imaginary part of A^H y, t and t^(1/4)
BACKBONES: dict[str, Callable[[int, int], nn.Module]] = {"unet": partial(ComplexUnet, widest=4), "cnn": ComplexCnn}
START_RHO = 0.2  # about the spread of image values per real component, where they have their 0.99 quantile at 1
DECAY = 0.98  # share of the running mean of rho^2 that each training step keeps


class FLAT(nn.Module):
    """K cascades from x^0 = A^H y + s eps at t = 1 to x^K at t = 0, each a denoiser N(x, t; A^H y) and the data.

    `rule` says what a cascade does with the two:

    - "derived": x <- (1 - lambda_k) x + lambda_k D, the Euler step (3) to D, which is N pulled to the data by
      gamma_k = rho_k^2 / (rho_k^2 + sigma^2). rho_k is how far N is off, a running mean over the training data.
    - "paper": x <- x - |delta_k| A^H (A x - y) + |delta_k| (N - x), with delta_k = t_{k+1} - t_k and sigma = 1.
    - "free": x <- x - eta_k A^H (A x - y) + (N - x) with eta_k learned, from 1 on: a VarNet in the image.

    As built, N(x) = x.

    Args:
        width: channels of the denoisers at full resolution. 8 makes U-Nets of 119 thousand parameters each.
        cascades: K.
        alpha: exponent of the time grid t_k = (1 - k / K)^(1 + alpha).
        rule: one of RULES.
        shared: one denoiser for all cascades, which makes K free afterwards.
        s: noise of the start per real component; with it, the network needs `eps`.
        noise_std: sigma, the noise of the data per real component in their unit, for "derived".
        iterations: conjugate-gradient steps for D, equation (6), which several coils need; 0 takes the single step (7).
        backbone: "unet", or "cnn", which is MoDL's and takes a third of the time on small images.

    Raises:
        UserError: the rule, the backbone or the time grid does not exist.
    """

    rho: Tensor  # (K,)

    def __init__(
        self,
        width: int = 8,
        cascades: int = 12,
        alpha: float = 1.0,
        rule: str = "derived",
        shared: bool = False,
        s: float = 0.0,
        noise_std: float = 0.015,
        iterations: int = 0,
        backbone: str = "unet",
    ):
        for what, value, known in (("rule", rule, RULES), ("backbone", backbone, BACKBONES)):
            if value not in known:
                raise UserError(f"unknown {what} {value!r}; choose one of {', '.join(known)}")
        super().__init__()
        self.config = {"width": width, "cascades": cascades, "alpha": alpha, "rule": rule, "shared": shared, "s": s}
        self.config |= {"noise_std": noise_std, "iterations": iterations, "backbone": backbone}
        self.cascades, self.alpha, self.rule, self.shared = cascades, alpha, rule, shared
        self.s, self.noise_std, self.iterations = s, noise_std, iterations
        self.t = time_grid(cascades, alpha).tolist()
        self.denoisers = nn.ModuleList(BACKBONES[backbone](width, EXTRA) for _ in range(1 if shared else cascades))
        if rule == "free":
            self.eta = nn.Parameter(torch.ones(cascades))
        self.register_buffer("rho", torch.full((cascades,), START_RHO))

    def forward(
        self, scan: Acquisition, eps: Tensor | None = None, steps: int | None = None, clean: Tensor | None = None
    ) -> Trajectory:
        """Return all states, and what the denoiser made of each. The scans are scaled as in training.

        Args:
            scan: a batch of `n` acquisitions.
            eps: (n, H, W), unit noise per real component.
            steps: another K, on a grid with the same alpha, for a network with shared weights.
            clean: (n, H, W), with which every cascade starts on the ideal path instead of where the last one ended.

        Raises:
            UserError: this network cannot take `steps`, or s is not 0 and there is no `eps`.
        """
        if steps not in (None, self.cascades) and not self.shared:
            raise UserError(
                f"this network has weights of its own for each of its {self.cascades} cascades and cannot take "
                f"{steps} steps; use one with shared weights"
            )
        if self.s and eps is None:
            raise UserError("this network starts from noise: give it eps, one image of unit noise a start")
        t = self.t if steps is None else time_grid(steps, self.alpha).tolist()
        rho = np.interp(t[:-1], self.t[-2::-1], self.rho.tolist()[::-1])
        model = scan.model
        adjoint = model.adjoint(scan.kspace)  # (n, H, W)
        start = x = adjoint if eps is None or not self.s else adjoint + self.s * eps
        states, denoised = [x], []
        for k in range(len(t) - 1):
            delta = t[k] - t[k + 1]
            if clean is not None:
                x = (1 - t[k]) * clean + t[k] * start
            N = self.denoise(x, t[k], adjoint, k)
            denoised.append(N)
            if self.rule == "derived":
                # lambda_k = delta / t_k    (3)
                D = self._to_data(N, float(rho[k]), model, adjoint)
                x = torch.add(x, D - x, alpha=delta / t[k])
            elif self.rule == "paper":
                x = x + delta * (adjoint - model.normal(x) + N - x)
            else:
                x = self.eta[k] * (adjoint - model.normal(x)) + N
            states.append(x)
        return Trajectory(torch.stack(states), torch.stack(denoised))

    def denoise(self, x: Tensor, t: float, adjoint: Tensor, k: int = 0) -> Tensor:
        """Return N(x, t; A^H y), (n, H, W), by the denoiser of cascade `k`."""
        times = x.real.new_tensor([t, t**0.25])[None, :, None, None].expand(len(x), 2, *x.shape[-2:])
        extra = torch.cat([real_channels(adjoint), times], 1)  # (n, 4, H, W)
        return x + self.denoisers[0 if self.shared else k](x, extra)

    def _to_data(self, N: Tensor, rho: float, model: SenseModel, adjoint: Tensor) -> Tensor:
        """Return D_t(x, y) of the denoised image, (n, H, W) both."""
        if self.iterations:
            # D = (A^H A + sigma^2 / rho^2)^-1 (A^H y + sigma^2 / rho^2 N)    (6)
            weight = N.real.new_tensor(self.noise_std**2 / rho**2)
            return consistent(model, adjoint, N, weight, self.iterations)
        # D = N - gamma A^H (A N - y),  gamma = rho^2 / (rho^2 + sigma^2)    (7)
        return data_step(N, adjoint, model, rho**2 / (rho**2 + self.noise_std**2))

    @torch.no_grad()
    def measure(self, denoised: Tensor, reference: Tensor) -> None:
        """Let rho_k follow sqrt E |x_0 - N|^2 per real component, the deviation of N, over a training batch."""
        square = (denoised.detach() - reference).abs().square().mean((1, 2, 3)) / 2  # (K,)
        self.rho.copy_((DECAY * self.rho.square() + (1 - DECAY) * square.to(self.rho)).sqrt())
