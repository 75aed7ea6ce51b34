"""`modl` and `varnet` as methods of `mrilab recon`, with small untrained networks in the place of checkpoints."""

import pytest
import torch

from mrilab.baselines.modl import MoDL
from mrilab.baselines.recon import modl, varnet
from mrilab.baselines.varnet import VarNet
from mrilab.errors import UserError
from mrilab.physics import Acquisition, SenseModel, equispaced_mask, normalise_maps
from mrilab.physics.sampling import centre_lines
from mrilab.physics.scale import quantile_scale
from mrilab.training import checkpoints
from mrilab.training.checkpoints import save_checkpoint, stored_weights

SHAPE = (40, 36)
METHODS = {"modl": modl, "varnet": varnet}
DEFAULTS = {"modl": "modl-heads", "varnet": "varnet-t2"}


@pytest.fixture
def networks(tmp_path, monkeypatch):
    """Checkpoints of the methods' default names with weights that are not zero."""
    torch.manual_seed(3)
    made = {"modl": MoDL(4, 2, 3), "varnet": VarNet(2, 2, 1)}
    facts = {"data": "none", "seeds": {}, "steps": 0, "minutes": 0, "metrics": {}}
    for name, network in made.items():
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        save_checkpoint(DEFAULTS[name], network.eval(), facts, tmp_path)
        network.load_state_dict(stored_weights(network))
    monkeypatch.setattr(checkpoints.load_checkpoint, "__defaults__", (tmp_path,))
    return made


@pytest.fixture
def problem(generator):
    def draw(mask):
        maps = normalise_maps(torch.randn(3, *SHAPE, dtype=torch.complex64, generator=generator))
        model = SenseModel(maps, mask)
        return 40 * model.forward(torch.randn(*SHAPE, dtype=torch.complex64, generator=generator)), model

    return draw


def test_it_is_the_network_on_data_of_the_trainings_scale(networks, problem):
    y, model = problem(equispaced_mask(SHAPE, 3, acs=8))
    unit = quantile_scale(model.adjoint(y))
    scan = Acquisition(y / unit, model.mask, model.coil_maps, acs=centre_lines(SHAPE[1], 8)[None])
    for name, run in METHODS.items():
        with torch.no_grad():
            expected = unit * networks[name](scan.batch()).image[0]
        made = run(y, model)
        torch.testing.assert_close(made, expected)
        assert not made.is_inference() and not made.requires_grad


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("direction", ["vertical", "horizontal", "points"])
def test_scale_of_the_data_is_that_of_the_image(name, direction, networks, problem):
    points = torch.rand(SHAPE, generator=torch.Generator().manual_seed(0)) < 0.4
    points[18:23, 16:21] = True
    y, model = problem(points if direction == "points" else equispaced_mask(SHAPE, 3, direction, acs=8))
    expected, tiny = METHODS[name](y, model), METHODS[name](2.0**-20 * y, model)
    assert expected.shape == SHAPE and torch.isfinite(torch.view_as_real(expected)).all()
    assert torch.equal(2.0**20 * tiny, expected)  # nothing is rounded


def test_what_cannot_work_is_one_sentence(networks, problem):
    y, model = problem(equispaced_mask(SHAPE, 3, acs=8))
    with pytest.raises(UserError, match="'varnet-t2' is a varnet, not a MoDL"):
        modl(y, model, network="varnet-t2")
    with pytest.raises(UserError, match="no checkpoint 'varnet-x'"):
        varnet(y, model, network="varnet-x")
    with pytest.raises(UserError, match="scale of the data is zero"):
        modl(0 * y, model)
    off_centre = SenseModel(model.coil_maps, ~centre_lines(SHAPE[1], 3)[None])
    with pytest.raises(UserError, match="centre of k-space is not sampled"):
        varnet(y, off_centre)
