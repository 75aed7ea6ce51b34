"""Models of every kind: shapes, values, gradients, and training that is stopped and resumed."""

from dataclasses import replace

import pytest
import torch
from training_resume import assert_same_state

from mrilab.csgm.denoiser import Denoiser
from mrilab.errors import UserError
from mrilab.infomri.gradients import noise_to_signal, pattern_gradients
from mrilab.infomri.images import SIZES
from mrilab.infomri.information import GaussianKspace
from mrilab.infomri.measures import MEASURED, independent_redundancy, measured
from mrilab.infomri.model import InfoMRI
from mrilab.infomri.models import MODELS, Model, find_model
from mrilab.infomri.scans import Examples, OneCoil
from mrilab.infomri.train import SMOKE, TASKS, ImageTask
from mrilab.infomri.unet import UnetPosterior
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.fourier import fft2c, ifft2c
from mrilab.training.checkpoints import load_checkpoint, save_checkpoint
from mrilab.training.engine import fit

SIDE, WIDTH, POOL = 32, 4, 8
ONE_OF_A_KIND = (
    "points", "points-rescale", "points-mse", "points-variable-density", "points-closed-form", "points-spectrum",
    "points-loupe-12.5", "points-sequential", "points-phase", "lines", "lines-policy", "lines-sequential",
    "lines-equispaced", "unrolled", "unrolled-plug", "unrolled-puert-10", "coils-lines", "heads-lines",
)  # fmt: skip


@pytest.fixture(autouse=True)
def pools(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.getbasetemp() / "pools"
    monkeypatch.setattr("mrilab.data.pool.POOLS", folder)
    monkeypatch.setitem(SIZES, "test", 4)
    monkeypatch.setitem(SIZES, "train", 64)


def lender(name):
    if MODELS[name].start == "denoiser":
        return Denoiser(8, 0.25)
    return None if MODELS[name].start is None else ImageTask(MODELS[name].start, SIDE, WIDTH, POOL).network


def task(name, **changes):
    side = 96 if name == "heads-lines" else SIDE  # whose centre needs more lines
    return ImageTask(name, side, WIDTH, POOL, lender=lender(name), **changes)


@pytest.mark.parametrize("name", ONE_OF_A_KIND)
def test_every_kind_of_model_trains_and_is_measured(name, tmp_path):
    made = task(name)
    x, full, maps, count, _ = made.part(4, torch.Generator().manual_seed(0), torch.device("cpu"))
    assert len(x) == len(full) == len(maps) == len(count) == 4
    outcome = fit(made, replace(SMOKE.settings, steps=2, precision="bf16-mixed"), tmp_path, progress=False)
    network = outcome.network
    assert isinstance(network, InfoMRI) and torch.isfinite(torch.tensor(outcome.validation_loss))
    ratio = made.model.tested[-1]
    values = measured(network, ratio, made.source.fixed("val", 2))
    positions = network.sampling.unit[0] * network.sampling.unit[1]
    assert set(values) == set(MEASURED) and values["samples"] == round(ratio * positions)
    assert values["psnr_drawn"] > 5


@pytest.mark.parametrize("name", ["points", "unrolled-puert-10"])
def test_a_stopped_training_resumes_as_if_it_had_not_stopped(name, tmp_path, monkeypatch):
    settings = replace(SMOKE.settings, steps=6, log_every=1, validate_every=3)
    fit(task(name), settings, tmp_path / "whole", progress=False)
    stopped = task(name)
    loss, calls = stopped.loss, []

    def stop(network, batch):
        calls.append(0)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return loss(network, batch)

    stopped.loss = stop
    with pytest.raises(KeyboardInterrupt):
        fit(stopped, settings, tmp_path / "parts", checkpoint_seconds=0, progress=False)
    fit(task(name), settings, tmp_path / "parts", resume=True, progress=False)
    assert_same_state(tmp_path / "whole", tmp_path / "parts")


def test_the_pattern_and_the_reconstruction_have_groups_of_their_own():
    made = task("points")
    (group,) = made.groups(made.network)
    assert {*map(id, group.parameters)} == {*map(id, made.network.sampling.parameters())}


@pytest.mark.parametrize("name", ["points", "lines", "unrolled", "points-sequential"])
def test_the_gradient_reaches_the_pattern(name):
    made = task(name)
    made.network.train()
    batch = made.part(4, torch.Generator().manual_seed(0), torch.device("cpu"))
    made.loss(made.network, batch).backward()
    slopes = [parameter.grad for parameter in made.network.sampling.parameters()]
    assert all(slope is not None and slope.isfinite().all() for slope in slopes)
    assert any(slope.abs().max() > 0 for slope in slopes)


def test_what_is_lent_stays_as_it_is(tmp_path):
    lent = lender("lines-policy")
    made = ImageTask("lines-policy", SIDE, WIDTH, POOL, lender=lent)
    before = {key: value.clone() for key, value in made.network.reconstruction.state_dict().items()}
    policy = {key: value.clone() for key, value in made.network.sampling.state_dict().items()}
    fit(made, replace(SMOKE.settings, steps=2), tmp_path, progress=False)
    assert all(torch.equal(value, before[key]) for key, value in made.network.reconstruction.state_dict().items())
    assert any(not torch.equal(value, policy[key]) for key, value in made.network.sampling.state_dict().items())


def test_one_coil_that_sees_all_alike_is_no_coil(generator):
    x = torch.rand(2, 1, SIDE, SIDE, generator=generator)
    full = fft2c(x.to(torch.complex64))
    mask = (torch.rand(2, SIDE, SIDE, generator=generator) < 0.3).float()
    model = SenseModel(torch.ones(1, SIDE, SIDE, dtype=torch.complex64), mask)
    torch.testing.assert_close(model.adjoint(full), ifft2c(mask * full[:, 0]))


def test_an_untrained_u_net_of_zeros_returns_the_zero_filled_image(generator):
    net = UnetPosterior(1, WIDTH)
    for parameter in net.unet.final_conv.parameters():
        torch.nn.init.zeros_(parameter)
    x, full, maps = OneCoil(SIDE, POOL).fixed("val", 2)
    model = SenseModel(maps, torch.ones(1, 1))
    posterior = net(full, model)
    torch.testing.assert_close(posterior.mean[:, 0], model.adjoint(full).real)
    torch.testing.assert_close(posterior.variance, torch.ones_like(posterior.variance), atol=1e-5, rtol=0)


def test_checkpoints_keep_pattern_and_reconstruction(tmp_path):
    network = task("points").network.eval()
    facts = {"data": "none", "seeds": {}, "steps": 0, "minutes": 0.0, "metrics": {}}
    save_checkpoint("infomri-x", network, facts, tmp_path)
    again, card = load_checkpoint("infomri-x", tmp_path)
    assert card["network"]["kind"] == "infomri"
    r = torch.tensor([0.2])
    torch.testing.assert_close(again.sampling.pattern(r), network.sampling.pattern(r), atol=5e-3, rtol=0)


def test_everything_can_be_trained_by_name():
    assert {f"infomri-{name}" for name in MODELS} < set(TASKS) and "infomri-denoiser" in TASKS
    with pytest.raises(UserError, match="there is no model 'spiral'"):
        find_model("spiral")
    with pytest.raises(UserError, match="unknown part"):
        InfoMRI({"by": "guess"}, {"by": "unet", "parts": 1}, (0.1, 0.2))
    with pytest.raises(UserError, match="there is no checkpoint 'infomri-lines-random'"):
        ImageTask("lines-policy", SIDE, WIDTH, POOL)


def test_all_models_of_a_table_have_the_same_reconstruction():
    points = [model for name, model in MODELS.items() if name.startswith("points") and name != "points-phase"]
    assert len({str(model.backbone) for model in points}) == 1
    assert {model.steps for model in points} == {4_000, 16_000}


def test_gradients_and_their_noise():
    made = task("points")
    gradients = pattern_gradients(made.network, made.source, "mse", 0.25, 4, batch=2)
    assert gradients.shape[0] == 4 and gradients.isfinite().all()
    again = pattern_gradients(made.network, made.source, "mse", 0.25, 4, batch=2)
    torch.testing.assert_close(gradients, again)
    known = torch.tensor([[3.0, 0.0], [5.0, 0.0], [4.0, 1.0], [4.0, -1.0]])
    # variances 2/3 each, mean (4, 0)
    assert noise_to_signal(known) == pytest.approx((4 / 3) / (16 - 1 / 3))


def test_the_control_of_redundancy_is_that_of_independent_draws(generator):
    p = torch.rand(16, 16, generator=generator) * 0.5
    even = (p + torch.roll(p.flip((0, 1)), (1, 1), (0, 1))) / 2
    masks = torch.rand(20_000, 16, 16, generator=generator) < even
    both = masks & torch.roll(masks.flip((1, 2)), (1, 1), (1, 2))
    own = torch.zeros(16, 16, dtype=torch.bool)
    own[::8, ::8] = True
    found = both[:, ~own].sum() / masks[:, ~own].sum()
    assert independent_redundancy(p) == pytest.approx(float(found), abs=2e-3)


def test_examples_are_images_with_their_noisy_kspace():
    x, full, maps = OneCoil(SIDE, POOL).fixed("test", 3)
    assert isinstance(OneCoil(SIDE, POOL).fixed("test", 3), Examples) and maps.shape == (1, SIDE, SIDE)
    noise = torch.view_as_real(full[:, 0] - fft2c(x[:, 0].to(torch.complex64)))
    assert float(noise.std()) == pytest.approx(0.01, rel=0.05)
    with_phase = OneCoil(SIDE, POOL, phase=0.5).fixed("test", 3)
    torch.testing.assert_close(torch.linalg.vector_norm(with_phase.x, dim=1), x[:, 0])


def test_the_closed_form_orders_by_information():
    made = task("points-closed-form")
    images = OneCoil(SIDE, POOL).fixed("val").x[:, 0]
    image = GaussianKspace.of_images(images, 0.01)
    masks = made.network.sampling(torch.tensor([100]), None).mask
    random = torch.zeros(1024).index_fill(0, torch.randperm(1024)[:100], 1.0).reshape(1, SIDE, SIDE)
    assert image.information(masks) > image.information(random)


def test_a_model_can_be_described_by_itself():
    assert ImageTask(Model(loss="mse"), SIDE, WIDTH, POOL).config["loss"] == "mse"
