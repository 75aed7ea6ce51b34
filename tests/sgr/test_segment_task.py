import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot
from training_toy import read_log
from typer.testing import CliRunner

from mrilab.anatomy.knee import STRUCTURES
from mrilab.anatomy.lesions import LABELS
from mrilab.cli import app
from mrilab.data.pool import knee_pool
from mrilab.data.slices import labelled_slices
from mrilab.physics.scale import quantile_scale
from mrilab.sgr.segment_data import NOISE_STD, SCALE, HeadSource, KneeSource, add_noise, augment
from mrilab.sgr.segment_task import WEIGHTS, SegmentTask, dice
from mrilab.sgr.train import TASKS
from mrilab.training.checkpoints import load_checkpoint
from mrilab.training.feed import part_generator

CPU = torch.device("cpu")
T2 = [("clinical", "t2")]
CLASSES = ("csf", "grey matter", "white matter", "lesion")


class Squares:
    """Bright squares on noise-free air: a source without anatomy."""

    classes: tuple[str, ...] = ("square",)
    size, config = 5, {}

    def train(self, index):
        image = torch.zeros(1, 16, 16)
        image[:, 2 + index : 7 + index, 1:8] = 1
        return image, image.to(torch.uint8)

    def validation(self, n):
        magnitudes, classes = (torch.cat(each) for each in zip(*map(self.train, range(n)), strict=True))
        return magnitudes[:n], classes[:n]


@pytest.fixture
def squares(monkeypatch):
    monkeypatch.setattr("mrilab.sgr.segment_task.VALIDATED", 3)
    monkeypatch.setattr("mrilab.sgr.segment_task.MEASURED", 4)
    return SegmentTask("squares", Squares(), 16, "unet", 8, 2, 0)


def test_dice_is_the_mean_over_the_slices_that_have_the_class(generator):
    true, found = torch.randint(4, (2, 6, 9, 9), generator=generator)
    true[2:][true[2:] == 3] = 0  # slices that lack the class, though it is found there
    by_hand = []
    for k in (1, 2, 3):
        pairs = [(f == k, t == k) for f, t in zip(found, true, strict=True) if (t == k).any()]
        by_hand.append(sum(2 * (f & t).sum().item() / (f.sum() + t.sum()).item() for f, t in pairs) / len(pairs))
    measured = dice(found, true, ("a", "b", "c"))
    assert [measured[f"dice {name}"] for name in "abc"] == pytest.approx(by_hand)
    assert [measured[f"slices with {name}"] for name in "abc"] == [6, 6, 2]


def test_a_class_that_no_slice_has_gets_no_score():
    classes = torch.ones(2, 4, 4, dtype=torch.uint8)
    assert dice(classes, classes, ("a", "b")) == {"dice a": 1.0, "slices with a": 2, "slices with b": 0}


def test_training_slices_are_mirrored_rescaled_and_noisy_together_with_their_classes(generator):
    image = torch.arange(1.0, 17).view(1, 4, 4).expand(400, 4, 4)
    seen, classes = augment(100 * image, image.to(torch.uint8), generator)
    scale = (seen / (100.0 * classes)).mean((1, 2))  # noise is 0.05 at most, values are 100 at least
    assert scale.min() >= SCALE[0] - 1e-3 and scale.max() <= SCALE[1] + 1e-3
    assert scale.min() < 0.87 and scale.max() > 1.13 and scale.mean() == pytest.approx(1, abs=0.02)
    assert (seen / (100.0 * classes) - scale[:, None, None]).abs().max() < 0.01  # mirrored alike
    corners = [1, 4, 13, 16]  # the corner says which way a slice is mirrored
    shares = [(classes[:, 0, 0] == corner).float().mean().item() for corner in corners]
    assert shares == pytest.approx([0.25] * 4, abs=0.08)


def test_noise_in_air_is_rayleigh_of_levels_up_to_the_largest(generator):
    levels = augment(torch.zeros(300, 32, 32), torch.zeros(300, 32, 32), generator)[0].square().mean((1, 2))
    levels = (levels / 2).sqrt()  # E|n|^2 = 2 sigma^2
    assert levels.max() < 1.2 * NOISE_STD and levels.min() < 0.05 * NOISE_STD
    assert levels.mean() == pytest.approx(NOISE_STD / 2, rel=0.1)


def test_noise_on_magnitudes_is_that_of_complex_images(generator):
    phase = torch.polar(torch.ones(1), torch.tensor([2.0]))
    image = 0.02 * phase.expand(200_000)
    noise = 0.01 * torch.view_as_complex(torch.randn(200_000, 2, generator=generator))
    whole = (image + noise).abs()
    ours = add_noise(image.abs(), torch.tensor(0.01), generator)
    for moment in (1, 2, 4):
        assert (ours**moment).mean().item() == pytest.approx((whole**moment).mean().item(), rel=0.02)


def test_heads_are_normalised_and_their_classes_named():
    source = HeadSource(T2, 9, 48, seed=4)
    magnitude, classes = source.train(7)
    image, labels = labelled_slices(
        1, (48, 48), "clinical", "t2", "train", part_generator(4, 7, 0), CPU, lesions=source.config["with_lesions"]
    )
    assert torch.allclose(magnitude, image.abs() / quantile_scale(image))
    for k, name in enumerate(source.classes, 1):
        assert torch.equal(classes == k, labels == LABELS.index(name))
    assert source.train(7)[0] is magnitude, "drawn once"
    assert not torch.equal(HeadSource(T2, 9, 48, seed=5).train(7)[0], magnitude), "another seed, other heads"


def test_kinds_of_heads_take_turns():
    source = HeadSource([("randomised", None), *T2], 9, 48, seed=4)
    assert torch.equal(source.train(7)[0], HeadSource(T2, 9, 48, seed=4).train(7)[0])
    assert not torch.equal(source.train(6)[0], HeadSource(T2, 9, 48, seed=4).train(6)[0])


def test_two_of_five_training_slices_have_a_lesion():
    """As the 40 % foreground oversampling of the paper. Grey matter is in every head."""
    source = HeadSource(T2, 9, 48, seed=0)
    with_lesion = [(source.train(index)[1] == 4).any().item() for index in range(60)]
    assert sum(with_lesion) >= 0.4 * 60
    magnitudes, classes = source.validation(3)
    assert torch.equal(HeadSource(T2, 9, 48, seed=1).validation(3)[1], classes), "the same for every seed"
    assert magnitudes.shape == classes.shape == (3, 48, 48)


def test_the_loss_is_cross_entropy_and_dice_without_the_background(squares, generator):
    logits = torch.randn(3, 2, 16, 16, generator=generator)
    magnitudes, classes = squares.source.validation(3)
    p, true = logits.softmax(1)[:, 1], classes.float()
    soft = (2 * (p * true).sum((1, 2)) + 1e-5) / (p.sum((1, 2)) + true.sum((1, 2)) + 1e-5)
    expected = -(one_hot(classes.long(), 2).movedim(-1, 1) * logits.log_softmax(1)).sum(1).mean() + (1 - soft).mean()
    assert squares.loss(lambda _: logits, (magnitudes, classes)).item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_missed_lesion_costs_more_than_a_missed_pixel_of_csf():
    task = TASKS["segment-t2"].build(32, 8)
    lesion = 1 + CLASSES.index("lesion")
    logits = torch.zeros(1, 5, 1, 2)
    entropy = [cross_entropy(logits, torch.tensor([[[0, k]]]), task.weights, reduction="sum") for k in (1, lesion)]
    assert (entropy[1] / entropy[0]).item() == pytest.approx((1 + WEIGHTS["lesion"]) / 2)


def test_batches_depend_on_their_generator_alone(squares):
    first, second, other = (squares.part(4, part_generator(0, step, 0), CPU) for step in (1, 1, 2))
    assert all(map(torch.equal, first, second)) and not torch.equal(first[0], other[0])
    assert first[0].shape == first[1].shape == (4, 16, 16)


def test_a_segmenter_trains_and_its_card_has_the_dice_scores(tmp_path, monkeypatch):
    monkeypatch.setattr("mrilab.sgr.segment_task.MEASURED", 6)
    arguments = ["segment-t2", "--profile", "smoke", "--out", tmp_path]
    done = CliRunner().invoke(app, ["train", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    network, card = load_checkpoint("segment-t2", tmp_path)
    losses = [float(row["validation_loss"]) for row in read_log(tmp_path / "log.csv") if row["validation_loss"]]
    assert losses[-1] < losses[0]
    task = TASKS["segment-t2"].build(32, 8)
    expected = {"validation_loss": losses[-1], **task.measure(network)}
    assert card["metrics"] == pytest.approx(expected, abs=0.02)  # measured before the weights were rounded


def test_knees_come_from_a_pool_of_their_seed(monkeypatch, tmp_path):
    drawn = []

    def pool(count, shape, split, seed):
        drawn.append((split, seed))
        return knee_pool(2, shape, split, seed, folder=tmp_path)

    monkeypatch.setattr("mrilab.sgr.knees.knee_pool", pool)
    source = KneeSource(48, seed=1)
    magnitudes, classes = zip(*map(source.train, range(2)), strict=True)
    images, labels = knee_pool(2, (48, 48), "train", 1, folder=tmp_path)
    assert torch.allclose(torch.cat(magnitudes), images.abs() / quantile_scale(images))
    for k, name in enumerate(source.classes, 1):
        assert torch.equal(torch.cat(classes) == k, labels == STRUCTURES.index(name.replace(" ", "_")))
    assert source.validation(1)[0].shape == (1, 48, 48)
    assert drawn == [("train", 1), ("val", 0)]
