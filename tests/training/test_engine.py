import copy
import math
import os
import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from training_resume import assert_same_state
from training_toy import Toy, read_log, settings

from mrilab.errors import UserError
from mrilab.paths import ROOT
from mrilab.training.engine import FOLLOWED, LOG, STATE, fit
from mrilab.training.feed import part_generator, prefetch
from mrilab.training.groups import Group
from mrilab.training.log import append_row, start_log
from mrilab.training.settings import Settings
from mrilab.training.state import read_state

STEPS = 12
TOY = str(ROOT / "tests" / "training_toy.py")


def run(task, folder, steps=STEPS, resume=False, **changes):
    return fit(task, settings(steps, **changes), folder, resume=resume, progress=False)


def script(folder, *arguments, processes=None):
    """Train the toy in another process, or in several that torchrun starts on a port of its own choice."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    start = [sys.executable]
    if processes:
        start += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [*start, TOY, str(folder), str(STEPS), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    return folder, run(Toy(), folder)


def assert_same_run(folder, other, atol=1e-6):
    assert_same_state(folder, other, atol)
    rows, others = read_log(folder / LOG), read_log(other / LOG)
    assert [row["step"] for row in rows] == [row["step"] for row in others]
    for row, same in zip(rows, others, strict=True):
        for key in ("learning_rate", "loss", "validation_loss"):
            assert (row[key] == "") == (same[key] == "")
            assert row[key] == "" or float(same[key]) == pytest.approx(float(row[key]), abs=atol)


def test_it_learns_and_leaves_log_state_and_pictures(uninterrupted):
    folder, outcome = uninterrupted
    losses = [float(row["loss"]) for row in read_log(folder / LOG)]
    assert len(losses) == STEPS and losses[-1] < 0.8 * losses[0]
    assert sorted(path.name for path in folder.iterdir()) == [
        LOG, STATE, "validation-0000006.png", "validation-0000012.png"
    ]  # fmt: skip
    assert outcome.step == STEPS and outcome.stopped_by is None and outcome.main and outcome.devices == 1
    assert outcome.validation_loss == float(read_log(folder / LOG)[-1]["validation_loss"])


class Followed(Toy):
    """A task that is followed: it counts how often."""

    followed = ("asked",)
    asked = 0

    def follow(self, network):
        self.asked += 1
        assert not network.training
        return {"asked": float(self.asked)}


def test_a_task_is_followed_at_every_validation_and_once_where_it_is_resumed(tmp_path):
    run(Followed(), tmp_path)
    run(Followed(), tmp_path, resume=True)  # after its end
    rows = read_log(tmp_path / FOLLOWED)
    assert rows == [{"step": "6", "asked": "1.0"}, {"step": "12", "asked": "2.0"}]


def test_killed_and_resumed_equals_uninterrupted(uninterrupted, tmp_path):
    killed = script(tmp_path, "--send", "SIGKILL", "--at", "7")
    assert killed.returncode == -signal.SIGKILL
    assert read_state(tmp_path / STATE)[1]["step"] == 7
    outcome = run(Toy(), tmp_path, resume=True)
    assert outcome.step == STEPS
    assert_same_run(uninterrupted[0], tmp_path)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_asked_to_stop_it_saves_and_resumes_between_two_rows_of_the_log(name, tmp_path):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    run(Toy(), whole, log_every=5)
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    outcome = run(Toy(name, at=7), stopped, log_every=5)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == handlers
    assert outcome.stopped_by == name and outcome.step == 8  # the step in which it came is finished
    assert read_state(stopped / STATE)[1]["step"] == 8
    assert run(Toy(), stopped, resume=True, log_every=5).stopped_by is None
    assert_same_run(whole, stopped)


def test_two_processes_walk_the_same_curve_and_stop_together(uninterrupted, tmp_path):
    stopped = script(tmp_path, "--send", "SIGTERM", "--at", "4", "--rank", "1", processes=2)  # only one is told
    assert stopped.returncode == 0, stopped.stderr
    assert read_state(tmp_path / STATE)[1]["step"] == 5
    resumed = script(tmp_path, "--resume", processes=2)
    assert resumed.returncode == 0, resumed.stderr
    assert_same_run(uninterrupted[0], tmp_path, atol=1e-5)  # sums over the batch in another order, 12 steps on


def test_the_average_follows_its_formula(tmp_path):
    class Recorded(Toy):
        def loss(self, network, batch):
            history.append(copy.deepcopy(self.network.state_dict()))
            return super().loss(network, batch)

    history, task = [], Recorded()
    outcome = run(task, tmp_path, ema=0.5)
    history.append(task.network.state_dict())
    for name, averaged in outcome.network.state_dict().items():
        expected = history[1][name].double()  # the first step is taken as it is
        for n, weights in enumerate(history[2:], start=1):
            decay = min(0.5, (1 + n) / (10 + n))
            expected = decay * expected + (1 - decay) * weights[name]
        torch.testing.assert_close(averaged.double(), expected, atol=1e-6, rtol=0)
    assert not torch.equal(averaged, history[-1][name])


def test_every_step_makes_each_part_once_and_anew(tmp_path):
    class Recorded(Toy):
        def loss(self, network, batch):
            seen.append(batch[0])
            return super().loss(network, batch)

    seen = []
    run(Recorded(), tmp_path)
    images = torch.cat(seen)
    assert len(images) == STEPS * 8 and len(torch.unique(images.flatten(1), dim=0)) == len(images)


def test_gradients_are_clipped(tmp_path):
    """Adam's first moment after one step is 0.1 of a gradient of norm `clip`."""

    class Steep(Toy):
        def loss(self, network, batch):
            return 1e4 * super().loss(network, batch)

    run(Steep(), tmp_path, steps=1, clip=0.5)
    moments = [value for name, value in load_file(tmp_path / STATE).items() if name.endswith("exp_avg")]
    norm = torch.cat([value.flatten() for value in moments]).norm().item()
    assert norm == pytest.approx(0.1 * 0.5, rel=1e-3)


def test_the_rate_rises_and_falls_to_nothing():
    chosen = Settings(100, batch=2, learning_rate=2.0, warmup=10)
    rates = [chosen.rate(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.2) and rates[9] == rates[10] == 2.0
    assert rates[55] == pytest.approx(1.0) and rates[100] == pytest.approx(0.0)
    assert all(later <= earlier for earlier, later in zip(rates[10:], rates[11:], strict=False))


class Clock:
    """Seconds that pass only in the steps of a `Slow` task."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Slow(Toy):
    """A toy whose every step takes as many seconds of `clock` as `seconds` says for it."""

    def __init__(self, clock, seconds, **options):
        super().__init__(**options)
        self.clock, self.seconds = clock, seconds

    def loss(self, network, batch):
        if network.training:
            self.clock.now += self.seconds(self.calls)
        return super().loss(network, batch)


def run_minutes(folder, minutes, seconds=lambda call: 1.0, resume=False, **options):
    clock = Clock()
    task = Slow(clock, seconds, **options)
    chosen = settings(STEPS, warmup=3, minutes=minutes)
    return fit(task, chosen, folder, resume=resume, progress=False, clock=clock)


@pytest.mark.parametrize("seconds", [0.5, 1.0, 4.0])
def test_a_budget_of_minutes_ends_with_a_finished_schedule_on_any_machine(seconds, tmp_path):
    outcome = run_minutes(tmp_path, 1.0, lambda call: seconds)
    assert outcome.step == 60 / seconds and outcome.seconds == 60 and outcome.stopped_by is None
    rows = read_log(tmp_path / LOG)
    rates = [float(row["learning_rate"]) for row in rows]
    chosen = settings(STEPS)
    for n, rate in enumerate(rates):  # the rate of the place that the time used so far has in the schedule
        assert rate == pytest.approx(chosen.rate(n * seconds / 60 * STEPS))
    assert max(rates) == pytest.approx(chosen.learning_rate, rel=0.02) and rates[-1] < 0.02 * chosen.learning_rate
    assert math.isfinite(outcome.validation_loss) and rows[-1]["validation_loss"] == repr(outcome.validation_loss)


def test_a_machine_that_slows_down_ends_in_time_and_with_a_finished_schedule(tmp_path):
    outcome = run_minutes(tmp_path, 1.0, lambda call: 1.0 if call < 30 else 3.0)
    assert outcome.step == 40 and outcome.seconds == 60
    assert float(read_log(tmp_path / LOG)[-1]["learning_rate"]) < 0.02 * settings(STEPS).learning_rate


def test_a_budget_is_resumed_with_the_rest_of_it(tmp_path):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    run_minutes(whole, 1.0)
    outcome = run_minutes(stopped, 1.0, signal_name="SIGTERM", at=24)
    assert outcome.stopped_by == "SIGTERM" and outcome.step == 25 and outcome.seconds == 25
    with pytest.raises(UserError, match="has other settings"):
        run_minutes(stopped, 2.0, resume=True)
    outcome = run_minutes(stopped, 1.0, resume=True)
    assert outcome.step == 60 and outcome.seconds == 60
    assert_same_run(whole, stopped)
    again = run_minutes(stopped, 1.0, resume=True)
    assert again.step == 60 and again.validation_loss == outcome.validation_loss


def test_two_processes_end_a_budget_at_the_same_step(tmp_path):
    done = script(tmp_path, "--minutes", "0.03", processes=2)
    assert done.returncode == 0, done.stderr
    steps, seconds, loss = done.stdout.split()
    assert float(seconds) >= 1.8 and math.isfinite(float(loss))
    assert read_state(tmp_path / STATE)[1]["step"] == int(steps) == int(read_log(tmp_path / LOG)[-1]["step"])


def test_a_finished_run_can_be_resumed_and_says_the_same(uninterrupted):
    folder, outcome = uninterrupted
    again = run(Toy(), folder, resume=True)
    assert again.step == STEPS and again.validation_loss == outcome.validation_loss


def test_mistakes_are_told_in_a_sentence(uninterrupted, tmp_path):
    folder = uninterrupted[0]
    with pytest.raises(UserError, match="holds a run already; add --resume"):
        run(Toy(), folder)
    with pytest.raises(UserError, match="has other settings"):
        run(Toy(), folder, resume=True, learning_rate=2e-2)
    with pytest.raises(UserError, match="nothing to resume"):
        run(Toy(), tmp_path, resume=True)
    with pytest.raises(UserError, match="cannot be shared evenly by 1 processes"):
        run(Toy(), tmp_path, batch=7)
    assert not (tmp_path / STATE).exists()


@pytest.mark.parametrize("damage", ["truncated", "empty", "another file"])
def test_a_damaged_state_is_told_in_a_sentence(damage, uninterrupted, tmp_path):
    content = (uninterrupted[0] / STATE).read_bytes()
    path = tmp_path / STATE
    path.write_bytes({"truncated": content[:-100], "empty": b""}.get(damage, content))
    if damage == "another file":
        save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(UserError, match="damaged or not a training state"):
        run(Toy(), tmp_path, resume=True)


def test_a_gradient_that_is_not_finite_stops_before_it_is_saved(tmp_path):
    class Exploding(Toy):
        def loss(self, network, batch):
            return super().loss(network, batch) * (float("nan") if self.calls == 5 else 1)

    with pytest.raises(UserError, match="not finite at step 5"):
        fit(Exploding(), settings(STEPS), tmp_path, checkpoint_seconds=0, progress=False)
    assert read_state(tmp_path / STATE)[1]["step"] == 4


def test_the_log_is_cut_where_the_run_resumes(tmp_path):
    path = tmp_path / "log.csv"
    start_log(path, 0)
    for step in (1, 2, 3):
        append_row(path, {"step": step, "loss": step / 10})
    with path.open("a") as file:
        file.write("1,1.0,0.0")  # what a kill leaves of a line, whose step reads as another
    start_log(path, 2)
    append_row(path, {"step": 3, "loss": 0.7})
    assert [(row["step"], row["loss"]) for row in read_log(path)] == [("1", "0.1"), ("2", "0.2"), ("3", "0.7")]


def test_batches_come_in_order_and_errors_come_through():
    device = torch.device("cpu")
    batches = list(prefetch(lambda step: (torch.tensor(step),), range(3, 10), device))
    assert [int(batch[0]) for batch in batches] == list(range(3, 10))

    def failing(step):
        if step == 2:
            raise UserError("no data")
        return (torch.tensor(step),)

    seen = []
    with pytest.raises(UserError, match="no data"):
        for (step,) in prefetch(failing, range(5), device):
            seen.append(int(step))
    assert seen == [0, 1]


def test_every_part_of_every_step_has_its_own_randomness():
    drawn = {
        torch.rand(1, generator=part_generator(seed, step, part)).item()
        for seed in range(2) for step in range(20) for part in range(4)
    }  # fmt: skip
    assert len(drawn) == 160
    assert torch.equal(
        torch.rand(5, generator=part_generator(1, 2, 3)), torch.rand(5, generator=part_generator(1, 2, 3))
    )


class Grouped(Toy):
    """The toy whose last layer learns ten times as fast."""

    def groups(self, network):
        return [Group([*network[-1].parameters()], rate=10.0, betas=(0.8, 0.9))]


def test_a_group_of_parameters_has_its_own_rate(tmp_path):
    outcome = run(Grouped(), tmp_path, steps=3)
    rest, own = outcome.optimizer.param_groups
    assert own["lr"] == pytest.approx(10 * rest["lr"]) and own["betas"] == (0.8, 0.9)
    assert sum(len(group["params"]) for group in (rest, own)) == len([*outcome.task.network.parameters()])


def test_groups_are_clipped_alone(tmp_path, monkeypatch):
    calls = []

    def clip(parameters, most):
        calls.append(([*parameters], most))
        return torch.nn.utils.clip_grads_with_norm_(parameters, most, torch.tensor(1.0)) or torch.tensor(1.0)

    monkeypatch.setattr("mrilab.training.engine.nn.utils.clip_grad_norm_", clip)
    task = Grouped()
    run(task, tmp_path, steps=1, clip=0.5)
    (rest, most), (own, same) = calls
    assert most == same == 0.5
    assert {*map(id, own)} == {*map(id, task.network[-1].parameters())} and len(rest) == 4


def test_a_task_with_groups_resumes_as_if_it_had_not_stopped(tmp_path):
    run(Grouped(), tmp_path / "whole", steps=6)
    task = Grouped("SIGTERM", at=2)
    assert run(task, tmp_path / "parts", steps=6).stopped_by == "SIGTERM"
    run(Grouped(), tmp_path / "parts", steps=6, resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
