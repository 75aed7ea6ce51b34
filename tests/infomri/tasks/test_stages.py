"""Stages of the models for segmentation: what each goal trains, and that answers are those that were asked for."""

import json
from dataclasses import replace

import pytest
import torch

from mrilab.errors import UserError
from mrilab.evaluation.segmentation import ged
from mrilab.infomri.tasks.gaussian import kl
from mrilab.infomri.tasks.measures import NAMES, by_head, majority_dice
from mrilab.infomri.tasks.predict import Answered, answered, pixelwise
from mrilab.infomri.tasks.scans import MassHeads
from mrilab.infomri.tasks.stages import ACCELERATIONS, BOUND, STAGES, find_stage
from mrilab.infomri.tasks.train import BoundTask, task_of
from mrilab.infomri.tasks.trainable import TASKS

SIDE, POOL, WIDTH = 32, 8, 8
# what a stage leaves as it is, by the beginning of the names of the parameters
FROZEN = {
    "infomri-start": ("encode_answer",),
    "infomri": (),
    "linet-codes": (),
    "unet-rs-uniform-image": ("segment",),
    "unet-rs-uniform": ("reconstruct",),
    "linet-closed-form": ("codes",),
    "loupe-unet-rs-8-image": ("segment",),
    "loupe-unet-rs-8": ("sampling", "reconstruct"),
    "loupe-linet-8": ("sampling", "codes"),
    "semunet-8": (),
    "tackle-8": (),
}


@pytest.fixture(autouse=True, scope="module")
def pools(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr("mrilab.data.pool.POOLS", tmp_path_factory.mktemp("pools"))
    yield
    patch.undo()


def small(name, **arguments):
    stage = find_stage(name)
    before = {} if stage.start is None else {"starts": small(stage.start).network}
    lent = {} if stage.pattern is None else {"lends": small(stage.pattern).network}
    return task_of(replace(stage, **arguments), side=SIDE, width=WIDTH, pool=POOL, **before, **lent)


def test_every_stage_begins_with_one_that_exists_and_is_measured_where_it_was_trained():
    for name, stage in STAGES.items():
        assert stage.start is None or stage.start in STAGES, name
        assert stage.pattern is None or STAGES[stage.pattern].sampling == stage.sampling, name
        low, high = stage.ratios
        assert all(low <= r <= high for r in stage.tested), name
        assert stage.start is None or STAGES[stage.start].ratios in (stage.ratios, STAGES["linet-codes"].ratios), name
    for R in ACCELERATIONS:
        assert find_stage(f"tackle-{R}").tested == (1 / R,)
    with pytest.raises(UserError, match="no model 'unet'"):
        find_stage("unet")


@pytest.mark.parametrize("name", FROZEN)
def test_a_stage_trains_what_its_goal_is_about(name):
    torch.manual_seed(1)
    task = small(name)
    before = {key: value.detach().clone() for key, value in task.network.named_parameters()}
    optimizer = torch.optim.Adam([each for each in task.network.parameters() if each.requires_grad], 1e-3)
    for step in range(2):
        batch = task.part(4, torch.Generator().manual_seed(step), torch.device("cpu"))
        optimizer.zero_grad()
        task.loss(task.network, batch).backward()
        optimizer.step()
    for key, value in task.network.named_parameters():
        stays = key.startswith(FROZEN[name]) or (value.grad is not None and not value.grad.any())
        assert torch.equal(value, before[key]) == stays or value.numel() == 1, key
    if FROZEN[name]:
        assert any(key.startswith(FROZEN[name]) for key in before) or "sampling" in FROZEN[name]
    loss, picture = task.validate(task.network.eval())
    assert torch.isfinite(torch.tensor(loss)) and picture.min() >= 0 and picture.max() <= 1
    assert json.loads(json.dumps(task.config)) == task.config  # or a stopped run would not resume


def test_a_stage_begins_with_the_weights_of_the_one_before():
    first = small("unet-rs-uniform-image")
    with torch.no_grad():
        for each in first.network.parameters():
            each.add_(0.1)
    second = task_of(find_stage("unet-rs-uniform"), side=SIDE, width=WIDTH, pool=POOL, starts=first.network)
    for key, value in second.network.state_dict().items():
        assert torch.equal(value, first.network.state_dict()[key])


def test_the_posterior_begins_as_the_prior():
    task = small("infomri")
    assert task.network.sampling.seen == 0
    cases = task.source.fixed("val", 3)
    count, z = torch.full((3,), 128), cases.outlines[:, 0].float()
    answer = task.network(cases.full, cases.maps, count, torch.Generator().manual_seed(1), z)
    assert answer.posterior is not None and kl(answer.posterior, answer.prior).abs().max() < 1e-5


def test_the_bound_is_followed_by_its_terms_and_its_answers():
    task = small("infomri", ratios=(1 / 32, 0.5))
    assert isinstance(task, BoundTask) and task.stage.goal == BOUND
    values = task.follow(task.network.eval())
    assert tuple(values) == task.followed and abs(values["kl"]) < 1e-4
    assert values["task_under_prior"] > 0 and 0 <= values["dice"] <= 1 and 0 <= values["ged"] <= 2
    assert not isinstance(small("semunet-8"), BoundTask)


@pytest.mark.parametrize("name", ["infomri", "semunet-8", "linet-uniform"])
def test_answers_are_the_same_at_every_call_and_as_many_as_were_asked_for(name):
    task = small(name)
    cases = task.source.fixed("val", 3)
    found = answered(task.network, cases.full, cases.maps, 1 / 8, 5)
    again = answered(task.network, cases.full, cases.maps, 1 / 8, 5)
    assert all(torch.equal(a.nan_to_num(-1), b.nan_to_num(-1)) for a, b in zip(found, again, strict=True))
    assert found.samples.shape == (5 if name == "infomri" else 1, 3, SIDE, SIDE) and found.samples.dtype == torch.bool
    if name == "infomri":
        assert torch.equal(found.probability, found.samples.float().mean(0))
    else:
        assert torch.equal(found.samples[0], found.probability > 0.5)
    assert found.image.isnan().all() == (name == "linet-uniform")


def test_pixels_that_are_drawn_one_by_one_have_their_probability():
    p = torch.rand(2, 8, 8, generator=torch.Generator().manual_seed(1))
    drawn = pixelwise(p, 20_000)
    torch.testing.assert_close(drawn.float().mean(0), p, atol=0.02, rtol=0)
    assert torch.equal(pixelwise(p.round(), 3)[2], p.round().bool())


def test_raters_who_answer_themselves_are_at_no_distance():
    cases = MassHeads(SIDE, POOL).fixed("val", 4)
    raters = cases.outlines.movedim(1, 0)  # (R, n, H, W)
    own = by_head(Answered(raters, raters.float().mean(0), cases.x[:, 0]), cases.outlines)
    assert tuple(own) == NAMES and own["ged"].abs().max() < 1e-6
    one = by_head(Answered(raters[:1], raters[0].float(), cases.x[:, 0]), cases.outlines)
    expected = [ged(each[:1], each) for each in cases.outlines]
    assert one["ged"].tolist() == pytest.approx(expected) and one["spread"].abs().max() == 0
    majority = cases.outlines.float().mean(1) >= 0.5
    perfect = by_head(Answered(majority[None], majority.float(), cases.x[:, 0]), cases.outlines)
    assert (perfect["dice"] == 1).all() and (perfect["brier"] == 0).all()
    half = torch.where(majority, 0.4, 0.1)
    assert (majority_dice(half, cases.outlines, threshold=0.3) == 1).all()
    assert majority_dice(half, cases.outlines)[majority.any((1, 2))].max() == 0


def test_what_ships_is_trained_in_two_runs_and_the_second_begins_with_a_posterior_that_is_the_prior():
    start, task = (TASKS[name].build(64, 4) for name in ("infomri-answers-start", "infomri-answers"))
    task.network.load_state_dict(start.network.state_dict())
    task.network.sampling.seen += 7
    task.started()
    assert task.network.sampling.seen == 0
    x, full, maps, z, count, _ = task.part(2, torch.Generator().manual_seed(0), torch.device("cpu"))
    with torch.no_grad():
        answer = task.network.eval()(full, maps, count, torch.Generator().manual_seed(0), z)
    assert kl(answer.posterior, answer.prior).abs().max() < 1e-6
    lines = TASKS["infomri-masses-start"].build(128, 4)  # learned for the image, and left as they are
    assert not any(each.requires_grad for each in lines.network.sampling.parameters())
    assert lines.network.sampling.unit == (1, 128) and lines.network.scaled
