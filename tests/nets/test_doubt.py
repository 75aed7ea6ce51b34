"""Doubt from the data of a scan: its equation by Monte Carlo, its traces against the matrix."""

import torch

from mrilab.nets.doubt import LEAST, squared_doubt, traces
from mrilab.physics import SenseModel, equispaced_mask


def test_doubt_of_a_scan_is_how_far_the_denoised_image_is_off(problem, generator):
    """Monte Carlo of (11): an image off by white noise, and noisy data of three coils and of one."""
    shape, rho, noise_std = (64, 60), 0.2, 0.1
    for coils in (1, 3):
        _, mask, maps, N = problem(equispaced_mask(shape, 3, acs=8), shape, coils=coils, n=4)
        model = SenseModel(maps, mask)
        off, noise = (2**0.5 * torch.randn(each.shape, dtype=each.dtype, generator=generator) for each in (N, maps))
        # both have variance 1 in each part
        y = model.forward(N + rho * off) + noise_std * noise * mask[..., None, :, :]
        residual = model.adjoint(y) - model.normal(N)
        found = squared_doubt(residual, traces(model), noise_std)
        torch.testing.assert_close(found, torch.full((4, 1, 1), rho**2, dtype=torch.float64), rtol=0.15, atol=0)
        least = squared_doubt(0 * residual, traces(model), noise_std)
        torch.testing.assert_close(least, torch.full_like(found, LEAST * noise_std**2))


def test_traces_are_those_of_the_matrix(problem):
    """One white probe of 4096 values has a deviation of 1.7 % here."""
    shape = (64, 64)
    _, mask, maps, _ = problem(equispaced_mask(shape, 2, acs=6), shape, n=1)
    trace = square = 0.0
    for units in torch.eye(64 * 64, dtype=torch.complex128).unflatten(-1, shape).split(256):
        columns = SenseModel(maps[0], mask).normal(units)
        trace, square = trace + (units * columns).real.sum(), square + columns.abs().square().sum()
    found = torch.stack(traces(SenseModel(maps, mask))).flatten()
    torch.testing.assert_close(found, torch.stack([trace, square]), rtol=0.05, atol=0)
