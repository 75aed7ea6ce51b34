"""The theorems of Jalal et al. (NeurIPS 2021) as quantities that can be computed on small discrete problems."""

from bisect import bisect_left

import torch
from scipy.optimize import linprog
from torch import Tensor
from torch.nn.functional import one_hot

from mrilab.errors import UserError

# --- Theorem 3.4. If some algorithm is within eps with probability 1 - delta, posterior sampling is within 2 eps with
#     probability 1 - 2 delta. Signals are i = 1..n, measurements j = 1..m.


def best_success(joint: Tensor, distance: Tensor, eps: float) -> float:
    """Return the largest Pr[d(x, x') <= eps] of any algorithm: it answers where the most mass of p(x | y) is near.

    Args:
        joint: (n, m), P(i, j).
        distance: (n, answers), from each signal to each possible answer, which need not be a signal.
    """
    near = (distance <= eps).to(joint.dtype)  # (n, answers)
    return float((near.mT @ joint).amax(0).sum())  # (answers, m) -> (m,)


def posterior_sampling_success(joint: Tensor, distance: Tensor, eps: float) -> float:
    """Return Pr[d(x, x') <= eps] for x' drawn from p(x | y), exactly. joint (n, m), distance (n, n)."""
    near = (distance <= eps).to(joint.dtype)
    evidence = joint.sum(0)  # (m,)
    posterior = torch.where(evidence > 0, joint / evidence, 0)
    return float((joint * (near @ posterior)).sum())


# --- Theorem 3.3. How many measurements tell the true signal from the prior's others?


def posterior_after(signals: Tensor, prior: Tensor, rows: Tensor, y: Tensor, noise_std: float) -> Tensor:
    """Return p(signal | first k measurements) for k = 0 .. M, (..., M + 1, n).

    The theorem divides rows and noise by sqrt(M), which leaves the posterior as it is.

    Args:
        signals: (n, N) candidates.
        prior: (..., n), probabilities of the candidates under one or more priors.
        rows: (M, N), rows a_k of the measurement matrix, real or complex.
        y: (M,), measurements y_k = a_k . x + noise.
        noise_std: standard deviation of the noise per real component.
    """
    misfit = (y[:, None] - rows @ signals.to(rows.dtype).mT).abs().square()  # (M, n)
    log_likelihood = torch.nn.functional.pad(-misfit.cumsum(0) / (2 * noise_std**2), (0, 0, 1, 0))  # (M + 1, n)
    return (prior.log()[..., None, :] + log_likelihood).softmax(-1)


def measurements_needed(mass: Tensor, success: float) -> int | None:
    """Return the smallest k from which on the mean posterior mass of the true signal, `mass` (M + 1,), stays at least
    `success`, or None where it does not within M."""
    below = (mass < success).nonzero().flatten()
    first = int(below[-1]) + 1 if len(below) else 0
    return first if first < len(mass) else None


def gaussian_rows(count: int, size: int, generator: torch.Generator) -> Tensor:
    """Draw rows (count, size) float64 with entries N(0, 1)."""
    return torch.randn(count, size, dtype=torch.float64, generator=generator)


def fourier_rows(count: int, size: int, generator: torch.Generator) -> Tensor:
    """Draw rows (count, size) complex128 of the DFT without replacement, each of norm sqrt(size).

    Raises:
        UserError: more rows than there are frequencies.
    """
    if count > size:
        raise UserError(f"a signal of length {size} has only {size} Fourier measurements, not {count}")
    frequency = torch.randperm(size, generator=generator)[:count].double()
    return torch.exp(-2j * torch.pi * frequency[:, None] * torch.arange(size).double()[None, :] / size)


# --- Lemma B.1. Closeness in Wasserstein distance implies closeness in the new divergence, not the other way round.
#     Distributions on the line have points (n,) and weights (n,) that sum to 1.


def trimmed_wasserstein(
    points_a: Tensor, weights_a: Tensor, points_b: Tensor, weights_b: Tensor, delta: float, alpha: float
) -> float:
    """Return the (delta, alpha)-W_inf divergence (Definition 3.2): W_inf after the best removal of a share delta of the
    first and alpha of the second distribution.

    The answer is one of the pairwise distances: the smallest within which a unit of mass can be transported when the
    points hold weights_a / (1 - delta) and weights_b / (1 - alpha).

    Raises:
        UserError: delta or alpha outside [0, 1).
    """
    if not (0 <= delta < 1 and 0 <= alpha < 1):
        raise UserError("delta and alpha must be at least 0 and below 1")
    distance = (points_a[:, None] - points_b[None, :]).abs()  # (n, m)
    supply, demand = weights_a / (1 - delta), weights_b / (1 - alpha)
    candidates = distance.flatten().unique().tolist()  # ascending

    def enough(candidate: float) -> bool:
        return _transportable(distance <= candidate, supply, demand) >= 1 - 1e-9

    # within the last candidate, the largest distance, everything can be transported
    return candidates[bisect_left(candidates[:-1], True, key=enough)]


def _transportable(allowed: Tensor, supply: Tensor, demand: Tensor) -> float:
    """Return the largest mass that flows from supply (n,) to demand (m,) along the allowed pairs (n, m)."""
    rows, columns = allowed.nonzero(as_tuple=True)  # (pairs,) each
    if not len(rows):
        return 0.0
    limits = torch.cat([one_hot(rows, len(supply)), one_hot(columns, len(demand))], 1).mT  # (n + m, pairs)
    flow = linprog(-torch.ones(len(rows)).numpy(), A_ub=limits.numpy(), b_ub=torch.cat([supply, demand]).numpy())
    return -float(flow.fun)
