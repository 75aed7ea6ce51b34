import copy
import json

import pytest
import torch
from training_toy import read_log

from mrilab import evaluation
from mrilab.baselines.modl import MoDL
from mrilab.baselines.train import TASKS, UnrolledTask
from mrilab.baselines.varnet import VarNet
from mrilab.data.shifts import SHIFTS
from mrilab.errors import UserError
from mrilab.flat.train import TASKS as FLAT_TASKS
from mrilab.infomri.train import TASKS as INFOMRI_TASKS
from mrilab.physics.protocol import Acquisition
from mrilab.sgr.train import TASKS as SGR_TASKS
from mrilab.training import supervised
from mrilab.training.checkpoints import LARGEST, load_checkpoint, save_checkpoint, stored_weights
from mrilab.training.engine import fit
from mrilab.training.feed import part_generator
from mrilab.training.settings import Settings
from mrilab.training.tasks import find_task, tasks

CPU = torch.device("cpu")
FACTS = {"data": "heads", "seeds": {"all": 0}, "steps": 3, "minutes": 0.1, "metrics": {"validation_loss": 1.0}}


@pytest.fixture(scope="module", params=["modl-t2", "varnet-heads"])
def task(request):
    smoke = TASKS[request.param].profiles["smoke"]
    return TASKS[request.param].build(smoke.side, smoke.width)


def test_the_loss_is_one_minus_the_ssim_of_the_evaluation(task):
    scans = Acquisition(*task.part(2, part_generator(0, 1, 0), CPU))
    with torch.no_grad():
        loss = task.loss(task.network, scans).item()
        images = task.network(scans).image
    by_hand = [evaluation.ssim(*pair) for pair in zip(images, scans.reference, strict=True)]
    assert loss == pytest.approx(1 - sum(by_hand) / 2, abs=1e-5) and 0.05 < loss < 0.9


def test_a_part_is_decided_by_its_generator_and_a_tuple_of_tensors(task):
    first, again = (task.part(1, part_generator(0, 1, 2), CPU) for _ in range(2))
    other = task.part(1, part_generator(0, 1, 3), CPU)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    side = task.config["side"]
    assert torch.cat([first[0], other[0]]).shape == (2, 8, side, side), "parts make one batch"


def test_validation_is_fixed_and_of_the_other_split(task):
    with torch.no_grad():
        (loss, picture), (again, _) = task.validate(task.network), task.validate(task.network)
        together = task.loss(task.network, task._fixed).item()
    assert loss == again == pytest.approx(together, abs=1e-5)
    side = task.config["side"]
    assert picture.shape == (3 * side, 4 * side) and 0 <= picture.min() and picture.max() == 1
    trained = Acquisition(*task.part(2, part_generator(0, 0, 0), CPU)).reference  # the same numbers, the other split
    assert (trained - supervised.acquisition(task._fixed).target[:2]).abs().mean() > 0.05


def test_both_accelerations_are_validated(task):
    assert len(torch.unique(supervised.acquisition(task._fixed).mask.sum((1, 2)))) == 2


def run(folder, steps, resume=False, name="modl-t2"):
    settings = Settings(steps, batch=2, learning_rate=2e-3, warmup=2, log_every=2, validate_every=3)
    return fit(TASKS[name].build(32, 4), settings, folder, resume=resume, progress=False)


def test_stopped_and_resumed_equals_uninterrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(supervised, "VALIDATION", 2)
    whole = run(tmp_path / "whole", 6)
    stop_at = {"calls": 0}
    loss = UnrolledTask.loss

    def interrupted(self, network, batch):
        stop_at["calls"] += network.training
        if stop_at["calls"] == 5:
            raise KeyboardInterrupt
        return loss(self, network, batch)

    folder = tmp_path / "stopped"
    monkeypatch.setattr(UnrolledTask, "loss", interrupted)
    settings = Settings(6, batch=2, learning_rate=2e-3, warmup=2, log_every=2, validate_every=3)
    with pytest.raises(KeyboardInterrupt):
        fit(TASKS["modl-t2"].build(32, 4), settings, folder, checkpoint_seconds=0, progress=False)
    monkeypatch.setattr(UnrolledTask, "loss", loss)
    resumed = run(folder, 6, resume=True)
    assert resumed.step == whole.step == 6 and resumed.validation_loss == pytest.approx(whole.validation_loss, abs=1e-6)
    for one, two in zip(whole.network.parameters(), resumed.network.parameters(), strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=0)
    losses = [float(row["loss"]) for row in read_log(folder / "log.csv")]
    assert losses == pytest.approx([float(row["loss"]) for row in read_log(tmp_path / "whole" / "log.csv")], abs=1e-6)


def test_a_checkpoint_brings_the_network_back(task, tmp_path):
    save_checkpoint(task.config["name"], task.network, FACTS, tmp_path)
    loaded, card = load_checkpoint(task.config["name"], tmp_path)
    stored = copy.deepcopy(task.network)
    stored.load_state_dict(stored_weights(task.network))
    assert task.config["name"].startswith(card["network"]["kind"] + "-")
    assert card["network"]["config"] == task.network.config
    scans = Acquisition(*(field[:1] for field in task._fixed))
    with torch.no_grad():
        assert task.loss(loaded, scans) == task.loss(stored, scans)


def test_the_configuration_survives_json(task):
    assert json.loads(json.dumps(task.config)) == task.config  # or no run would ever resume


def test_the_same_seed_gives_the_same_weights_and_leaves_torchs_own_state():
    before = torch.get_rng_state()
    first, again, other = (TASKS["varnet-t2"].build(32, 2, seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    weights = [torch.cat([p.flatten() for p in each.network.parameters()]) for each in (first, again, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_profiles_can_be_shared_by_several_devices_and_fit_a_checkpoint():
    for name, trainable in tasks().items():
        assert set(trainable.profiles) == {"smoke", "teach", "full"}
        for profile in trainable.profiles.values():
            assert profile.settings.batch % profile.settings.parts == 0 and profile.settings.parts % 2 == 0
            if name in TASKS:
                network = (MoDL if name.startswith("modl") else VarNet)(profile.width)
                assert 2 * sum(p.numel() for p in network.parameters()) < LARGEST - 100_000  # the header


def test_every_task_is_found_and_an_unknown_one_told_with_all():
    shifts = [name for name in SHIFTS if name != "none"]
    modl, varnet = (
        [f"modl-{scans}" for scans in ("t2", "heads", "any", *shifts)],
        ["varnet-t2", "varnet-heads", "varnet-any"],
    )
    assert list(tasks()) == ["score-t2", "score-heads", *modl, *varnet, *FLAT_TASKS, *SGR_TASKS, *INFOMRI_TASKS]
    for name in tasks():
        knee = name in SGR_TASKS and "-knee" in name
        small = name.endswith("-single") or (
            name in INFOMRI_TASKS and not name.startswith(("infomri-heads-lines", "infomri-masses"))
        )
        assert find_task(name, "teach")[1].side == (64 if small else 192 if knee else 128)
    pattern = "'varnet'; choose one of score-t2, .* varnet-heads, .* ista-t2, .*-knee-second, .*infomri-denoiser$"
    with pytest.raises(UserError, match=pattern):
        find_task("varnet", "teach")


@pytest.mark.parametrize("name", SHIFTS)
def test_a_shift_can_be_trained_for_at_the_smallest_size(name):
    """MoDL on one scan of each shift: the mask is the shift's, and so are noise, shape and anatomy."""
    task, shift = TASKS["modl-t2" if name == "none" else f"modl-{name}"].build(48, 4), SHIFTS[name]
    scans = Acquisition(*task.part(1, part_generator(0, 1, 0), CPU))
    height, width = task.recipe.shape
    assert (height, width) == ((60, 48) if name == "fine" else (48, 48))
    expected = {"poisson": (1, height, width), "horizontal": (1, height, 1)}.get(name, (1, 1, width))
    assert tuple(scans.mask.shape) == expected
    assert task.recipe.split == "train" and task.recipe.noise_std[0] == 0.01 * shift.noise_factor
    with torch.no_grad():
        assert 0 < float(task.loss(task.network, scans)) < 1


def test_random_lines_are_drawn_anew_for_every_scan():
    masks = TASKS["modl-random"].build(48, 4).part(6, part_generator(0, 1, 0), CPU)[1]
    assert len({tuple(mask.flatten().tolist()) for mask in masks}) > 2
