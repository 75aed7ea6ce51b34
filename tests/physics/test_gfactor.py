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
