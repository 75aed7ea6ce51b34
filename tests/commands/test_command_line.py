"""What all commands have in common: version, completion, examples, names, JSON."""

import json

import pytest
import torch
import typer
from typer._completion_classes import BashComplete
from typer.testing import CliRunner

import mrilab
from mrilab.cli import app
from mrilab.data.recipes import RECIPES
from mrilab.errors import UserError
from mrilab.evaluation.experiments import experiment_names
from mrilab.machine import device_name, find_device
from mrilab.methods.registry import available_methods
from mrilab.training.checkpoints import checkpoint_names
from mrilab.training.tasks import tasks


def run(*arguments):
    done = CliRunner().invoke(app, [*map(str, arguments)], prog_name="mrilab")
    assert done.exit_code == 0, done.output
    return done.stdout


def complete(line):
    """What a shell is offered for the last word of a line; the others are complete."""
    *words, incomplete = line.split(" ")[1:]
    completion = BashComplete(typer.main.get_command(app), {}, "mrilab", "_MRILAB_COMPLETE")
    return [each.value for each in completion.get_completions(words, incomplete)]


def test_the_version_is_that_of_the_package():
    assert run("--version") == f"mrilab {mrilab.__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_asks_this_command(shell, monkeypatch):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")  # then the option takes a name
    assert f"_MRILAB_COMPLETE=complete_{shell}" in run("--show-completion", shell)


def test_a_shell_is_offered_commands_methods_and_their_options():
    assert complete("mrilab seg") == ["segment"]
    assert complete("mrilab recon c") == ["cg-sense", "convdecoder"]
    assert complete("mrilab recon cg-sense --it") == ["--iterations"]
    assert complete("mrilab recon SCAN.h5 --cycle") == ["--cycle-spinning"]  # of the method without a name
    assert complete("mrilab recon cg-sens --it") == []


@pytest.mark.parametrize("command", [("recon",), ("recon", "flat"), ("train",), ("course",), ("data",)])
def test_the_help_has_examples(command):
    text = run(*command, "--help")
    assert f"mrilab {command[0]}" in text.partition("Example")[2]


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("methods", lambda: available_methods()),
        ("networks", lambda: {*tasks(), *checkpoint_names()}),
        ("data", lambda: RECIPES),
        ("experiments", experiment_names),
    ],
)
def test_names_are_listed_with_a_description_each(what, names):
    listed = json.loads(run("list", what, "--json"))
    assert set(listed) == set(names()) and all(listed.values())
    lines = run("list", what).splitlines()
    assert [line.split()[0] for line in lines] == list(listed)
    assert all(said.strip() in line for line, said in zip(lines, listed.values(), strict=True))


def test_older_commands_list_the_same():
    assert run("data", "list") == run("list", "data")
    assert run("experiment", "--list") == run("list", "experiments")


def test_networks_say_whether_they_are_trained():
    listed = json.loads(run("list", "networks", "--json"))
    assert listed["score-t2"].startswith("denoiser, trained on clinical T2-weighted")
    untrained = next(name for name in tasks() if name not in checkpoint_names())
    assert listed[untrained].startswith(f"to be trained with `mrilab train {untrained}`: ")


def test_check_data_and_train_print_json(tmp_path):
    done = CliRunner().invoke(app, ["check", "--json"])
    found = json.loads(done.stdout)
    assert found["ok"] is (done.exit_code == 0)
    assert {each["what"] for each in found["findings"]} >= {"python", "packages", "device", "embedded data"}
    assert all(each["ok"] == (not each["mend"]) for each in found["findings"])
    name = "ellipses-test"
    sheet = json.loads(run("data", "sheet", name, "--folder", tmp_path, "--json"))
    assert list(sheet) == [name] and (tmp_path / f"{name}.png").exists()
    trained = json.loads(run("train", "score-t2", "--profile", "smoke", "--steps", 2, "--out", tmp_path, "--json"))
    assert trained["stopped_by"] is None and trained["card"]["steps"] == 2
    assert json.loads((tmp_path / "score-t2.json").read_text()) == trained["card"]
    assert trained["weights"] == str(tmp_path / "score-t2.safetensors")


def test_apples_gpu_is_named_as_it_is_used(monkeypatch):
    """It is not: "auto" and training take the CPU, and so the names that results carry say."""
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_name().startswith("cpu (") and find_device("auto").type == "cpu"
    with pytest.raises(UserError, match=r"Apple's GPU \(mps\) is not used here; choose cpu"):
        find_device("mps")
