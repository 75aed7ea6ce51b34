"""The length of a step, gradients against finite differences, and the sign of the push."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from mrilab.anatomy.ellipsoids import shepp_logan
from mrilab.csgm.denoiser import Denoiser
from mrilab.csgm.prior import ScorePrior
from mrilab.errors import UserError
from mrilab.physics import SenseModel, equispaced_mask, normalise_maps, poisson_mask
from mrilab.physics.noise import complex_noise
from mrilab.physics.scale import quantile_scale
from mrilab.sgr import guidance as module
from mrilab.sgr.dds import Chain
from mrilab.sgr.guidance import Guidance, low_loss, step_length, up_loss

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


@pytest.mark.parametrize("through", ["step", "data"])
@pytest.mark.parametrize("sigma", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("masked", [True, False])
def test_bfloat16_gives_nearly_the_gradient_of_float32(masked, sigma, through, generator):
    """The shipped prior on the phantom, noised and seen by three coils at R = 4.

    With the mask a few pixels at the edge of the class change sides, so both sums are over other pixels.
    """
    side = (64, 64)
    image = shepp_logan().image(side).to(torch.complex64)
    image = image / quantile_scale(image)
    model = SenseModel(normalise_maps(complex_noise((3, *side), generator)), poisson_mask(side, 4, generator=generator))
    abar = 1 / (1 + sigma**2)
    x_t = abar**0.5 * image + (1 - abar) ** 0.5 * complex_noise((1, *side), generator)
    gradients = []
    for precision in ("float32", "bfloat16"):
        prior = ScorePrior("score-t2", precision=precision)
        chain = Chain(prior.denoise, model.adjoint(model.forward(image)), model, prior.network.sigma_data)
        guidance = Guidance(Smooth(), [1], NO_CAP, through=through, masked=masked)
        gradients.append(guidance(chain, x_t.repeat(2, 1, 1), abar)[0].flatten(1))  # (2, H W)
    single, half = gradients
    assert not torch.equal(single, half)
    cosine = torch.linalg.vecdot(single, half).real / single.norm(dim=1) / half.norm(dim=1)
    assert (cosine > (0.97 if masked else 0.999)).all()  # measured: 0.987 and 0.9999
    if not masked:
        torch.testing.assert_close(half.norm(dim=1), single.norm(dim=1), rtol=0.01, atol=0)


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
