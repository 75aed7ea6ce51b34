"""The toy of two raters and one bit: what one answer costs, and that a latent that is drawn finds both."""

import pytest
import torch

from mrilab.evaluation.segmentation import ged, iou
from mrilab.infomri.tasks.discs import SIDE, discs, single_answer
from mrilab.infomri.tasks.elbo import Weights, terms, weighted
from mrilab.infomri.tasks.latent import LatentSegmenter


def test_no_single_answer_between_the_raters_is_nearer_than_either_of_them():
    raters = discs(1, torch.Generator().manual_seed(1)).outlines[0]
    inner, outer = raters
    assert (inner & outer).equal(inner) and ged(raters, raters) == pytest.approx(0)
    between = [inner | (outer & (torch.arange(SIDE) < column)) for column in range(SIDE + 1)]
    found = [ged(each[None], raters) for each in between]
    assert min(found) == pytest.approx(single_answer(raters))
    assert found[0] == pytest.approx(single_answer(raters)) and found[-1] == pytest.approx(single_answer(raters))
    assert max(found) > 1.2 * min(found)


def test_both_answers_are_drawn_about_as_often_and_the_distance_goes_down():
    torch.manual_seed(0)
    network = LatentSegmenter({"by": "learned", "shape": [SIDE, SIDE]}, 8, (0.25, 0.25))
    optimizer, steps, weights = torch.optim.Adam(network.parameters(), 3e-3), 300, Weights(1.0, 1.0, 0.02, 0.3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    generator, count = torch.Generator().manual_seed(0), torch.full((16,), SIDE**2 // 4)
    for step in range(steps):
        cases = discs(16, generator)
        z = cases.outlines[torch.arange(16), torch.randint(2, (16,), generator=generator)].float()
        loss = weighted(terms(network(cases.full, cases.maps, count, generator, z), z, cases.x), weights, step / steps)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    cases = discs(16, torch.Generator().manual_seed(9))
    with torch.no_grad():
        prior = network.eval()(cases.full, cases.maps, count, generator).prior
        samples = network.answers(prior, 32, generator)  # (32, n, H, W)
    pairs = torch.stack([iou(samples[:, n], cases.outlines[n]) for n in range(16)])  # (n, 32, 2)
    assert 0.35 < float((pairs[..., 1] > pairs[..., 0]).float().mean()) < 0.65
    mean = sum(ged(samples[:, n], cases.outlines[n]) for n in range(16)) / 16
    assert mean < 0.5 * single_answer(cases.outlines[0])
