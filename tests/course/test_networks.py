"""The table of trained networks is that of the cards."""

import json

import pytest
import torch
from own_scans import write_scans

from mrilab.baselines.train import TASKS
from mrilab.course.networks import BEGIN, END, README, network_table, write_table
from mrilab.errors import UserError
from mrilab.evaluation.measured import Conditions
from mrilab.evaluation.networks import measure_network
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.training.checkpoints import add_metrics, checkpoint_names, load_checkpoint


def test_the_table_of_the_readme_is_up_to_date():
    text = README.read_text(encoding="utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0].strip() == network_table(), "run `mrilab checkpoints table`"
    assert all(f"| `{name}` |" in network_table() for name in checkpoint_names())


def test_a_row_counts_all_runs_and_says_the_gain(tmp_path):
    card = {"name": "mine", "network": {"kind": "modl", "parameters": 1234}, "data": "own scans", "steps": 30}
    card |= {"minutes": 1.6, "earlier": [{"steps": 1000, "minutes": 2.0}], "metrics": {"psnr heads-t2-val": 35.04}}
    card["metrics"]["gain over l1-wavelet heads-t2-val"] = -0.26
    (tmp_path / "mine.json").write_text(json.dumps(card))
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_table(readme, tmp_path)
    row = "| `mine` | modl | 1,234 | own scans | 1,030 | 4 | 35.0 (-0.3) |  |"
    assert readme.read_text().splitlines()[0] == "before" and row in readme.read_text().splitlines()
    readme.write_text("nothing")
    with pytest.raises(UserError, match="put them where the table is to stand"):
        write_table(readme, tmp_path)


@pytest.mark.filterwarnings("ignore:only . fully sampled lines")  # of scans as small as these
def test_the_figures_of_a_network_are_those_of_mrilab_recon(tmp_path, monkeypatch):
    (path,) = write_scans(tmp_path, 1, "heads-t2-val", side=32, split="val")
    network, _ = load_checkpoint("modl-t2")
    task = TASKS["modl-t2"].build(32, 8)
    measured = measure_network(task, network, {"mine": [path]}, progress=False)
    ours, wavelet = (
        reconstruct(path, method, acceleration=4, device="cpu", **options).metrics["psnr"]
        for method, options in (("modl", {"network": "modl-t2"}), ("l1-wavelet", {}))
    )
    assert measured["psnr mine"] == pytest.approx(ours, abs=2e-3)
    assert measured["gain over l1-wavelet mine"] == pytest.approx(ours - wavelet, abs=2e-3)
    assert Conditions(acceleration=4).mask == "equispaced" and torch.is_grad_enabled()


def test_metrics_go_into_a_card_and_the_weights_stay(tmp_path):
    from mrilab.baselines.modl import MoDL
    from mrilab.training.checkpoints import save_checkpoint

    facts = {"data": "none", "seeds": {"all": 0}, "steps": 1, "minutes": 1, "metrics": {"validation_loss": 1.0}}
    save_checkpoint("mine", MoDL(4), facts, tmp_path)
    _, before = load_checkpoint("mine", tmp_path)
    add_metrics("mine", {"psnr x": 30.0}, tmp_path)
    _, after = load_checkpoint("mine", tmp_path)
    assert after["metrics"] == {"validation_loss": 1.0, "psnr x": 30.0} and after["sha256"] == before["sha256"]
