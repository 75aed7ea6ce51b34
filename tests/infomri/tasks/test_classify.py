"""Classification with samples that tell little: the entropy's sign, its gradient, and where it leads."""

from itertools import combinations

import pytest
import torch

from mrilab.infomri.gaussian import share_of_best
from mrilab.infomri.information import GaussianKspace
from mrilab.infomri.pattern import PatternNetwork
from mrilab.infomri.sampling import Sampled
from mrilab.infomri.study import trained
from mrilab.infomri.tasks.classifiers import Classified, find_classifier
from mrilab.infomri.tasks.classify import TaskClassifier, privacy_loss
from mrilab.infomri.tasks.labelled import Glyphs, MassKinds
from mrilab.infomri.tasks.scans import OF_THREE_KINDS, MassHeads
from mrilab.infomri.tasks.train_classes import ClassificationTask


@pytest.fixture
def gaussian():
    generator = torch.Generator().manual_seed(1)
    return GaussianKspace.of_images(torch.randn(400, 4, 4, generator=generator).cumsum(-1).cumsum(-2), 0.1)


def entropy_per_sample(gaussian, mask):
    return gaussian.entropy(mask) / mask.sum((-2, -1))


def test_entropy_is_added_with_the_weight_of_beta(gaussian):
    p = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    logits, classes = torch.zeros(3, 10), torch.tensor([1, 2, 3])
    sampled = Sampled((p > 0.5).double(), p, torch.ones(3))
    without = privacy_loss(logits, classes, sampled, gaussian, 0.0)
    found = privacy_loss(logits, classes, sampled, gaussian, -0.3) - without
    torch.testing.assert_close(found, (0.3 * entropy_per_sample(gaussian, p).mean()).float())
    fixed = Sampled(sampled.mask, None, sampled.tries)  # nothing to learn, so nothing to ask of the entropy
    assert privacy_loss(logits, classes, fixed, gaussian, -0.3) == without


def test_its_gradient_is_that_of_finite_differences(gaussian):
    p = torch.rand(1, 4, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda q: entropy_per_sample(gaussian, q), (p,))


def test_without_a_task_it_leads_to_the_mask_that_tells_least(gaussian):
    every = torch.zeros(1820, 16)
    for row, chosen in enumerate(combinations(range(16), 4)):
        every[row, list(chosen)] = 1
    values = entropy_per_sample(gaussian, every.reshape(-1, 4, 4))
    found, masks = zip(*(descended(gaussian, seed) for seed in range(5)), strict=True)
    assert min(found) == pytest.approx(float(values.min()), abs=0.02)  # a minimum of a quadratic: some starts miss it
    assert float(values.max() - values.min()) > 1
    assert share_of_best(gaussian, masks[found.index(min(found))]) < 0.9


def descended(gaussian, seed):
    """Return the entropy per sample that a pattern comes to when nothing else counts, and its mask."""
    torch.manual_seed(seed)
    pattern = PatternNetwork((4, 4), slope=1.0)
    optimizer = torch.optim.Adam(pattern.parameters(), 2e-2)
    r = torch.tensor([0.25])
    for _ in range(400):
        optimizer.zero_grad()
        entropy_per_sample(gaussian, pattern(r)).sum().backward()
        optimizer.step()
    p = pattern(r).detach()
    return float(entropy_per_sample(gaussian, p)), (p > 0.5).float()


def test_a_classifier_learns_and_its_pattern_with_it():
    task = ClassificationTask(Classified("glyphs", beta=-1e-3, ratio=0.25), Glyphs(64), steps=30)
    assert isinstance(task.network, TaskClassifier)
    before = [each.clone() for each in task.network.sampling.parameters()]
    optimizer = torch.optim.Adam(task.network.parameters(), 3e-3)
    losses = []
    for step in range(30):
        batch = task.part(16, torch.Generator().manual_seed(step), torch.device("cpu"))
        optimizer.zero_grad()
        loss = task.loss(task.network, batch)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-5:]) < sum(losses[:5])
    after = task.network.sampling.parameters()
    assert any(not torch.equal(a, b) for a, b in zip(after, before, strict=True))
    assert 0 <= task.measure(task.network.eval())["accuracy"] <= 1


def test_heads_begin_with_the_pattern_that_was_learned_for_the_image():
    model, begins = find_classifier("heads-beta-0.1"), trained("points", 0)
    task = ClassificationTask(model, MassKinds(MassHeads(pool=32, shares=OF_THREE_KINDS)), 10, begins=begins)
    count = task.count(4)
    with torch.no_grad():
        mine, theirs = (each.sampling(count, torch.Generator().manual_seed(3)) for each in (task.network, begins))
    assert torch.allclose(mine.p, theirs.p)
    assert find_classifier("glyphs-beta-0.1").begins is None
