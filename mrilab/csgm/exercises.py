"""Solutions and typical mistakes of lesson 2, score priors and Langevin sampling. `EXERCISES` stands at the end."""

import math

import torch
from torch import Tensor

from mrilab.physics.noise import complex_noise
from mrilab.teach.exercises import Exercise, Mistake


def step(x: Tensor, score: Tensor, eta: float, zeta: Tensor) -> Tensor:
    """Return x + eta score + sqrt(2 eta) zeta (2)."""
    return x + eta * score + math.sqrt(2 * eta) * zeta


def score_from(denoised: Tensor, x: Tensor, sigma: float) -> Tensor:
    """Return (D - x) / sigma^2, by Tweedie's formula (4)."""
    return (denoised - x) / sigma**2


def how_many(sigma_max: float, sigma_min: float, ratio: float) -> float:
    """Return log(max / min) / log(ratio) + 1, one more level than there are steps between levels."""
    return float(round(math.log(sigma_max / sigma_min) / math.log(ratio)) + 1)


def step_size(eta_L: float, beta_t: float, beta_L: float) -> float:
    """Return eta_L (beta_t / beta_L)^2, the same share of the variance at every level."""
    return eta_L * (beta_t / beta_L) ** 2


def data_gradient(x: Tensor, y: Tensor, A: Tensor, noise_std: float) -> Tensor:
    """Return A^H (y - A x) / noise_std^2."""
    return A.mH @ (y - A @ x) / noise_std**2


def coverage(samples: Tensor, truth: Tensor, level: float) -> Tensor:
    """Return the share of pixels between the (1 - level) / 2 and (1 + level) / 2 quantiles of their own samples."""
    return _quantile_interval(samples, truth, (1 - level) / 2, (1 + level) / 2)


def data_consistency(z: Tensor, y: Tensor, mask: Tensor, lam: float) -> Tensor:
    """Return (y + lam z) / (1 + lam) where measured, z elsewhere."""
    return (mask * y + lam * z) / (mask + lam)


def paired_interval(a: Tensor, b: Tensor, t: float) -> tuple[Tensor, Tensor]:
    """Return the mean of a - b, and t times its standard error."""
    difference = a - b
    return difference.mean(), t * difference.std() / math.sqrt(len(difference))


def _real(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _complex(*shape: int, seed: int = 1) -> Tensor:
    return complex_noise(shape, torch.Generator().manual_seed(seed), torch.float64)


def _quantile_interval(samples: Tensor, truth: Tensor, low: float, high: float) -> Tensor:
    ends = torch.quantile(samples, torch.tensor([low, high], dtype=samples.dtype), dim=0)
    return ((truth >= ends[0]) & (truth <= ends[1])).to(samples.dtype).mean()


def _all_pixels_together(samples: Tensor, truth: Tensor, level: float) -> Tensor:
    ends = torch.quantile(samples.flatten(), torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=samples.dtype))
    return ((truth >= ends[0]) & (truth <= ends[1])).to(samples.dtype).mean()


_spread = 0.2 + _real(400, seed=2).abs()  # every pixel has a width of its own
_centre = 3 * _real(400, seed=3)
_samples, _truth = _centre + _spread * _real(48, 400, seed=4), _centre + _spread * _real(400, seed=5)

_mask = _real(4, 6, seed=6) > 0
_data = (_complex(4, 6), _complex(4, 6, seed=2) * _mask, _mask)
_heads = 36 + 2 * _real(12, seed=7)  # heads differ by more than methods do


def _unpaired(a: Tensor, b: Tensor, t: float) -> tuple[Tensor, Tensor]:
    return a.mean() - b.mean(), t * torch.sqrt((a.var() + b.var()) / len(a))


EXERCISES = {
    "step": Exercise(
        step,
        "the drift is of order eta, the noise of order sqrt(eta): small steps are mostly noise.",
        {
            "no-two": Mistake(
                lambda x, s, e, z: x + e * s + math.sqrt(e) * z,
                "with sqrt(eta) the chain settles at half the variance: the noise is sqrt(2 eta).",
            ),
            "eta-noise": Mistake(
                lambda x, s, e, z: x + e * s + 2 * e * z, "2 eta is the variance of the noise; zeta needs its root."
            ),
            "no-noise": Mistake(
                lambda x, s, e, z: x + e * s,
                "without noise this is gradient ascent: it ends on a peak, not in samples.",
            ),
            "descent": Mistake(
                lambda x, s, e, z: x - e * s + math.sqrt(2 * e) * z,
                "the score points uphill, to where the density is higher: add it.",
            ),
        },
        cases=[
            (_real(5), _real(5, seed=2), 0.03, _real(5, seed=3)),
            (_complex(4), _complex(4, seed=2), 0.2, _complex(4, seed=3)),
        ],
    ),
    "tweedie": Exercise(
        score_from,
        "any denoiser is a score, and any score a denoiser.",
        {
            "sign": Mistake(
                lambda d, x, s: (x - d) / s**2, "the score points from the noisy image to the clean one: turn it round."
            ),
            "one-sigma": Mistake(
                lambda d, x, s: (d - x) / s, "that is sigma times the score; divide by the variance, sigma squared."
            ),
            "no-residual": Mistake(lambda d, x, s: d / s**2, "the score is what the denoiser changes: D minus x."),
        },
        cases=[(_real(6), _real(6, seed=2), 0.3), (_complex(3, 4), _complex(3, 4, seed=2), 2.0)],
    ),
    "levels": Exercise(
        how_many,
        "levels are counted like fence posts: one more than there are steps between them.",
        {
            "fence-posts": Mistake(
                lambda a, b, r: round(math.log(a / b) / math.log(r)),
                "that is the number of steps; both ends are levels, so there is one more.",
            ),
            "linear": Mistake(
                lambda a, b, r: round((a - b) / (r - 1)) + 1,
                "the levels form a geometric sequence: count in logarithms.",
            ),
            "upside-down": Mistake(
                lambda a, b, r: round(math.log(b / a) / math.log(r)) + 1,
                "the ratio is above 1, so take the logarithm of the larger sigma over the smaller one.",
            ),
        },
        cases=[(232.0, 0.0066, 1 / 0.995479), (84.0, 0.01, 1.0117), (8.0, 1.0, 2.0)],
        tolerance=1e-6,
    ),
    "eta": Exercise(
        step_size,
        "eta has the unit of a variance: the square keeps eta / beta^2 the same at every level.",
        {
            "not-squared": Mistake(
                lambda e, t, L: e * t / L, "eta must scale like a variance, so the ratio of levels is squared."
            ),
            "upside-down": Mistake(
                lambda e, t, L: e * (L / t) ** 2, "steps are large while the noise is large: turn the ratio over."
            ),
            "constant": Mistake(
                lambda e, t, L: e, "a step that suits the last level would take for ever at the first one."
            ),
        },
        cases=[(4e-6, 1.2, 0.0066), (0.01, 0.5, 0.5), (0.02, 2.0, 0.4)],
    ),
    "likelihood": Exercise(
        data_gradient,
        "noise_std is per real component, so the variance that divides is noise_std squared, and no factor 2.",
        {
            "complex-variance": Mistake(
                lambda x, y, A, s: A.mH @ (y - A @ x) / (2 * s**2),
                "E|n|^2 is twice the variance of one component; the gradient in (Re, Im) needs that of one component.",
            ),
            "sign": Mistake(
                lambda x, y, A, s: A.mH @ (A @ x - y) / s**2, "that points away from the data: y minus A x."
            ),
            "no-conjugate": Mistake(
                lambda x, y, A, s: A.mT @ (y - A @ x) / s**2, "A is complex: the adjoint is .mH, not .mT."
            ),
            "not-squared": Mistake(
                lambda x, y, A, s: A.mH @ (y - A @ x) / s, "divide by the variance, the square of noise_std."
            ),
        },
        cases=[
            (_complex(5), _complex(3, seed=2), _complex(3, 5, seed=3), 0.3),
            (_complex(2, seed=4), _complex(4, seed=5), _complex(4, 2, seed=6), 2.0),
        ],
    ),
    "one-or-mean": Exercise(
        "b",
        "ideally both are draws from one posterior: their squared distance is twice that of truth and mean.",
        {
            "a": Mistake("a", "a sample has an error of its own on top of that of the mean: it cannot be as good."),
            "c": Mistake(
                "c",
                "it looks sharper, and that costs: squared error prefers the mean, which leaves out what is not known.",
            ),
        },
    ),
    "all-measured": Exercise(
        "a",
        "where the data decide, all samples agree: deviation is what the data leave open, filled in by the prior.",
        {
            "b": Mistake("b", "deviation belongs to the posterior, not to the brightness or the network alone."),
            "c": Mistake("c", "nothing is left open there for the samples to differ in; only noise remains."),
        },
    ),
    "coverage": Exercise(
        coverage,
        "and a share near the level is what calibrated means, for this level and these pixels.",
        {
            "one-sided": Mistake(
                lambda s, t, level: _quantile_interval(s, t, 0.0, level),
                "the interval is central: leave out as much below as above, (1 - level) / 2 each.",
            ),
            "both-tails": Mistake(
                lambda s, t, level: _quantile_interval(s, t, 1 - level, level),
                "you cut off 1 - level on both sides; it is half of that on each.",
            ),
            "pixels-together": Mistake(
                _all_pixels_together, "every pixel has an interval of its own: quantiles along the samples, dim=0."
            ),
            "outside": Mistake(
                lambda s, t, level: 1 - coverage(s, t, level), "that is the share outside the interval."
            ),
        },
        cases=[(_samples, _truth, 0.9), (_samples, _truth, 0.5)],
    ),
    "data-consistency": Exercise(
        data_consistency,
        "a weighted mean of data and denoiser where there are data, and the denoiser alone where there are none.",
        {
            "replaced": Mistake(
                lambda z, y, m, lam: torch.where(m, y, z),
                "that is lambda = 0: the data replace the denoiser, noise and all. Weigh the two.",
            ),
            "everywhere": Mistake(
                lambda z, y, m, lam: (y + lam * z) / (1 + lam),
                "where nothing was measured this weighs the denoiser against zeros; there it is alone.",
            ),
            "turned-round": Mistake(
                lambda z, y, m, lam: (lam * m * y + z) / (lam * m + 1),
                "lambda is the weight of the denoiser, not of the data: a large one must give z.",
            ),
            "sum": Mistake(
                lambda z, y, m, lam: m * y + lam * z, "a mean needs its weights to sum to one: divide by their sum."
            ),
        },
        cases=[(*_data, 0.05), (*_data, 2.0)],
    ),
    "paired-interval": Exercise(
        paired_interval,
        "what all methods share, an easy or a difficult head, drops out of the differences.",
        {
            "unpaired": Mistake(_unpaired, "these are the same scans: take the differences first, then their spread."),
            "no-root": Mistake(
                lambda a, b, t: ((a - b).mean(), t * (a - b).std()),
                "that is how single scans differ; the mean of n of them is known better by the root of n.",
            ),
            "biased": Mistake(
                lambda a, b, t: ((a - b).mean(), t * (a - b).std(correction=0) / math.sqrt(len(a))),
                "the deviation of a sample divides by n - 1, which t expects.",
            ),
            "turned-round": Mistake(
                lambda a, b, t: paired_interval(b, a, t), "the difference is a minus b, not b minus a."
            ),
        },
        cases=[(_heads + 0.5 + 0.3 * _real(12, seed=8), _heads, 2.2), (_real(5), _real(5, seed=9), 2.78)],
    ),
    "shift-or-harder": Exercise(
        "b",
        "a network that was trained for the shift tells what the problem itself costs; the rest is the shift.",
        {
            "a": Mistake("a", "that holds the shifted scans against easier ones; ask what training for them gives."),
            "c": Mistake("c", "no training can make a harder problem easy; compare the two networks with each other."),
        },
    ),
}
