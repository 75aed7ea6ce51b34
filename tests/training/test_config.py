"""A TOML file with the options and settings of a training."""

import json
import re

import pytest
from typer.testing import CliRunner

from mrilab.cli import app
from mrilab.errors import UserError
from mrilab.training.log import check_logger

SMOKE = ["score-t2", "--profile", "smoke"]


def mrilab(*arguments):
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


def write(folder, text):
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_options_and_settings_come_from_a_file_and_the_command_line_wins(tmp_path):
    text = 'steps = 9\nseed = 5\nsave-as = "mine"\nbatch = 2\nlearning_rate = 1e-3\nwarmup = 0\nema = 0.5\n'
    done = mrilab(*SMOKE, "--config", write(tmp_path, text), "--steps", 3, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.exception or done.output
    card = json.loads((tmp_path / "run" / "mine.json").read_text())
    assert (card["steps"], card["batch"], [*card["seeds"].values()]) == (3, 2, [5])
    asked = {"learning_rate": 1e-3, "warmup": 0, "ema": 0.5, "clip": 1.0}
    assert {key: card["settings"][key] for key in asked} == asked
    minutes = mrilab(*SMOKE, "--config", write(tmp_path, "steps = 9"), "--minutes", 0.01, "--out", tmp_path / "other")
    assert minutes.exit_code == 0, minutes.exception or minutes.output


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rate = 3", "has the unknown key 'rate'; known are batch, clip, data, devices, ema, images, learning_rate"),
        ("steps = 1.5", "steps in .* takes a whole number, not 1.5"),
        ("steps = true", "steps in .* takes a whole number, not True"),
        ('batch = "4"', "batch in .* takes a whole number, not '4'"),
        ("start = 3", "start in .* takes a text, not 3"),
        ("batch = 0", "batch in .* must be above 0"),
        ("ema = 1.0", "ema in .* must be from 0 to below 1"),
        ("steps = ", "cannot read .*mine.toml"),
    ],
)
def test_a_file_that_cannot_be_meant_is_told_in_a_sentence(text, sentence, tmp_path):
    done = mrilab(*SMOKE, "--config", write(tmp_path, text), "--out", tmp_path / "run")
    assert isinstance(done.exception, UserError) and re.search(sentence, str(done.exception)), done.exception
    assert not (tmp_path / "run").exists()


def test_another_logger_is_told_in_a_sentence(monkeypatch):
    with pytest.raises(UserError, match="no logger 'wandb'; choose one of csv, tensorboard"):
        check_logger("wandb")
    monkeypatch.setattr("mrilab.training.log.find_spec", lambda _: None)
    with pytest.raises(UserError, match="python -m pip install tensorboard"):
        check_logger("tensorboard")


@pytest.mark.filterwarnings("default")  # of the package's own dependencies
def test_tensorboard_gets_the_rows_of_the_log(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from training_toy import Toy, read_log, settings

    from mrilab.training.engine import LOG, fit

    fit(Toy(), settings(6), tmp_path, progress=False, logger="tensorboard")
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    rows = read_log(tmp_path / LOG)
    assert [event.step for event in events.Scalars("loss")] == [int(row["step"]) for row in rows]
    for event, row in zip(events.Scalars("loss"), rows, strict=True):
        assert event.value == pytest.approx(float(row["loss"]), rel=1e-6)
