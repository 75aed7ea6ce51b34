import json

import pytest
import torch
from own_scans import write_scans
from training_toy import read_log
from typer.testing import CliRunner

from mrilab.cli import app
from mrilab.csgm.denoiser import Denoiser
from mrilab.errors import UserError
from mrilab.training.checkpoints import load_checkpoint, save_checkpoint, start_from, stored_weights

SMOKE = ["--profile", "smoke"]


def mrilab(*arguments):
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


def test_it_trains_writes_a_checkpoint_and_resumes(tmp_path):
    done = mrilab("score-t2", *SMOKE, "--out", tmp_path)
    assert done.exit_code == 0 and "20 steps, validation loss" in done.stdout
    network, card = load_checkpoint("score-t2", tmp_path)
    rows = read_log(tmp_path / "log.csv")
    assert card["metrics"]["validation_loss"] == float(rows[-1]["validation_loss"]) and card["steps"] == 20
    x = torch.zeros(1, 20, 27, dtype=torch.complex64)
    assert network(x, torch.tensor([1.0])).shape == x.shape
    losses = [float(row["validation_loss"]) for row in rows if row["validation_loss"]]
    assert len(losses) == 2 and losses[1] < losses[0]

    again = mrilab("score-t2", *SMOKE, "--out", tmp_path)
    assert isinstance(again.exception, UserError) and "add --resume" in str(again.exception)
    assert mrilab("score-t2", *SMOKE, "--out", tmp_path, "--resume").exit_code == 0
    weights = json.loads((tmp_path / "score-t2.json").read_text())["sha256"]
    assert weights == card["sha256"]  # nothing was left to do


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["score-t1"], "nothing to train by the name 'score-t1'; choose one of score-t2, score-heads, modl-t2"),
        (["score-t2", "--profile", "huge"], "no profile 'huge'; choose one of smoke, teach, full"),
        (["varnet-t2", "--profile", "huge"], "no profile 'huge'; choose one of smoke, teach, full"),
        (["score-t2", *SMOKE, "--resume"], "nothing to resume"),
        (["score-t2", *SMOKE, "--steps", 6, "--minutes", 1], "--steps and --minutes exclude each other; give the one"),
        (["score-t2", *SMOKE, "--val", "."], "--val needs --data"),
        (
            ["segment-t2", *SMOKE, "--data", "."],
            "segment-t2 does not learn from scans of your own; leave out --data, or",
        ),
        (["flat-free-single", *SMOKE, "--data", "."], "or train one of score-t2, score-heads, modl-t2"),
        (["score-t2", *SMOKE, "--data", "nowhere"], "nowhere is not a folder; give one with fully sampled scans"),
        (["score-t2", *SMOKE, "--devices", 3], "cannot be shared evenly by 3 processes"),
        (["score-t2", *SMOKE, "--logger", "paper"], "no logger 'paper'; choose one of csv, tensorboard"),
        (["score-t2", *SMOKE, "--precision", "bf8"], "no precision 'bf8'; choose one of auto, 32-true, bf16-mixed"),
    ],
)
def test_mistakes_are_told_in_a_sentence_and_leave_nothing(arguments, sentence, tmp_path):
    done = mrilab(*arguments, "--out", tmp_path / "run")
    assert isinstance(done.exception, UserError) and sentence in str(done.exception)
    assert not (tmp_path / "run").exists()


def test_steps_precision_and_a_start_are_in_the_card(tmp_path):
    first = mrilab("score-t2", *SMOKE, "--steps", 6, "--seed", 3, "--precision", "bf16-mixed", "--out", tmp_path)
    assert first.exit_code == 0 and "6 steps" in first.stdout
    _, card = load_checkpoint("score-t2", tmp_path)
    assert (card["steps"], card["precision"], card["start"]) == (6, "bf16-mixed", None)
    assert list(card["seeds"].values()) == [3]
    again = ["--steps", 6, "--seed", 3, "--precision", "bf16-mixed", "--out", tmp_path, "--resume"]
    assert mrilab("score-t2", *SMOKE, *again).exit_code == 0
    other = mrilab("score-t2", *SMOKE, *again[:-3], "--seed", 4, *again[-3:])
    assert isinstance(other.exception, UserError) and "has other settings" in str(other.exception)


def test_a_budget_of_minutes_ends_in_time_and_is_in_the_card(tmp_path):
    done = mrilab("score-t2", *SMOKE, "--minutes", 0.05, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    _, card = load_checkpoint("score-t2", tmp_path)
    (*_, last) = read_log(tmp_path / "log.csv")
    assert card["steps"] == int(last["step"]) and f"{card['steps']} steps" in done.stdout
    assert card["budget_minutes"] == 0.05 <= card["minutes"] and card["metrics"]["validation_loss"] > 0
    assert float(last["seconds"]) >= 3 and float(last["learning_rate"]) < 1e-4  # of 4e-4
    assert mrilab("score-t2", *SMOKE, "--minutes", 0.05, "--out", tmp_path, "--resume").exit_code == 0
    assert load_checkpoint("score-t2", tmp_path)[1]["steps"] == card["steps"]


def test_an_unrolled_network_trains_and_goes_on_from_a_checkpoint(tmp_path, monkeypatch):
    done = mrilab("modl-t2", *SMOKE, "--out", tmp_path / "first")
    assert done.exit_code == 0 and "20 steps, validation loss" in done.stdout
    _, card = load_checkpoint("modl-t2", tmp_path / "first")
    losses = [float(row["validation_loss"]) for row in read_log(tmp_path / "first/log.csv") if row["validation_loss"]]
    assert card["metrics"]["validation_loss"] == losses[1] < losses[0]
    assert card["network"]["kind"] == "modl" and "heads-t2-test are, but of the split train" in card["data"]

    monkeypatch.setattr(load_checkpoint, "__defaults__", (tmp_path / "first",))
    monkeypatch.setattr(start_from, "__defaults__", (tmp_path / "first",))
    second = ["--start", "modl-t2", "--save-as", "modl-mine", "--out", tmp_path / "second"]
    assert mrilab("modl-t2", *SMOKE, "--steps", 2, *second).exit_code == 0
    _, further = load_checkpoint("modl-mine", tmp_path / "second")
    assert further["start"] == {"checkpoint": "modl-t2", "sha256": card["sha256"]} and len(further["earlier"]) == 1


def test_the_card_of_own_scans_says_what_they_were_and_names_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr("mrilab.data.own.OWN", tmp_path / "cache")
    write_scans(tmp_path / "knees", 9)
    (tmp_path / "knees" / "torn.h5").write_bytes(b"")
    done = mrilab("score-t2", *SMOKE, "--steps", 2, "--data", tmp_path / "knees", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.exception or done.output
    assert "mrilab: note: left out:" in done.stderr and "torn.h5" in done.stderr
    text = (tmp_path / "run" / "score-t2.json").read_text()
    card = json.loads(text)
    expected = "own scans of the folder knees: 8 scans, 8 slices, 32 x 32, 8 coils; held out: every eighth scan"
    assert card["data"] == f"{expected}, 1 scan, 1 slice"
    assert card["task"]["own"]["scans"] == {"train": 8, "val": 1} and card["start"] is None
    assert "patient" not in text and str(tmp_path) not in text and "torn" not in text


def test_a_name_that_is_a_path_is_refused_before_the_training(tmp_path):
    done = mrilab("modl-t2", *SMOKE, "--save-as", "../mine", "--out", tmp_path)
    assert isinstance(done.exception, UserError) and "'../mine' is no name" in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_start_gives_its_weights_or_says_why_not(tmp_path):
    trained, fits, other = Denoiser(8, 0.25), Denoiser(8, 0.2), Denoiser(16, 0.25)
    run = {"name": "first", "data": "none", "profile": "smoke", "seeds": {"all": 3}}
    run |= {"steps": 5, "batch": 4, "minutes": 1}
    before, rest = {"name": "zeroth"}, {"metrics": {}}
    path = save_checkpoint("first", trained, {**run, **rest, "earlier": [before]}, tmp_path)
    card = json.loads(path.read_text())
    origin, earlier = start_from("first", fits, tmp_path)
    assert origin == {"checkpoint": "first", "sha256": card["sha256"]}
    run |= {"sha256": card["sha256"], "commit": card["versions"]["commit"]}
    assert earlier == [before, run], "the card that follows names every run"
    theirs = stored_weights(trained)
    assert all(torch.equal(ours, theirs[name].float()) for name, ours in fits.named_parameters())
    with pytest.raises(UserError, match="'first' do not fit this network"):
        start_from("first", other, tmp_path)
