"""Losses against loops, the length of a step, gradients against finite differences, and the sign of the push."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from mrilab.csgm.denoiser import Denoiser
from mrilab.csgm.prior import ScorePrior
from mrilab.data import embedded
from mrilab.errors import UserError
from mrilab.physics import SenseModel, equispaced_mask, normalise_maps
from mrilab.physics.noise import complex_noise
from mrilab.sgr import guidance as module
from mrilab.sgr.dds import Chain
from mrilab.sgr.guidance import Guidance, low_loss, mirrored, step_length, up_loss
from mrilab.sgr.volume import indicator, volume

SHAPE = (16, 16)
ABAR = 1 / (1 + 0.4**2)  # sigma 0.4
NO_CAP = 1e30


def randn(*shape, generator):
    return torch.randn(*shape, dtype=torch.complex128, generator=generator)


class Smooth(nn.Module):
    """A small segmentation of magnitudes without corners, in float64: two classes beside the background."""

    def __init__(self, classes=2):
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.first = (0.5 * torch.randn(4, 1, 3, 3, generator=generator, dtype=torch.float64)).requires_grad_(False)
        self.last = torch.randn(1 + classes, 4, 3, 3, generator=generator, dtype=torch.float64).requires_grad_(False)

    def forward(self, x):
        magnitude = (x.abs().square() + 0.01).sqrt()[:, None].double()
        return nn.functional.conv2d(nn.functional.conv2d(magnitude, self.first, padding=1).tanh(), self.last, padding=1)


@pytest.fixture
def chain(awake, generator):
    """A chain with a small random denoiser in float64 and three coils."""
    network = awake(Denoiser(8, 0.3).double(), std=0.08).requires_grad_(False)

    def denoise(x, sigma):
        flat = x.flatten(0, -3)
        return network(flat, torch.full((len(flat),), sigma, dtype=torch.float64)).reshape(x.shape)

    maps = normalise_maps(randn(3, *SHAPE, generator=generator))
    model = SenseModel(maps, equispaced_mask(SHAPE, 2, acs=4))
    adjoint = model.adjoint(model.forward(randn(*SHAPE, generator=generator)))
    return Chain(denoise, adjoint, model, 0.3, iterations=3)


# p has ties for the largest value, also between the class and the background
LOGITS = torch.tensor(
    [[[0.0, 1.0, 1.0, 2.0, -1.0, 3.0], [1.0, 1.0, 0.5, 2.0, -1.0, -3.0], [0.5, -2.0, 1.0, 2.0, 4.0, 1.0]]]
)


def by_loop(logits, c, up, masked):
    """Equations (8) to (12), pixel by pixel: logits (channel, H, W) -> a number."""
    total = 0.0
    for row in range(logits.shape[1]):
        for column in range(logits.shape[2]):
            z = logits[:, row, column].tolist()
            p = [math.exp(a) / sum(math.exp(b) for b in z) for a in z]
            inside = all(z[c] > z[other] for other in range(len(z)) if other != c)
            if up and not (masked and inside):
                total -= math.log(1 - p[c])
            if not up and not (masked and not inside):
                total -= math.log(p[c])
    return total


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("c", [0, 1, 2])
@pytest.mark.parametrize("kind", ["random", "ties"])
def test_losses_are_the_sums_over_pixels(kind, c, masked, generator):
    logits = (
        LOGITS[:, :, None].double() if kind == "ties" else 2 * torch.randn(3, 3, 5, 4, generator=generator).double()
    )
    for up, loss in ((True, up_loss), (False, low_loss)):
        expected = torch.tensor([by_loop(image, c, up, masked) for image in logits], dtype=torch.float64)
        torch.testing.assert_close(loss(logits, c, masked), expected)


def test_a_tie_is_outside_of_the_class():
    ties = LOGITS[:, :, None]  # (1, 3, 1, 6)
    inside = [[False] * 6, [True, False, False, False, False, False], [False, False, False, False, True, False]]
    inside[0][5] = True
    for c in range(3):
        assert indicator(ties, c)[0, 0].tolist() == inside[c]
        assert torch.equal(indicator(ties.softmax(1), c), indicator(ties, c))
        assert volume(ties, c, 0.5).tolist() == [0.5 * sum(inside[c])]
    assert sum(map(sum, inside)) == 3  # the other three pixels are nobody's


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("masked", [True, False])
def test_losses_stay_finite_where_the_network_is_sure(masked, dtype):
    logits = torch.tensor([[1e3, -1e3, 0.0], [-1e3, 1e3, 1e3], [0.0, 0.0, -1e3]], dtype=dtype).mT[None, :, None]
    logits = logits.contiguous().requires_grad_()
    for c in range(3):
        for loss in (up_loss, low_loss):
            value = loss(logits, c, masked)
            (gradient,) = torch.autograd.grad(value.sum(), logits)
            assert torch.isfinite(value).all() and torch.isfinite(gradient).all()
    # log(1 - p) keeps its digits where p rounds to 1: here it is -2000, of which float32's 1 - p knows nothing
    sure = torch.tensor([1e3, -1e3], dtype=dtype)[None, :, None, None]
    assert up_loss(sure, 0, masked=False).item() == low_loss(sure, 1, masked=False).item() == 2000


@pytest.mark.parametrize("loss", [up_loss, low_loss])
def test_an_empty_set_of_pixels_has_no_gradient(loss):
    """All pixels as wished already: nothing to push."""
    logits = torch.tensor([0.0, 5.0, 0.0] if loss is up_loss else [0.0, -5.0, 0.0])[None, :, None, None]
    logits = logits.repeat(2, 1, 3, 4).requires_grad_()
    value = loss(logits, 1)
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    assert value.tolist() == [0, 0] and not gradient.any()


def test_gamma_below_at_and_above_the_cap(generator):
    reference = randn(4, *SHAPE, generator=generator)
    cap = 0.05 * reference.flatten(1).norm(dim=1)  # (4,)
    direction = randn(4, *SHAPE, generator=generator)
    direction = direction / direction.flatten(1).norm(dim=1)[:, None, None]
    length = cap * torch.tensor([0.5, 1 - 1e-12, 20.0, 0.0], dtype=torch.float64)
    gamma = step_length(length[:, None, None] * direction, reference, 0.05)
    assert gamma.shape == (4, 1, 1)
    torch.testing.assert_close(gamma.flatten(), torch.tensor([1, 1, 1 / 20, 1], dtype=torch.float64))
    assert gamma.flatten()[[0, 1, 3]].tolist() == [1, 1, 1]
    moved = (gamma * length[:, None, None] * direction).flatten(1).norm(dim=1)
    torch.testing.assert_close(moved, torch.minimum(length, cap))
    assert not step_length(direction, reference, 0.0).any()
    # exactly at the cap: 3, 4 and 5 are exact
    at = step_length(torch.full((1, 1, 1), 3 + 4j), torch.full((1, 1, 1), 5 + 0j), 1.0)
    assert at.item() == 1


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("data", ["proximal", "cg", "released"])
@pytest.mark.parametrize("through", ["step", "data"])
def test_the_gradient_is_that_of_finite_differences(through, data, masked, chain, generator):
    """Of the loss as a function of x_t; through the data step only, of one whose epsilon stays as it is at x_t."""
    chain = replace(chain, data=data)
    guidance = Guidance(Smooth(), [1, 2], NO_CAP, through=through, masked=masked)
    labels = [(False, 1), (False, 2), (True, 1), (True, 2)]
    x_t = randn(4, *SHAPE, generator=generator)
    gradient, eps, x0 = guidance(chain, x_t, ABAR)
    for made, expected in zip((eps, x0), chain.unguided(x_t, ABAR), strict=True):
        torch.testing.assert_close(made, expected, rtol=1e-9, atol=1e-9)
        assert not made.requires_grad

    def losses(x):  # (4,): of each chain its own
        at = eps if through == "data" else chain.epsilon(x, ABAR)
        logits = guidance.segment(chain.consistent(chain.clean(x, at, ABAR), ABAR))
        parts = [(up_loss if up else low_loss)(logits[n : n + 1], c, masked) for n, (up, c) in enumerate(labels)]
        return torch.cat(parts)

    for _ in range(3):
        direction = randn(4, *SHAPE, generator=generator)
        direction = direction / direction.flatten(1).norm(dim=1)[:, None, None]
        step = 1e-5 * direction
        difference = (losses(x_t + step) - losses(x_t - step)) / 2e-5
        slope = (gradient.conj() * direction).real.sum((-2, -1))
        torch.testing.assert_close(slope, difference, rtol=1e-5, atol=1e-6)
    assert (gradient.flatten(1).norm(dim=1) > 0.1).all()  # all four say something


def test_the_denoiser_is_left_out_through_the_data_step(chain, generator):
    """The two gradients differ, and agree for a denoiser that sees the same epsilon in any image."""
    x_t, noise = randn(2, *SHAPE, generator=generator), randn(*SHAPE, generator=generator)
    step, data = (Guidance(Smooth(), [1], NO_CAP, through=through) for through in ("step", "data"))
    assert (step(chain, x_t, ABAR)[0] - data(chain, x_t, ABAR)[0]).norm() > 0.01 * data(chain, x_t, ABAR)[0].norm()
    same = replace(chain, denoise=lambda x, sigma: x - sigma * noise)
    torch.testing.assert_close(step(same, x_t, ABAR), data(same, x_t, ABAR), rtol=1e-9, atol=1e-9)


def test_the_push_is_at_most_b_times_epsilon(chain, generator):
    x_t = randn(4, *SHAPE, generator=generator)
    free, eps, _ = Guidance(Smooth(), [1, 2], NO_CAP)(chain, x_t, ABAR)
    push, _, _ = Guidance(Smooth(), [1, 2], 0.01)(chain, x_t, ABAR)
    assert (free.flatten(1).norm(dim=1) > 0.01 * eps.flatten(1).norm(dim=1)).all()
    torch.testing.assert_close(push.flatten(1).norm(dim=1), 0.01 * eps.flatten(1).norm(dim=1))
    torch.testing.assert_close(push, step_length(free, eps, 0.01) * free)


def test_relative_to_noise_the_cap_is_the_norm_of_new_noise(chain, generator):
    x_t = randn(2, *SHAPE, generator=generator)
    guidance = Guidance(Smooth(), [1], 1e-3, reference="noise", generator=torch.Generator().manual_seed(3))
    push, eps, _ = guidance(chain, x_t, ABAR)
    noise = complex_noise(x_t.shape, torch.Generator().manual_seed(3)).to(x_t)
    torch.testing.assert_close(push.flatten(1).norm(dim=1), 1e-3 * noise.flatten(1).norm(dim=1))
    assert ((noise - eps).flatten(1).norm(dim=1) > 1).all()


@pytest.mark.parametrize(("band", "acts"), [((0.3, 0.5), True), ((0.0, 0.39), False), ((0.41, 9.0), False)])
def test_outside_of_its_range_nothing_is_pushed(band, acts, chain, generator):
    x_t = randn(2, *SHAPE, generator=generator)

    def segment(x):
        assert acts, "the segmentation is not asked"
        return Smooth()(x)

    push, eps, x0 = Guidance(segment, [1], 0.1, range=band)(chain, x_t, ABAR)
    assert bool(push.any()) is acts
    expected = chain.unguided(x_t, ABAR)
    torch.testing.assert_close((eps, x0), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("through", ["step", "data"])
def test_pieces_change_nothing(through, chain, monkeypatch, generator):
    x_t = randn(12, *SHAPE, generator=generator)  # both bounds of three classes, two of each
    guidance = Guidance(Smooth(3), [3, 1, 2], 0.1, through=through)
    whole = guidance(chain, x_t, ABAR)
    for pixels in (5 * 16 * 16, 1):  # a last piece of two; and less than one image
        monkeypatch.setattr(module, "PIECE", pixels)
        torch.testing.assert_close(guidance(chain, x_t, ABAR), whole, rtol=1e-9, atol=1e-9)


def test_chains_are_low_of_all_classes_then_up_of_all(chain, generator):
    x_t = randn(12, *SHAPE, generator=generator)
    pushes = Guidance(Smooth(3), [3, 1, 2], 0.1)(chain, x_t, ABAR)[0].unflatten(0, (2, 3, 2))
    for k, c in enumerate([3, 1, 2]):
        own = x_t.unflatten(0, (2, 3, 2))[:, k].flatten(0, 1)
        alone = Guidance(Smooth(3), [c], 0.1)(chain, own, ABAR)[0].unflatten(0, (2, 2))
        torch.testing.assert_close(pushes[:, k], alone, rtol=1e-9, atol=1e-9)


def test_slices_of_a_batch_have_each_its_own_cap(chain, generator):
    """Slices of one scan in front of H and W: the push of each is that of the slice alone."""
    x_t = randn(2, 3, *SHAPE, generator=generator)
    adjoint = chain.adjoint + 0.1 * randn(3, *SHAPE, generator=generator)
    together = Guidance(Smooth(), [1], 0.02)(replace(chain, adjoint=adjoint), x_t, ABAR)[0]
    for n in range(3):
        alone = Guidance(Smooth(), [1], 0.02)(replace(chain, adjoint=adjoint[n]), x_t[:, n], ABAR)[0]
        torch.testing.assert_close(together[:, n], alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("through", ["step", "data"])
def test_up_gives_more_and_low_gives_less(through, chain, generator):
    """One guided step by a small segmentation, then the estimate of the next."""
    x_t = randn(1, *SHAPE, generator=generator).repeat(2, 1, 1)
    before = 1 / (1 + 0.2**2)
    for c in (1, 2):
        push, eps, x0 = Guidance(Smooth(), [c], 0.3, through=through, masked=False)(chain, x_t, ABAR)
        eps = torch.cat([eps + push, eps[:1]])
        x = chain.previous(x0[[0, 1, 0]], eps, torch.zeros(()), ABAR, before)
        estimate = chain.unguided(x, before)[1]
        low, up, free = Smooth()(estimate).softmax(1)[:, c].sum((-2, -1)).tolist()
        assert low < free < up


def test_a_gradient_that_is_not_finite_is_one_sentence(chain, generator):
    def segment(x):  # the magnitude's root has no slope at 0
        return torch.stack([(x.abs() * 0).sqrt(), x.abs()], 1)

    with pytest.raises(UserError, match=r"gradient of the guidance is not finite at sigma 0\.4; check scan"):
        Guidance(segment, [1], 0.1)(chain, randn(2, *SHAPE, generator=generator), ABAR)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"b": -0.1}, "must be a finite number, 0 or more, not -0.1"),
        ({"b": float("nan")}, "must be a finite number, 0 or more, not nan"),
        ({"b": float("inf")}, "must be a finite number, 0 or more, not inf"),
        ({"range": (0.5, 0.1)}, "guidance from sigma 0.5 to 0.1 acts nowhere"),
        ({"range": (float("nan"), 0.1)}, "guidance from sigma nan to 0.1 acts nowhere"),
        ({"classes": []}, "give one or more"),
        ({"reference": "noise"}, "give a generator"),
    ],
)
def test_a_guidance_that_cannot_be_is_one_sentence(settings, message):
    with pytest.raises(UserError, match=message):
        Guidance(**{"segment": Smooth(), "classes": [1], "b": 0.1} | settings)


def test_mirrored_is_the_mean_of_four_mirror_images(generator):
    x = randn(2, 5, 7, generator=generator)
    plain = mirrored(Smooth(), generator, noise_std=0.0)(x)
    images = [Smooth()(x.flip(axes)).flip(axes) for axes in ([], [-1], [-2], [-1, -2])]
    torch.testing.assert_close(plain, torch.stack(images).mean(0))
    noisy = mirrored(Smooth(), torch.Generator().manual_seed(1))
    first, second = noisy(x), noisy(x)
    assert (first - second).abs().max() > 1e-3 and (first - plain).abs().max() < 2
    assert torch.equal(mirrored(Smooth(), torch.Generator().manual_seed(1))(x), first)
    seen = []
    mirrored(lambda a: seen.append(a) or a[:, None], generator, noise_std=3.0)(x)
    assert len(seen) == 4 and all((a >= 0).all() and (a == 0).any() for a in seen)
