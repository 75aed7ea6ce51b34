"""A checkpoint as a score: pieces, shapes, precision and what is refused."""

import pytest
import torch

from mrilab import machine
from mrilab.csgm import prior as score_prior
from mrilab.csgm.denoiser import Denoiser
from mrilab.csgm.prior import ScorePrior
from mrilab.errors import UserError
from mrilab.physics.noise import complex_noise
from mrilab.training import checkpoints
from mrilab.training.checkpoints import save_checkpoint, stored_weights


@pytest.fixture
def own_checkpoint(tmp_path, monkeypatch):
    """A small untrained denoiser by the name "tiny", with weights that are not zero."""
    torch.manual_seed(3)
    network = Denoiser(8, 0.25)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    facts = {"data": "none", "seeds": {}, "steps": 0, "minutes": 0, "metrics": {}}
    save_checkpoint("tiny", network, facts | {"task": {"sigma_min": 0.01, "sigma_max": 9.0}}, tmp_path)
    monkeypatch.setattr(checkpoints.load_checkpoint, "__defaults__", (tmp_path,))
    network.load_state_dict(stored_weights(network))
    return network.eval()


def images(*shape, generator):
    return complex_noise(shape, generator)


def test_it_is_the_networks_score_for_any_batch(own_checkpoint, generator):
    prior = ScorePrior("tiny", precision="float32")
    x = images(2, 3, 20, 24, generator=generator)
    with torch.no_grad():
        expected = own_checkpoint.score(x.flatten(0, 1), torch.full((6,), 0.4)).unflatten(0, (2, 3))
    torch.testing.assert_close(prior(x, 0.4), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(prior.denoise(x, 0.4), x + 0.16 * prior(x, 0.4), rtol=1e-4, atol=1e-5)
    assert (prior.sigma_min, prior.sigma_max) == (0.01, 9.0)


def test_pieces_change_nothing(own_checkpoint, monkeypatch, generator):
    prior, x = ScorePrior("tiny", precision="float32"), images(5, 16, 16, generator=generator)
    whole = prior(x, 0.7)
    monkeypatch.setattr(score_prior, "PIXELS", 2 * 16 * 16)
    torch.testing.assert_close(prior(x, 0.7), whole, rtol=1e-4, atol=1e-5)
    monkeypatch.setattr(score_prior, "PIXELS", 1)  # less than one image
    torch.testing.assert_close(prior(x, 0.7), whole, rtol=1e-4, atol=1e-5)


def test_bfloat16_is_close_and_follows_the_device(own_checkpoint, monkeypatch, generator):
    x = images(2, 16, 16, generator=generator)
    exact, lower = (ScorePrior("tiny", precision=p).denoise(x, 0.3) for p in ("float32", "bfloat16"))
    assert lower.dtype == torch.complex64
    assert 0 < (lower - exact).norm() / exact.norm() < 0.02
    for fast in (True, False):
        monkeypatch.setattr(machine, "multiplies_bfloat16", lambda device, fast=fast: fast)
        assert ScorePrior("tiny").lower is fast


def test_an_unknown_prior_is_told_with_those_that_there_are(own_checkpoint):
    with pytest.raises(UserError, match="no checkpoint 'score-t3' .* choose one of tiny"):
        ScorePrior("score-t3")
