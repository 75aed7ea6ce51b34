"""The theorems of Jalal et al. (NeurIPS 2021) as quantities that can be computed on small discrete problems."""

from __future__ import annotations

import torch
from scipy.optimize import linprog
from torch import Tensor

from mrilab.errors import UserError

# --- Theorem 3.4: if some algorithm is within eps with probability 1 - delta, posterior sampling is within 2 eps with
#     probability 1 - 2 delta. Signals i = 1..n, measurements j = 1..m; `joint` is P(i, j), `distance` is d(i, i').


def best_success(joint: Tensor, distance: Tensor, eps: float) -> float:
    """max over all algorithms of Pr[d(x, x') <= eps]: for each measurement the answer with the most mass nearby.

    joint (n, m), distance (n, answers); an answer need not be a signal.
    """
    near = (distance <= eps).to(joint.dtype)  # (n, answers)
    return float((near.mT @ joint).amax(0).sum())  # (answers, m) -> (m,)


def posterior_sampling_success(joint: Tensor, distance: Tensor, eps: float) -> float:
    """Pr[d(x, x_hat) <= eps] for x_hat drawn from p(x | y), exactly. joint (n, m), distance (n, n)."""
    near = (distance <= eps).to(joint.dtype)
    evidence = joint.sum(0)  # (m,)
    posterior = torch.where(evidence > 0, joint / evidence, 0)
    return float((joint * (near @ posterior)).sum())


# --- Theorem 3.3: how many measurements tell the truth from a prior's other beliefs.


def posterior_after(signals: Tensor, prior: Tensor, rows: Tensor, y: Tensor, noise_std: float) -> Tensor:
    """p(signal | first k measurements), for k = 0 .. M. Returns (..., M + 1, n).

    Args:
        signals: (n, N) candidates.
        prior: (..., n) their probabilities; more than one prior is tried at once.
        rows: (M, N) of the measurement matrix, real or complex, each for a measurement y_k = a_k . x + noise.
        y: (M,).
        noise_std: per real component.

    The theorem divides rows and noise by sqrt(M); that leaves the posterior as it is, so one growing set of rows
    serves all M.
    """
    misfit = (y[:, None] - rows @ signals.to(rows.dtype).mT).abs().square()  # (M, n)
    start = torch.zeros(1, len(signals), dtype=misfit.dtype)
    log_likelihood = torch.cat([start, -misfit.cumsum(0) / (2 * noise_std**2)])  # (M + 1, n)
    return (prior.log()[..., None, :] + log_likelihood).softmax(-1)


def measurements_needed(mass: Tensor, success: float) -> int | None:
    """The smallest k from which on `mass` (M + 1,), the mean posterior mass on the truth, stays at least `success`;
    None where it does not within M."""
    below = (mass < success).nonzero().flatten()
    first = int(below[-1]) + 1 if len(below) else 0
    return first if first < len(mass) else None


def gaussian_rows(count: int, size: int, generator: torch.Generator) -> Tensor:
    """(count, size) float64, entries N(0, 1)."""
    return torch.randn(count, size, dtype=torch.float64, generator=generator)


def fourier_rows(count: int, size: int, generator: torch.Generator) -> Tensor:
    """(count, size) complex128: rows of the DFT in random order, without replacement, of norm sqrt(size)."""
    if count > size:
        raise UserError(f"a signal of length {size} has only {size} Fourier measurements, not {count}")
    frequency = torch.randperm(size, generator=generator)[:count].double()
    return torch.exp(-2j * torch.pi * frequency[:, None] * torch.arange(size).double()[None, :] / size)


# --- Lemma B.1: closeness in Wasserstein distance implies closeness in the new divergence, not the other way round.
#     Distributions on the line: points (n,) and weights (n,) that sum to 1.


def trimmed_wasserstein(
    points_a: Tensor, weights_a: Tensor, points_b: Tensor, weights_b: Tensor, delta: float, alpha: float
) -> float:
    """The (delta, alpha)-W_inf divergence (Definition 3.2): W_inf after the best removal of a fraction delta of the
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
    candidates = distance.flatten().unique()  # ascending
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        if _transportable(distance <= candidates[middle], supply, demand) >= 1 - 1e-9:
            high = middle
        else:
            low = middle + 1
    return float(candidates[low])


def _transportable(allowed: Tensor, supply: Tensor, demand: Tensor) -> float:
    """Largest mass that flows from supply (n,) to demand (m,) along the allowed pairs (n, m), by linear programming."""
    rows, columns = allowed.nonzero(as_tuple=True)
    if not len(rows):
        return 0.0
    limits = torch.zeros(len(supply) + len(demand), len(rows), dtype=torch.float64)
    limits[rows, torch.arange(len(rows))] = 1
    limits[len(supply) + columns, torch.arange(len(rows))] = 1
    found = linprog(-torch.ones(len(rows)).numpy(), A_ub=limits.numpy(), b_ub=torch.cat([supply, demand]).numpy())
    return -float(found.fun)
