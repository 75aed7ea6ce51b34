import numpy as np
import pytest
import torch

from mrilab.anatomy.arrays import random_array
from mrilab.errors import UserError
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.fourier import ifft2c
from mrilab.physics.gfactor import aliased_groups, from_groups, g_factor, pseudo_replica, sense_unfold
from mrilab.physics.noise import complex_noise


def every_rth(shape, acceleration, direction):
    n = shape[1] if direction == "vertical" else shape[0]
    lines = (torch.arange(n) - n // 2) % acceleration == 0
    return lines[None] if direction == "vertical" else lines[:, None]


@pytest.mark.parametrize("direction", ["vertical", "horizontal"])
def test_groups_are_pixels_n_over_r_apart_and_come_back(direction, generator):
    x = torch.randn(3, 12, 18, generator=generator)
    groups = aliased_groups(x, 3, direction)
    if direction == "vertical":
        assert torch.equal(groups[1, 5, 2], x[1, 5, [2, 8, 14]])
    else:
        assert torch.equal(groups[1, 5, 2], x[1, [2, 6, 10], 5])
    assert torch.equal(from_groups(groups, direction), x)


@pytest.mark.parametrize(("acceleration", "direction"), [(1, "vertical"), (2, "vertical"), (3, "horizontal")])
@pytest.mark.parametrize("shape", [(24, 36), (27, 30)])
def test_unfolding_returns_the_image(acceleration, direction, shape, generator):
    maps = random_array(8, generator).maps(shape)
    x = complex_noise(shape, generator)
    y = SenseModel(maps, every_rth(shape, acceleration, direction)).forward(x)
    unfolded = sense_unfold(ifft2c(y), maps, acceleration, direction)
    assert torch.linalg.vector_norm(unfolded - x) < 2e-4 * torch.linalg.vector_norm(x)


@pytest.mark.parametrize(("acceleration", "direction"), [(2, "horizontal"), (3, "vertical"), (4, "vertical")])
def test_closed_form_agrees_with_monte_carlo(acceleration, direction, generator):
    shape = (24, 48)
    maps = random_array(8, generator).sensitivities(shape)
    mask = every_rth(shape, acceleration, direction)
    noise = pseudo_replica(
        lambda y: sense_unfold(ifft2c(y * mask), maps, acceleration, direction), maps.shape, 0.1, 400, generator
    )
    full = 0.1 / maps.abs().square().sum(0).sqrt()
    ratio = noise / (full * acceleration**0.5) / g_factor(maps, acceleration, direction)
    assert float(ratio.mean()) == pytest.approx(1, abs=0.01)
    assert float(ratio.std()) < 1.5 / (4 * 400) ** 0.5  # the scatter of 400 replicas, and no more


@pytest.mark.parametrize("direction", ["vertical", "horizontal"])
def test_with_a_support_only_its_pixels_are_unknowns(direction, generator):
    shape, acceleration = (8, 24), 4
    maps = random_array(5, generator).sensitivities(shape)
    support = torch.rand(shape, generator=generator) < 0.6
    support[:, 3] = False  # groups with few unknowns, and with none
    aliased = ifft2c(SenseModel(maps, every_rth(shape, acceleration, direction)).forward(complex_noise(shape)))
    unfolded = sense_unfold(aliased, maps, acceleration, direction, support)
    g = g_factor(maps, acceleration, direction, support)
    for row, column in ((0, 0), (3, 5), (5, 3), (7, 1)):  # one pixel of a group each, against numpy
        size = shape[1] if direction == "vertical" else shape[0]
        places = [k * size // acceleration + (column if direction == "vertical" else row) % (size // acceleration)
                  for k in range(acceleration)]  # fmt: skip
        pick = (row, places) if direction == "vertical" else (places, column)
        inside = support[pick].numpy()
        s, a = maps[:, *pick].numpy()[:, inside], aliased[:, *pick].numpy()[:, 0]
        expected = acceleration * np.linalg.lstsq(s, a, rcond=None)[0]
        assert np.allclose(unfolded[pick].numpy()[inside], expected, rtol=1e-3, atol=1e-3)
        assert not unfolded[pick].numpy()[~inside].any() and not g[pick].numpy()[~inside].any()
        inverse, gram = np.linalg.inv(s.conj().T @ s), s.conj().T @ s
        assert np.allclose(g[pick].numpy()[inside], np.sqrt((inverse.diagonal() * gram.diagonal()).real), rtol=1e-3)


def test_a_support_lowers_the_g_factor_and_the_noise(generator):
    shape, mask = (32, 32), every_rth((32, 32), 4, "vertical")
    maps = random_array(8, generator).maps(shape)
    support = torch.zeros(shape, dtype=torch.bool)
    support[6:26, 5:27] = True
    without, within = g_factor(maps, 4), g_factor(maps, 4, support=support)
    assert (within[support] <= without[support] * 1.0001).all()
    assert float(within[support].mean()) < 0.8 * float(without[support].mean())
    noise = pseudo_replica(
        lambda y: sense_unfold(ifft2c(y * mask), maps, 4, support=support), maps.shape, 0.1, 400, generator
    )
    ratio = noise[support] / (0.1 * 4**0.5) / within[support]
    assert float(ratio.mean()) == pytest.approx(1, abs=0.01)
    assert not noise[~support].any()


def test_no_acceleration_and_orthogonal_coils_cost_nothing(generator):
    assert torch.allclose(g_factor(random_array(4, generator).maps((8, 8)), 1), torch.ones(8, 8))
    halves = torch.zeros(2, 4, 8, dtype=torch.complex64)
    halves[0, :, :4] = halves[1, :, 4:] = 1  # two coils that never see the same pixel
    assert torch.allclose(g_factor(halves, 2), torch.ones(4, 8))


def test_a_factor_that_does_not_divide_is_refused(generator):
    with pytest.raises(UserError, match="choose a divisor of 10"):
        g_factor(random_array(4, generator).maps((8, 10)), 3)
    with pytest.raises(UserError, match="unknown direction"):
        aliased_groups(torch.zeros(8, 8), 2, "diagonal")
