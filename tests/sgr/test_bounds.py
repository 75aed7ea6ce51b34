"""Both bounds of a volume: their order, their noise, their range; and repeated reconstruction against a loop."""

from dataclasses import replace

import pytest
import torch

from mrilab.csgm.denoiser import Denoiser
from mrilab.errors import UserError
from mrilab.physics import SenseModel, equispaced_mask, normalise_maps
from mrilab.sgr import guidance as pieces
from mrilab.sgr.bounds import guided_bounds, repeated
from mrilab.sgr.dds import Chain, run_chain, time_grid
from mrilab.sgr.guidance import Guidance
from mrilab.sgr.volume import volume

SHAPE, GRID = (12, 16), time_grid("geometric", 6, 1.2, 0.01, 20.0)
LEVELS = torch.tensor([0.0, 0.4, 0.8, 1.2])[:, None, None]  # brightness of background and three classes


def segment(x):
    """The class of the next level: (n, H, W) -> logits (n, 4, H, W)."""
    return -10 * (x.abs()[:, None] - LEVELS).square()


@pytest.fixture
def chain(generator):
    maps = normalise_maps(torch.randn(2, *SHAPE, dtype=torch.complex64, generator=generator))
    model = SenseModel(maps, equispaced_mask(SHAPE, 4, acs=2))
    image = torch.randn(*SHAPE, dtype=torch.complex64, generator=generator)
    adjoint = model.adjoint(model.forward(image))
    return Chain(lambda x, sigma: 0.25 / (0.25 + sigma**2) * x, adjoint, model, 0.5)


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def soft(images, c):
    """Sum of the class's probability, (...,)."""
    return segment(images.flatten(0, -3)).softmax(1)[:, c].sum((-2, -1)).unflatten(0, images.shape[:-2])


@pytest.mark.parametrize("count", [1, 3])
def test_without_strength_the_paired_bounds_are_the_same_image(count, awake, chain):
    """To the last bit, with a network, and of 10 or 30 chains, which no piece divides evenly."""
    network = awake(Denoiser(8, 0.3), std=0.08)

    def denoise(x, sigma):
        flat = x.flatten(0, -3)
        parts = [network(part, torch.full((len(part),), sigma)) for part in flat.split(4)]
        return torch.cat(parts).reshape(x.shape)

    chain = replace(chain, denoise=denoise)
    made = guided_bounds(chain, GRID, Guidance(segment, [1, 2, 3, 1, 2], 0.0), seeded(), count=count)
    assert made.shape == (2, 5, count, *SHAPE)
    assert torch.equal(made, made[:1, :1].expand_as(made))
    assert torch.equal(made[0, 0], run_chain(chain, GRID, count, seeded()))
    made *= 2  # no memory is shared


def test_without_pairs_each_chain_has_its_own_noise(chain):
    made = guided_bounds(chain, GRID, Guidance(segment, [1, 2], 0.0), seeded(), paired=False).flatten(0, 2)
    assert torch.equal(made, run_chain(chain, GRID, 4, seeded()))
    for n in range(4):
        for k in range(n):
            assert (made[n] - made[k]).abs().max() > 0.1


@pytest.mark.parametrize("paired", [True, False])
def test_low_and_up_of_each_class_in_their_place(paired, chain):
    guidance = Guidance(segment, [3, 1, 2], 0.3)
    made = guided_bounds(chain, GRID, guidance, seeded(), count=8, paired=paired)
    assert made.shape == (2, 3, 8, *SHAPE)
    free = run_chain(chain, GRID, 8, seeded())
    for k, c in enumerate([3, 1, 2]):
        low, up = soft(made[0, k], c).mean(), soft(made[1, k], c).mean()
        assert low < soft(free, c).mean() < up
        assert volume(segment(made[0, k]), c).sum() < volume(segment(made[1, k]), c).sum()
    if paired:
        alone = guided_bounds(chain, GRID, replace(guidance, classes=[1]), seeded(), count=8)
        torch.testing.assert_close(made[:, 1], alone[:, 0], rtol=1e-4, atol=1e-4)


def test_pieces_change_nothing(chain, monkeypatch):
    guidance = Guidance(segment, [1, 2, 3], 0.1)
    whole = guided_bounds(chain, GRID, guidance, seeded(), count=2)
    monkeypatch.setattr(pieces, "PIECE", 5 * 12 * 16)
    torch.testing.assert_close(guided_bounds(chain, GRID, guidance, seeded(), count=2), whole, rtol=1e-3, atol=1e-3)


def test_the_gap_grows_with_the_strength(chain):
    gaps = []
    for b in (0.01, 0.03, 0.1, 0.3):
        low, up = soft(guided_bounds(chain, GRID, Guidance(segment, [1], b), seeded(), count=4), 1)
        gaps.append(float((up - low).mean()))
    assert 0 < gaps[0] < gaps[1] < gaps[2] < gaps[3]


def test_a_range_that_holds_some_steps_guides_in_those(chain):
    sigmas = ((1 - GRID) / GRID).sqrt().tolist()
    asked = []

    def counted(x):
        asked.append(len(x))
        return segment(x)

    band = (sigmas[3], sigmas[1])  # both ends belong to it
    guided_bounds(chain, GRID, Guidance(counted, [1], 0.1, range=(0.999 * band[0], 1.001 * band[1])), seeded())
    assert asked == [2, 2, 2]


@pytest.mark.parametrize("band", [(1.3, 5.0), (0.0, 0.009), (0.5, 0.51), (0.0, 0.012)])
def test_a_range_without_a_step_is_one_sentence(band, chain):
    """The last of them holds only the last step, which is never guided."""
    with pytest.raises(UserError, match=r"acts in no step; they go from 1\.2 to 0\.0261"):
        guided_bounds(chain, GRID, Guidance(segment, [1], 0.1, range=band), seeded())


def test_bounds_of_the_slices_of_a_scan(chain, generator):
    """The adjoint may have slices in front: (2, classes, count, slices, H, W), each pushed on its own."""
    adjoint = torch.stack([chain.adjoint, 0.5 * chain.adjoint, 0 * chain.adjoint])
    made = guided_bounds(replace(chain, adjoint=adjoint), GRID, Guidance(segment, [1, 2], 0.1), generator, count=2)
    assert made.shape == (2, 2, 2, 3, *SHAPE)
    for k, c in enumerate([1, 2]):
        assert (soft(made[1, k], c) > soft(made[0, k], c)).all()  # (count, slices)


@pytest.mark.parametrize("per", ["slice", "slab"])
def test_repeated_reconstruction_against_a_loop(per, generator):
    samples = 0.8 * torch.randn(5, 3, 6, 7, dtype=torch.complex64, generator=generator)
    made = repeated(samples, segment, [2, 1], per)
    assert made.shape == (2, 2, 3)
    for k, c in enumerate([2, 1]):
        volumes = [
            [
                sum(segment(image[None])[0, :, h, w].argmax() == c for h in range(6) for w in range(7))
                for image in sample
            ]
            for sample in samples
        ]
        for n in range(3):
            key = [sum(sample) if per == "slab" else sample[n] for sample in volumes]
            low, up = made[:, k, n].tolist()
            assert key[low] == min(key) and key[up] == max(key)
    if per == "slab":
        assert (made == made[..., :1]).all()
    else:
        assert not (made == made[..., :1]).all()  # slices choose apart
