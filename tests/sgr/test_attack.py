import pytest
import torch
from torch import nn

from mrilab.physics import SenseModel, normalise_maps, random_mask
from mrilab.sgr.attack import attack, data_change, null_space
from mrilab.sgr.volume import volume


@pytest.fixture
def segment(awake):
    """A small random network, images (n, H, W) -> logits (n, 3, H, W)."""
    layers = awake(nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.Tanh(), nn.Conv2d(8, 3, 5, padding=2)).double())
    layers.requires_grad_(False)
    return lambda x: layers(x.abs()[:, None])


@pytest.fixture
def images(generator):
    return torch.randn(3, 24, 20, dtype=torch.complex128, generator=generator)


def one_coil(generator):
    phase = torch.polar(torch.ones(1, 24, 20).double(), torch.rand(1, 24, 20, generator=generator).double() * 6)
    return SenseModel(phase, random_mask((24, 20), 4, generator=generator))


def test_attacks_move_the_volume_both_ways_by_exactly_the_norm(segment, images):
    norm = torch.tensor([0.5, 2.0, 5.0]).double()
    before = volume(segment(images), 1)
    raised, lowered = (attack(images, segment, 1, up, norm) for up in (True, False))
    for delta in (raised, lowered):
        assert torch.allclose(torch.linalg.vector_norm(delta, dim=(-2, -1)), norm, rtol=1e-12)
        assert not delta.requires_grad
    assert (volume(segment(images + raised), 1) > before).all()
    assert (volume(segment(images + lowered), 1) < before).all()


def test_an_attack_does_more_than_noise_and_than_its_own_first_step(segment, images, generator):
    norm = torch.full((3,), 3.0).double()
    before = volume(segment(images), 1)
    one, ten = (volume(segment(images + attack(images, segment, 1, True, norm, steps=n)), 1) for n in (1, 10))
    noise = torch.randn(images.shape, dtype=images.dtype, generator=generator)
    noise = 3 * noise / torch.linalg.vector_norm(noise, dim=(-2, -1), keepdim=True)
    assert (one - before > (volume(segment(images + noise), 1) - before).abs()).all()
    assert ten.sum() > one.sum()


def test_the_first_step_goes_along_the_gradient_by_finite_differences(segment, images):
    delta = attack(images[:1], segment, 1, True, torch.tensor([1e-3]).double(), steps=1)

    def loss(x):
        p = segment(x).softmax(1)[:, 1]
        outside = segment(images[:1]).argmax(1) != 1  # the mask of (12), of the image itself
        return float(-(torch.log1p(-p) * outside).sum())

    row, column, h = 7, 9, 1e-6
    slopes = []
    for direction in (1, 1j):
        step = torch.zeros_like(images[:1])
        step[0, row, column] = h * direction
        slopes.append((loss(images[:1] + step) - loss(images[:1] - step)) / (2 * h))
    found = torch.view_as_real(delta)[0, row, column]
    slope = torch.tensor(slopes).double()
    assert torch.allclose(found / found.norm(), slope / slope.norm(), atol=1e-5)


def test_each_image_is_attacked_alone(segment, images):
    norm = torch.tensor([0.5, 2.0, 5.0]).double()
    together = attack(images, segment, 2, False, norm)
    alone = torch.cat([attack(images[n : n + 1], segment, 2, False, norm[n : n + 1]) for n in range(3)])
    assert torch.allclose(together, alone, atol=1e-12)


def test_where_no_pixel_is_left_there_is_no_attack(images):
    def never(x):
        logits = torch.zeros(len(x), 2, *x.shape[1:]).double() + 0 * x.abs()[:, None]
        return logits + torch.tensor([5.0, 0.0]).double()[:, None, None]

    norm = torch.ones(3).double()
    assert (attack(images, never, 1, False, norm) == 0).all()
    assert (attack(images, lambda x: never(x) * x.abs()[:, None], 1, True, 0 * norm) == 0).all()


def test_with_one_coil_an_attack_in_the_null_space_leaves_the_data(segment, images, generator):
    model = one_coil(generator)
    norm = torch.linalg.vector_norm(images, dim=(-2, -1)) * 0.1
    before = volume(segment(images), 1)
    delta = attack(images, segment, 1, True, norm, lambda v: null_space(model, v))
    assert torch.allclose(torch.linalg.vector_norm(delta, dim=(-2, -1)), norm, rtol=1e-12)
    assert (data_change(model, images, delta) < 1e-4).all()
    assert (data_change(model, images, attack(images, segment, 1, True, norm)) > 1e-2).all()
    assert (volume(segment(images + delta), 1) > before).all()


def test_the_null_space_is_that_of_the_pseudoinverse(images, generator):
    model = one_coil(generator)
    kept = null_space(model, images, weight=0)
    assert torch.allclose(kept, images - model.normal(images), atol=1e-12)  # one coil: A^+ = A^H
    assert torch.allclose(null_space(model, kept, weight=0), kept, atol=1e-12)


def test_many_coils_see_more_so_that_the_null_space_is_a_matter_of_degree(generator):
    maps = normalise_maps(torch.randn(3, 8, 6, dtype=torch.complex128, generator=generator))
    model = SenseModel(maps, random_mask((8, 6), 3, acs=1, generator=generator))
    v = torch.randn(8, 6, dtype=torch.complex128, generator=generator)
    basis = torch.eye(48, dtype=torch.complex128).reshape(48, 8, 6)
    normal = torch.stack([model.normal(e).flatten() for e in basis], 1)  # (48, 48)
    expected = torch.linalg.solve(normal + 0.01 * torch.eye(48), 0.01 * v.flatten()).reshape(8, 6)
    assert torch.allclose(null_space(model, v, weight=0.01, iterations=200), expected, atol=1e-9)
    # each component is scaled by w / (lambda + w), so what the data see of it is at most sqrt(w) / 2
    assert torch.linalg.vector_norm(model.forward(expected)) <= 0.01**0.5 / 2 * torch.linalg.vector_norm(v)
    exact = v.flatten() - torch.linalg.pinv(normal, rtol=1e-10, hermitian=True) @ (normal @ v.flatten())
    assert torch.allclose(null_space(model, v, weight=0, iterations=300).flatten(), exact, atol=1e-6)


def test_the_change_of_data_is_relative_to_the_images_own(images, generator):
    model = one_coil(generator)
    assert torch.allclose(data_change(model, images, 0.25 * images), torch.full((3,), 0.25).double())
