"""The checkpoints in data/checkpoints: whole, with their cards, and as good as these say."""

import pytest
import torch

from mrilab.csgm.train import TASKS
from mrilab.paths import CHECKPOINTS
from mrilab.training.checkpoints import LARGEST, load_checkpoint
from mrilab.training.tasks import find_task

SHIPPED = sorted(path.stem for path in CHECKPOINTS.glob("*.json"))


def test_both_priors_are_shipped():
    assert set(TASKS) <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_checkpoint_is_small_and_says_how_it_was_made(name):
    _, card = load_checkpoint(name)
    assert (CHECKPOINTS / f"{name}.safetensors").stat().st_size < LARGEST
    steps = sum(run["steps"] for run in [*card.get("earlier", []), card])
    assert steps >= 500 and card["minutes"] > 1 and card["seeds"] and card["data"]
    assert "changes" not in card["versions"]["commit"], "trained by committed code"


@pytest.mark.parametrize("name", SHIPPED)
def test_the_weights_that_a_run_started_from_are_known_by_their_hash(name):
    _, card = load_checkpoint(name)
    for start in filter(None, [card.get("start")]):
        known = {run["sha256"] for run in card["earlier"]}
        if start["checkpoint"] in SHIPPED:
            _, origin = load_checkpoint(start["checkpoint"])
            known = {origin["sha256"], origin.get("sha256_float32"), *(run["sha256"] for run in origin["earlier"])}
        assert start["sha256"] in known


@pytest.mark.parametrize("name", SHIPPED)
def test_a_network_gives_its_recorded_validation_loss(name):
    """In float32, while the card's may come from bf16, which has 8 bits of mantissa."""
    network, card = load_checkpoint(name)
    (seed,) = card["seeds"].values()
    task = find_task(card["task"]["name"], "teach")[0].build(card["task"]["side"], 8, seed)
    of_the_run = {"network", "start"}
    ours, theirs = ({k: v for k, v in each.items() if k not in of_the_run} for each in (task.config, card["task"]))
    assert ours == theirs, "the same data and noise"
    with torch.inference_mode():
        loss, _ = task.validate(network)
    assert loss == pytest.approx(card["metrics"]["validation_loss"], rel=0.01)
