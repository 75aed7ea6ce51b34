"""`flat` and `ista` as methods of `mrilab recon`, with small untrained networks in the place of checkpoints."""

import pytest
import torch

from mrilab.baselines.istanet import ISTANet
from mrilab.baselines.recon import ista
from mrilab.errors import UserError
from mrilab.flat.network import FLAT
from mrilab.flat.recon import flat
from mrilab.physics import Acquisition, SenseModel, equispaced_mask, mirror, normalise_maps
from mrilab.physics.scale import quantile_scale
from mrilab.training import checkpoints
from mrilab.training.checkpoints import save_checkpoint, stored_weights

SHAPE = (40, 36)
FACTS = {"data": "none", "seeds": {}, "steps": 0, "minutes": 0, "metrics": {}}


@pytest.fixture
def networks(tmp_path, monkeypatch):
    """Checkpoints of these names with weights that are not zero."""
    torch.manual_seed(3)
    made = {
        "plain": FLAT(4, 3, iterations=2),
        "shared": FLAT(4, 3, shared=True),
        "noisy": FLAT(4, 3, shared=True, s=0.2),
        "phases": ISTANet(4, 3),
    }
    for name, network in made.items():
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        save_checkpoint(name, network.eval(), FACTS, tmp_path)
        network.load_state_dict(stored_weights(network))
    monkeypatch.setattr(checkpoints.load_checkpoint, "__defaults__", (tmp_path,))
    return made


@pytest.fixture
def problem(generator):
    maps = normalise_maps(torch.randn(3, *SHAPE, dtype=torch.complex64, generator=generator))
    model = SenseModel(maps, equispaced_mask(SHAPE, 3, acs=8))
    return 40 * model.forward(torch.randn(*SHAPE, dtype=torch.complex64, generator=generator)), model


def run(method, y, model, **options):
    return method(y, model, generator=torch.Generator().manual_seed(5), progress=iter, **options)


@pytest.mark.parametrize("name, steps", [("plain", None), ("shared", None), ("shared", 7)])
def test_it_is_the_network_on_data_of_the_trainings_scale(name, steps, networks, problem):
    y, model = problem
    unit = quantile_scale(model.adjoint(y))
    options = {} if steps is None else {"steps": steps}
    with torch.no_grad():
        states = networks[name](Acquisition(y / unit, model.mask, model.coil_maps).batch(), **options).states
    made = run(flat, y, model, network=name, **options)
    torch.testing.assert_close(made.image, unit * states[-1, 0])
    assert made.uncertainty is None and not made.image.is_inference()


def test_ista_is_the_network_on_data_of_the_trainings_scale(networks, problem):
    y, model = problem
    unit = quantile_scale(model.adjoint(y))
    with torch.no_grad():
        expected = unit * networks["phases"](Acquisition(y / unit, model.mask, model.coil_maps).batch()).image[0]
    torch.testing.assert_close(ista(y, model, network="phases"), expected)


def test_samples_start_from_noise_of_their_own_and_the_seed_decides(networks, problem):
    y, model = problem
    made, again = (run(flat, y, model, network="noisy", samples=3) for _ in range(2))
    assert made.samples.shape == (3, *SHAPE) and torch.equal(made.samples, again.samples)
    assert (made.samples[0] - made.samples[1]).abs().mean() > 1e-3 * made.samples.abs().mean()
    torch.testing.assert_close(made.image, made.samples.mean(0))
    torch.testing.assert_close(made.uncertainty, made.samples.abs().std(0))


def test_mirrored_is_the_mean_over_mirror_images_turned_back(networks, problem):
    y, model = problem
    made = run(flat, y, model, network="plain", mirrored=True)
    expected = 0
    for dims in ((), (-2,), (-1,), (-2, -1)):
        turned = SenseModel(mirror(model.coil_maps, dims), mirror(model.mask, dims))
        expected = expected + mirror(run(flat, mirror(y, dims), turned, network="plain").image, dims) / 4
    torch.testing.assert_close(made.image, expected)
    assert (made.image - run(flat, y, model, network="plain").image).norm() > 1e-3 * made.image.norm()
    assert made.uncertainty is None and made.samples is None


def test_what_cannot_work_is_one_sentence(networks, problem):
    y, model = problem
    with pytest.raises(UserError, match="'plain' starts from the zero-filled image and has one answer"):
        run(flat, y, model, network="plain", samples=2)
    with pytest.raises(UserError, match="'noisy' starts from noise, and its draws are not to be averaged"):
        run(flat, y, model, network="noisy", mirrored=True)
    with pytest.raises(UserError, match="samples must be 1 or more"):
        run(flat, y, model, network="noisy", samples=0)
    with pytest.raises(UserError, match="its 3 cascades and cannot take 5 steps"):
        run(flat, y, model, network="plain", steps=5)
    with pytest.raises(UserError, match="'phases' is a ista, not a FLAT"):
        run(flat, y, model, network="phases")
    with pytest.raises(UserError, match="'plain' is a flat, not a ISTANet"):
        ista(y, model, network="plain")
    with pytest.raises(UserError, match="scale of the data is zero"):
        run(flat, 0 * y, model, network="plain")
