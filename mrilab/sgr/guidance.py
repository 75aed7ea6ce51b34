"""Guidance by a segmentation: losses that grow with the volume of a class, and how far their gradient may push."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.noise import complex_noise
from mrilab.sgr.dds import Chain
from mrilab.sgr.moved import Segment
from mrilab.sgr.volume import indicator

Through = Literal["step", "data"]  # what the gradient passes: the whole step, or all of it but the denoiser

STRENGTH = 0.04  # b for the grid of STEPS steps
RANGE = (0.0, 10.0)  # lowest and highest sigma at which guidance acts: all of the grid
THROUGH: Through = "data"
PIECE = 2**16  # number of pixels whose graph is kept at a time: at 128 x 128, four images


def up_loss(logits: Tensor, c: int, masked: bool = True) -> Tensor:
    """Return L-up, large where class `c` fills the image. Logits (n, 1 + classes, H, W) -> (n,).

    With `masked`, pixels that belong to the class already do not count (12).
    """
    # log(1 - p) from the logits of the other classes: it stays finite where p rounds to 1
    others = torch.cat([logits[:, :c], logits[:, c + 1 :]], 1)  # (n, classes, H, W)
    log_rest = others.logsumexp(1) - logits.logsumexp(1)  # (n, H, W)
    # L-up = BCE(0, p, c) = -sum log(1 - p)    (9), (10)
    loss = -log_rest
    return (loss * ~indicator(logits, c) if masked else loss).sum((-2, -1))


def low_loss(logits: Tensor, c: int, masked: bool = True) -> Tensor:
    """Return L-low, large where class `c` is absent. Logits (n, 1 + classes, H, W) -> (n,).

    With `masked`, pixels that do not belong to the class do not count (12).
    """
    # L-low = BCE(1, p, c) = -sum log p    (9), (11)
    loss = -logits.log_softmax(1)[:, c]
    return (loss * indicator(logits, c) if masked else loss).sum((-2, -1))


def step_length(gradient: Tensor, reference: Tensor, b: float) -> Tensor:
    """Return gamma (n, 1, 1) for gradients (n, H, W), which it keeps from exceeding `b` times the norm of `reference`.

    `reference` (n, H, W) is epsilon_theta in the paper.
    """
    # of real numbers: of complex ones torch takes ninety times as long
    parts = (torch.view_as_real(x.resolve_conj()) for x in (gradient, reference))  # (n, H, W, 2) each
    length, size = (torch.linalg.vector_norm(x, dim=(-3, -2, -1))[..., None, None] for x in parts)  # (n, 1, 1)
    cap = b * size
    # gamma = b |eps| / |gradient| where |gradient| > b |eps|, else 1    (14)
    return torch.where(length > cap, cap / length.clamp_min(torch.finfo(length.dtype).tiny), torch.ones_like(cap))


@dataclass(frozen=True)
class Guidance:
    """Both bounds of some classes in one batch of chains: what `run_chain` calls in every step but the last.

    Chains come in the order low bounds of all classes, then up bounds of all classes, `count` of each.

    Attributes:
        segment: the segmentation network, images (n, H, W) in units of q -> logits (n, 1 + classes, H, W), as it is
            or as `mrilab.sgr.moved` shows images to it.
        classes: numbers of the classes, channels of the logits.
        b: largest push, in units of the norm of epsilon_theta.
        range: lowest and highest sigma at which guidance acts.
        through: "step" takes the gradient with respect to x_t, through segmentation, data step and denoiser. "data"
            leaves the denoiser out, as if epsilon_theta did not depend on x_t, and spares its backward pass.
        masked: whether pixels that are already as wished do not count (12).
        reference: what b is relative to: "epsilon", or "noise" as in the released code, the norm of new noise.
        generator: draws that noise; "noise" needs it.
    """

    segment: Segment
    classes: Sequence[int]
    b: float
    range: tuple[float, float] = (0.0, float("inf"))
    through: Through = "step"
    masked: bool = True
    reference: Literal["epsilon", "noise"] = "epsilon"
    generator: torch.Generator | None = None

    def __post_init__(self) -> None:
        """Refuse a negative push, no class, an empty range, and noise without a generator. Raises UserError."""
        if not self.classes:
            raise UserError("guidance needs the class whose volume it bounds; give one or more")
        if not (0 <= self.b < float("inf")):
            raise UserError(f"the strength b of guidance must be a finite number, 0 or more, not {self.b:g}")
        if not self.range[0] < self.range[1]:
            raise UserError(f"guidance from sigma {self.range[0]:g} to {self.range[1]:g} acts nowhere")
        if self.reference == "noise" and self.generator is None:
            raise UserError("guidance relative to noise draws it; give a generator")

    def __call__(self, chain: Chain, x_t: Tensor, abar: float) -> tuple[Tensor, Tensor, Tensor]:
        """Return gamma times the gradient, epsilon and x'_0, each of the shape of x_t (K, *batch, H, W)."""
        sigma = ((1 - abar) / abar) ** 0.5
        if not self.range[0] <= sigma <= self.range[1]:
            eps, x0 = chain.unguided(x_t, abar)
            return torch.zeros_like(x_t), eps, x0
        if self.through == "data":
            eps = chain.epsilon(x_t, abar)
            pairs = [self._through_data(chain, *part, abar) for part in self._pieces(x_t, eps)]
            gradient, x0 = (torch.cat(part) for part in zip(*pairs, strict=True))
        else:
            parts = [self._through_step(chain, x, labels, abar) for x, _, labels in self._pieces(x_t, x_t)]
            gradient, eps, x0 = (torch.cat(part) for part in zip(*parts, strict=True))
        if not torch.isfinite(torch.view_as_real(gradient)).all():
            raise UserError(f"the gradient of the guidance is not finite at sigma {sigma:.3g}; check scan and networks")
        reference = eps
        if self.reference == "noise":
            reference = complex_noise(eps.shape, self.generator).to(eps)
        return step_length(gradient, reference, self.b) * gradient, eps, x0

    def loss(self, x0: Tensor, labels: Sequence[tuple[bool, int]]) -> Tensor:
        """Return the sum of the losses of images x0 (k, *batch, H, W), the k-th towards (up?, class) of `labels`."""
        logits = self.segment(x0.flatten(0, -3))  # (k * batch, 1 + classes, H, W)
        parts = zip(logits.unflatten(0, (len(labels), -1)), labels, strict=True)
        return torch.stack([(up_loss if up else low_loss)(part, c, self.masked).sum() for part, (up, c) in parts]).sum()

    def _pieces(self, x_t: Tensor, eps: Tensor) -> list[tuple[Tensor, Tensor, list[tuple[bool, int]]]]:
        """Split chains (K, *batch, H, W) into pieces that bound the memory, each with its bounds and classes."""
        count = len(x_t) // (2 * len(self.classes))
        labels = [(up, c) for up in (False, True) for c in self.classes for _ in range(count)]  # (K)
        n = max(1, PIECE // x_t[0].numel())
        numbers = [labels[i : i + n] for i in range(0, len(labels), n)]
        return list(zip(x_t.split(n), eps.split(n), numbers, strict=True))

    def _through_step(
        self, chain: Chain, x_t: Tensor, labels: list[tuple[bool, int]], abar: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        with torch.enable_grad():
            x_t = x_t.detach().requires_grad_()
            eps, x0 = chain.unguided(x_t, abar)
            (gradient,) = torch.autograd.grad(self.loss(x0, labels), x_t)
        return gradient, eps.detach(), x0.detach()

    def _through_data(
        self, chain: Chain, x_t: Tensor, eps: Tensor, labels: list[tuple[bool, int]], abar: float
    ) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            clean = chain.clean(x_t, eps, abar).detach().requires_grad_()
            x0 = chain.consistent(clean, abar)
            (gradient,) = torch.autograd.grad(self.loss(x0, labels), clean)
        return gradient / abar**0.5, x0.detach()  # x_t = sqrt(abar) x_0 + noise
