import pytest
import torch

from mrilab.errors import UserError
from mrilab.evaluation import psnr
from mrilab.flat.losses import LOSSES
from mrilab.flat.train import CONTROLS, NOISE_STD, TASKS, single_coil
from mrilab.physics import SenseModel, ifft2c
from mrilab.physics.protocol import Acquisition
from mrilab.training.checkpoints import load_checkpoint, save_checkpoint, stored_weights
from mrilab.training.engine import fit
from mrilab.training.feed import part_generator
from mrilab.training.losses import composite
from mrilab.training.settings import Settings
from mrilab.training.tasks import find_task, tasks

CPU = torch.device("cpu")
FACTS = {"data": "heads", "seeds": {"all": 0}, "steps": 3, "minutes": 0.1, "metrics": {"validation_loss": 1.0}}


def small(name, seed=0):
    if name == "ista-t2":
        return TASKS[name].build(48, 8, seed)
    return TASKS[name].build(48, 8, seed, cascades=3)


def test_every_task_is_known_to_the_command_with_its_profiles():
    for name, trainable in TASKS.items():
        assert tasks()[name] is trainable and set(trainable.profiles) == {"smoke", "teach", "full"}
    assert {f"flat-{control}-{scans}" for control in CONTROLS for scans in ("single", "t2", "heads")} <= set(TASKS)
    with pytest.raises(UserError, match="nothing to train by the name 'flat-mine-t2'"):
        find_task("flat-mine-t2", "teach")


def test_one_coil_gives_noisy_data_in_the_unit_of_the_zero_filled_image(generator):
    scans = single_coil(6, 64, generator, "train")
    zero_filled = ifft2c(scans.kspace[:, 0])
    assert torch.allclose(torch.quantile(zero_filled.abs().flatten(1), 0.99, dim=1), torch.ones(6))
    assert len(torch.unique(scans.mask.sum(-1))) == 2  # both accelerations
    model = SenseModel(scans.coil_maps, scans.mask)
    measured = model.forward(scans.reference)
    torch.testing.assert_close(measured, scans.kspace, rtol=1e-3, atol=1e-4)
    corner = scans.reference[:, :3, :3].abs()
    assert NOISE_STD < float(corner.mean()) < 5 * NOISE_STD  # of the noisy image, outside the head
    clean = single_coil(6, 64, part_generator(0, 1, 0), "val").reference
    assert (clean - scans.reference).abs().mean() > 0.05


@pytest.mark.parametrize(
    "name", ["flat-free-single", "flat-paper-single", "flat-sampler-single", "flat-derived-t2", "ista-t2"]
)
def test_a_few_steps_of_training_lower_the_loss_and_the_checkpoint_remembers(name, tmp_path):
    task = small(name)
    seen = task._fixed
    before = task.loss(task.network, seen).item()
    settings = Settings(20, batch=2, learning_rate=3e-3, warmup=2, log_every=5, validate_every=20, ema=0.5)
    outcome = fit(task, settings, tmp_path / "run", progress=False)
    with torch.no_grad():
        assert task.loss(outcome.network, seen).item() < before
    save_checkpoint("mine", outcome.network, FACTS, tmp_path)
    loaded, _ = load_checkpoint("mine", tmp_path)
    with torch.no_grad():
        assert task.validate(outcome.network)[0] == pytest.approx(outcome.validation_loss, rel=1e-5)
        outcome.network.load_state_dict(stored_weights(outcome.network))
        assert task.validate(loaded)[0] == task.validate(outcome.network)[0]


def test_rho_is_measured_while_training():
    task = small("flat-derived-single")
    before = task.network.rho.clone()
    for step in range(3):
        task.loss(task.network, task.part(2, part_generator(0, step, 0), CPU))
    assert not torch.equal(task.network.rho, before)


def test_validation_is_the_composite_loss_for_all_controls():
    losses = set()
    for name in ("flat-final-single", "flat-deep-single", "flat-free-single"):
        task = small(name, seed=1)
        *fields, _ = task._fixed
        scans = Acquisition(*fields)
        with torch.no_grad():
            states = task.network(scans).states
            expected = composite(states, scans.reference).item()
            loss, picture = task.validate(task.network)
        assert loss == pytest.approx(expected, rel=1e-4)
        assert picture.shape == (3 * 48, 4 * 48)
        losses.add(round(loss, 4))
    assert len(losses) == 1  # the same network, data and measure


def test_one_example_can_be_learnt_by_heart():
    """Overfitting: the derived rule, trained on one scan alone."""
    torch.manual_seed(0)
    task = TASKS["flat-derived-single"].build(48, 16, 0, cascades=4)
    batch = task.part(1, part_generator(0, 3, 0), CPU)
    optimizer = torch.optim.Adam(task.network.parameters(), lr=3e-3)
    for _ in range(150):
        optimizer.zero_grad()
        task.loss(task.network, batch).backward()
        torch.nn.utils.clip_grad_norm_(task.network.parameters(), 1.0)
        optimizer.step()
    scan = Acquisition(*batch[:-1])
    with torch.no_grad():
        states = task.network(scan).states
    first, last = (psnr(states[k, 0], scan.reference[0]) for k in (0, -1))
    assert last > first + 8


def test_every_control_names_a_loss():
    assert {control.loss for control in CONTROLS.values()} == set(LOSSES)
