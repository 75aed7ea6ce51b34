"""A toy of SGR whose posterior is known: a Gaussian process, and the samples of it that lie above a level.

The process is a complex image of one row, (1, N). Its "segmentation" reads the real part, and its "volume" is the
number of samples above the level. Chains, guidance and bounds are those of the package.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from mrilab.csgm.ddim import Denoise
from mrilab.csgm.levels import geometric_levels
from mrilab.methods.exact import Gaussian, MatrixModel
from mrilab.physics import SenseModel, complex_noise
from mrilab.sgr.bounds import guided_bounds
from mrilab.sgr.dds import Chain, run_chain
from mrilab.sgr.guidance import Guidance
from mrilab.sgr.volume import volume

N = 64  # samples of the process
STEPS = 30  # of a chain
RANGE = (5.0, 0.01)  # noise of the first and the last step
DRAWS = 2000  # exact samples that stand for the posterior of the volume


@dataclass(frozen=True)
class Toy:
    """Trials of one experiment: processes drawn from a prior, each measured at the same few frequencies.

    Attributes:
        prior: Gaussian of images (1, N), with variances by frequency.
        truth: complex (trials, 1, N).
        y: k-space (trials, 1, 1, N), model: what measures it, noise_std: its noise per real component.
        level, width: p = sigmoid((Re x - level) / width) is the probability of "above".
    """

    prior: Gaussian
    truth: Tensor
    y: Tensor
    model: SenseModel
    noise_std: float
    level: float
    width: float

    @cached_property
    def posterior(self) -> Gaussian:
        """Return the exact posterior, with a mean (trials, 1, N)."""
        return self.prior.posterior(self.y, self.model, self.noise_std)

    @property
    def spread(self) -> float:
        """Return the standard deviation of the process per real component."""
        return float(self.prior.variance.mean().sqrt())

    def segment(self, x: Tensor) -> Tensor:
        """Return logits of "below" and "above", (n, 1, N) -> (n, 2, 1, N)."""
        above = (x.real - self.level) / self.width
        return torch.stack([torch.zeros_like(above), above], 1)

    def volumes(self, x: Tensor) -> Tensor:
        """Return the number of samples above the level, (..., 1, N) -> (...)."""
        return volume(self.segment(x.flatten(0, -3)), 1).unflatten(0, x.shape[:-2])

    def exact_chain(self) -> Chain:
        """Return chains whose estimate is E[x_0 | x_t, y], so that their end has the law of the posterior.

        The posterior is their prior, and nothing is left to measure: A has no rows, and data steps change nothing.
        """
        nothing = MatrixModel(self.truth.new_zeros(0, self.truth.shape[-1]))
        return Chain(_denoiser(self.posterior), torch.zeros_like(self.truth), nothing, self.spread)

    def dds_chain(self) -> Chain:
        """Return chains as for images: the denoiser of the prior, and a data step that takes it for white."""
        adjoint = self.model.adjoint(self.y)  # (trials, 1, N)
        return Chain(_denoiser(self.prior), adjoint, self.model, self.spread, self.noise_std)


def draw_toy(
    trials: int,
    generator: torch.Generator,
    *,
    acceleration: float = 4.0,
    noise_std: float = 0.05,
    level: float = 0.5,
    width: float = 0.1,
    n: int = N,
) -> Toy:
    """Draw `trials` processes of standard deviation 0.5 per component, and measure 1 / `acceleration` of k-space.

    The lowest frequencies, half of what is measured, are always among it.
    """
    f = torch.arange(n, dtype=torch.float64) - n // 2
    variance = (1 + (f / 4) ** 2) ** -1.5  # (n,)
    prior = Gaussian(torch.zeros(1, n, dtype=torch.complex128), (0.25 * variance / variance.mean())[None], "fourier")
    truth = prior.sample(trials, generator)  # (trials, 1, n)
    count = max(2, round(n / acceleration))
    order = torch.rand(n, generator=generator, dtype=torch.float64) + f.abs().ge(count / 4)
    mask = torch.zeros(1, n, dtype=torch.bool)
    mask[0, order.argsort()[:count]] = True
    model = SenseModel(torch.ones(1, 1, n, dtype=torch.complex128), mask)
    y = model.forward(truth)  # (trials, 1, 1, n)
    y = y + noise_std * complex_noise(y.shape, generator, torch.float64) * mask
    return Toy(prior, truth, y, model, noise_std, level, width)


def toy_grid(steps: int = STEPS) -> Tensor:
    """Return abar of steps geometric in sigma over RANGE, (steps,)."""
    return 1 / (1 + geometric_levels(*RANGE, steps).square())


def repeated_volumes(toy: Toy, chain: Chain | None, samples: int, generator: torch.Generator) -> Tensor:
    """Return the volumes (samples, trials) of exact samples of the posterior, or of those that `chain` draws."""
    if chain is None:
        return toy.volumes(toy.posterior.sample(samples, generator))
    return toy.volumes(run_chain(chain, toy_grid(), samples, generator))


def guided_volumes(toy: Toy, chain: Chain, b: float, generator: torch.Generator, steps: int = STEPS) -> Tensor:
    """Return the volumes (2, trials) of the lower and the upper bound that guidance of strength `b` reaches."""
    images = guided_bounds(chain, toy_grid(steps), Guidance(toy.segment, [1], b), generator)  # (2, 1, 1, trials, 1, N)
    return toy.volumes(images[:, 0, 0])


def reached(bounds: Tensor, posterior: Tensor) -> Tensor:
    """Return the quantiles of the volumes `posterior` (draws, trials) at which `bounds` (2, trials) lie, (2, trials).

    A volume that several draws share counts by half.
    """
    below = (posterior < bounds[:, None]).double().mean(1)  # (2, trials)
    return below + (posterior == bounds[:, None]).double().mean(1) / 2


def _denoiser(prior: Gaussian) -> Denoise:
    return lambda x, sigma: x + sigma**2 * prior.score(x, sigma)  # Tweedie's formula
