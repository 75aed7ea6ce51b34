"""Scans with masses, as several coils see them, and the model that learns from them."""

import pytest
import torch

from mrilab.data.recipes import Recipe
from mrilab.infomri.tasks.scans import MassScans
from mrilab.infomri.tasks.stages import find_stage
from mrilab.infomri.tasks.train import task_of
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.fourier import mirror
from mrilab.physics.scale import quantile_scale

SIDE, COILS = 64, 4


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr("mrilab.data.pool.POOLS", tmp_path_factory.mktemp("pools"))
    recipe = Recipe("randomised", "train", 0, shape=(SIDE, SIDE), n_coils=(COILS, COILS), noise_std=(0.003, 0.01))
    yield MassScans(recipe, pool=4, shares=(0.0, 1.0, 0.0))
    patch.undo()


def test_images_are_those_that_the_coils_saw_and_masses_are_in_them(source):
    cases = source.fixed("train")
    assert cases.x.shape == (4, 1, SIDE, SIDE) and cases.full.shape == cases.maps.shape == (4, COILS, SIDE, SIDE)
    everything = torch.ones(4, SIDE, SIDE)
    seen = SenseModel(cases.maps, everything).adjoint(cases.full).abs()  # (n, H, W)
    assert (seen - cases.x[:, 0]).square().mean().sqrt() < 0.02
    torch.testing.assert_close(quantile_scale(cases.x[:, 0]).flatten(), torch.ones(4))
    assert cases.outlines.any((-2, -1)).float().mean() > 0.5
    assert (cases.x[:, 0][cases.outlines.any(1)] > 0).all()
    assert all(torch.equal(a, b) for a, b in zip(cases, source.fixed("train"), strict=True))


def test_a_training_scan_is_mirrored_as_a_whole(source):
    cases, drawn = source.fixed("train"), source.train(12, torch.Generator().manual_seed(1))
    mirrored = 0
    for n in range(12):
        own = [each[n] for each in drawn]
        plain = [i for i in range(4) if torch.equal(own[0], cases.x[i])]
        other = [i for i in range(4) if torch.equal(own[0], mirror(cases.x[i], (-1,)))]
        (i,) = plain or other
        for part, of in zip(own, cases, strict=True):
            assert torch.equal(part, of[i] if plain else mirror(of[i], (-1,)))
        mirrored += bool(other)
    assert 0 < mirrored < 12


def test_units_of_a_scan_do_not_matter(source):
    task = task_of(find_stage("scans-start"), side=SIDE, width=8, source=source)
    cases = source.fixed("val", 2)
    count, network = torch.full((2,), 20), task.network.eval()
    assert not any(each.requires_grad for each in network.sampling.parameters())
    plain = network(cases.full, cases.maps, count, None)
    scaled = network(1000 * cases.full, cases.maps, count, None)
    torch.testing.assert_close(scaled.prior.mean, plain.prior.mean, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(scaled.image.mean / 1000, plain.image.mean, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(scaled.image.variance / 1e6, plain.image.variance, atol=1e-3, rtol=1e-2)
    assert plain.sampled.mask.sum((-2, -1)).tolist() == [20, 20]
