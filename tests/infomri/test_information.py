"""The closed form against covariance matrices, Monte Carlo and exhaustive search."""

import math
from itertools import combinations

import pytest
import torch

from mrilab.infomri.information import GaussianKspace
from mrilab.physics.fourier import fft2c
from mrilab.physics.pairs import own_partner, partners

SIGMA = 0.3


def gaussian(shape, generator, equal=False):
    """Variances of k-space of a real stationary image: partners share them, and own partners have no imaginary part."""
    real, imaginary = (torch.rand(shape, generator=generator, dtype=torch.float64) * 3 for _ in range(2))
    imaginary = real if equal else imaginary
    real, imaginary = ((each + partners(each)) / 2 for each in (real, imaginary))
    return GaussianKspace(real, imaginary.masked_fill(own_partner(shape), 0), SIGMA**2)


def covariance(image):
    """Covariance of (Re k, Im k), flat, of a real image with these variances."""
    n = image.real.numel()
    partner = partners(torch.arange(n).reshape(image.shape)).flatten()
    cov = torch.zeros(2 * n, 2 * n, dtype=torch.float64)
    for i, j in enumerate(partner.tolist()):
        for part, (s, sign) in enumerate(((image.real, 1.0), (image.imaginary, -1.0))):
            value = s.flatten()[i]
            cov[part * n + i, part * n + i] = value
            if i != j:
                cov[part * n + i, part * n + j] = sign * value
    return cov


def by_determinant(image, mask):
    """I(X; Y) of a mask and the error that is left, from the whole covariance."""
    chosen = torch.nonzero(torch.cat([mask.flatten(), mask.flatten()])).flatten()
    cov = covariance(image)
    y = cov[chosen][:, chosen] + SIGMA**2 * torch.eye(len(chosen), dtype=torch.float64)
    left = cov - cov[:, chosen] @ torch.linalg.solve(y, cov[chosen])
    information = (torch.logdet(y) - len(chosen) * math.log(SIGMA**2)) / 2
    return float(information), float(left.diagonal().sum())


@pytest.mark.parametrize("shape", [(4, 4), (4, 5), (5, 3)])
@pytest.mark.parametrize("unit", ["points", "lines", "rows"])
def test_information_and_error_are_those_of_the_covariance(shape, unit, generator):
    image = gaussian(shape, generator)
    sizes = {"points": shape, "lines": (1, shape[1]), "rows": (shape[0], 1)}[unit]
    for _ in range(8):
        mask = torch.rand(sizes, generator=generator) < 0.5
        information, error = by_determinant(image, mask.expand(shape))
        assert float(image.information(mask)) == pytest.approx(information, abs=1e-9)
        assert float(image.error(mask)) == pytest.approx(error, abs=1e-9)


@pytest.mark.parametrize(
    ("shape", "unit"), [((4, 4), (4, 4)), ((3, 5), (3, 5)), ((6, 12), (1, 12)), ((12, 4), (12, 1))]
)
@pytest.mark.parametrize("count", [1, 3, 4])
def test_sorting_finds_what_exhaustive_search_finds(shape, unit, count, generator):
    image = gaussian(shape, generator)
    masks = []
    for chosen in combinations(range(math.prod(unit)), count):
        mask = torch.zeros(math.prod(unit), dtype=torch.bool)
        mask[list(chosen)] = True
        masks.append(mask.reshape(unit))
    best = image.information(torch.stack(masks)).max()
    assert float(image.information(image.best_mask(count, unit))) == pytest.approx(float(best), abs=1e-9)


def test_the_least_error_chooses_the_same_points(generator):
    image = gaussian((4, 4), generator, equal=True)
    masks = [torch.zeros(16, dtype=torch.bool).index_fill(0, torch.tensor(c), True) for c in combinations(range(16), 4)]
    own = torch.nonzero(own_partner((4, 4)).flatten()).flatten()
    masks = torch.stack([mask for mask in masks if not mask[own].any()]).reshape(-1, 4, 4)
    # of partners, either will do
    assert float(image.information(masks)[image.error(masks).argmin()]) == pytest.approx(
        float(image.information(masks).max())
    )


def test_entropies_against_monte_carlo(generator):
    s_real, s_imaginary, sigma, n = 1.3, 0.7, 0.2, 400_000
    normal = torch.randn(6, n, generator=generator, dtype=torch.float64)
    k = torch.stack([s_real * normal[0], s_imaginary * normal[1]])
    y = torch.cat([k + sigma * normal[2:4], torch.stack([k[0], -k[1]]) + sigma * normal[4:6]])  # (4, n)
    cov = torch.cov(y)
    entropy = float((torch.logdet(cov) + 4 * math.log(2 * math.pi * math.e)) / 2)
    real = torch.full((1, 3), s_real**2, dtype=torch.float64)
    imaginary = torch.tensor([[s_imaginary**2, 0.0, s_imaginary**2]], dtype=torch.float64)
    image = GaussianKspace(real, imaginary, sigma**2)
    both, one = torch.tensor([[True, False, True]]), torch.tensor([[True, False, False]])
    assert float(image.entropy(both)) == pytest.approx(entropy, abs=0.01)
    single = float((torch.logdet(torch.cov(y[:2])) + 2 * math.log(2 * math.pi * math.e)) / 2)
    assert float(image.entropy(one)) == pytest.approx(single, abs=0.01)
    # (37): the same as sums of g over samples
    noise = sigma**2
    g_a = math.log(2 * math.pi * math.e) + math.log(noise) / 2
    g_a += math.log(2 * s_real**2 + noise) / 4 + math.log(2 * s_imaginary**2 + noise) / 4
    assert float(image.entropy(both)) == pytest.approx(2 * g_a, abs=1e-9)
    gain = float(image.information(both) - image.information(one))
    assert 0 < gain < math.log(2)


def test_probabilities_give_the_expectation(generator):
    image = gaussian((4, 4), generator)
    p = torch.rand(4, 4, generator=generator, dtype=torch.float64)
    masks = torch.rand(200_000, 4, 4, generator=generator, dtype=torch.float64) < p
    found = image.information(masks)
    assert float(image.information(p)) == pytest.approx(float(found.mean()), abs=5 * float(found.std()) / 200_000**0.5)


def test_variances_come_from_images(generator):
    images = torch.randn(64, 6, 8, generator=generator)
    image = GaussianKspace.of_images(images, SIGMA)
    kspace = fft2c(images.to(torch.complex64))
    expected = kspace.real.double().var(0)
    torch.testing.assert_close(image.real, (expected + partners(expected)) / 2, rtol=1e-4, atol=1e-4)
    assert (image.imaginary[own_partner((6, 8))] == 0).all() and image.noise == SIGMA**2


def test_barber_agakov_bounds_are_tight_for_the_true_posterior_alone(generator):
    """(6): I >= H(X) + E log q(x | y), with equality for q = p; a linear-Gaussian model."""
    image = gaussian((1, 4), generator)
    cov = covariance(image)
    keep = torch.nonzero(cov.diagonal() > 0).flatten()
    basis = torch.linalg.eigh(cov[keep][:, keep])
    rank = basis.eigenvalues > 1e-9
    a = basis.eigenvectors[:, rank] * basis.eigenvalues[rank].sqrt()  # X = white (d), K = a X
    mask = torch.tensor([[True, True, False, False]])
    rows = torch.cat([mask.flatten(), mask.flatten()])[keep]
    A = a[rows]
    d = A.shape[1]
    posterior = torch.linalg.inv(torch.eye(d, dtype=torch.float64) + A.T @ A / SIGMA**2)
    h_x = d * math.log(2 * math.pi * math.e) / 2
    information, _ = by_determinant(image, mask)

    def bound(q_cov, shift):
        # E (x - mu)^T q^-1 (x - mu) = tr(q^-1 posterior) + shift^2 tr(q^-1)
        q = torch.linalg.inv(q_cov)
        quadratic = torch.trace(q @ posterior) + shift**2 * torch.trace(q)
        return h_x - float(quadratic + torch.logdet(2 * math.pi * q_cov)) / 2

    assert bound(posterior, 0.0) == pytest.approx(information, abs=1e-9)
    assert bound(1.3 * posterior, 0.0) < information and bound(posterior, 0.1) < information
    assert bound(torch.diag(posterior.diagonal()), 0.0) <= information + 1e-12
