import pytest
import torch

from mrilab.anatomy.abdomen import STRUCTURES, abdomen_phantom
from mrilab.anatomy.acquire import band_limit

SHAPE = (128, 128)
LABELS = {name: number for number, name in enumerate(STRUCTURES)}


def abdomen(seed, shape=SHAPE):
    return abdomen_phantom(shape, torch.Generator().manual_seed(seed))


def median_of(image, labels, name):
    return image.abs()[labels == LABELS[name]].median().item()


def centre_of(labels, name):
    return (labels == LABELS[name]).nonzero().float().mean(0)  # (row, column)


def test_types_and_labels():
    image, labels = abdomen(0)
    assert image.shape == labels.shape == SHAPE
    assert image.dtype == torch.complex64 and labels.dtype == torch.int64
    assert labels.min() == 0 and labels.max() < len(LABELS)
    assert image.isfinite().all()


def test_all_organs_in_every_random_abdomen():
    names = list(LABELS)
    for seed in range(20):
        present = {names[i] for i in abdomen(seed, (96, 96))[1].unique()}
        assert set(names) <= present, set(names) - present


@pytest.mark.parametrize("seed", [2, 5])
def test_the_same_seed_draws_the_same_abdomen_on_a_finer_grid(seed):
    (coarse, coarse_labels), (fine, fine_labels) = abdomen(seed), abdomen(seed, (256, 256))
    assert (coarse_labels == fine_labels[::2, ::2]).float().mean() > 0.98
    truth = band_limit(fine, SHAPE)
    error = (truth - coarse).norm() / truth.norm()
    assert 0.01 < error < 0.25
    assert torch.equal(abdomen(seed)[0], coarse)
    assert (abdomen(seed + 1)[1] != coarse_labels).float().mean() > 0.05


def test_contrasts_are_those_of_t2_weighted_images():
    for seed in range(2):
        image, labels = abdomen(seed, (160, 160))
        bright = {n: median_of(image, labels, n) for n in LABELS}
        assert bright["gallbladder"] > bright["subcutaneous_fat"] > bright["spleen"] > bright["liver"]
        assert bright["liver"] > bright["muscle"] > bright["aorta"]
        assert bright["kidney_medulla"] > bright["kidney_cortex"] > bright["liver"]
        assert image.abs()[labels == LABELS["spinal_canal"]].max() > bright["subcutaneous_fat"]


def test_organs_are_where_they_belong():
    # the patient's right is on the left of the picture, the front is up
    for seed in range(4):
        _, labels = abdomen(seed)
        at = {n: centre_of(labels, n) for n in LABELS}
        assert at["liver"][1] < at["vertebra"][1] < at["spleen"][1]
        assert at["vena_cava"][1] < at["aorta"][1] < at["spleen"][1]
        assert at["gallbladder"][1] < at["stomach"][1]
        assert at["stomach"][0] < at["aorta"][0] < at["vertebra"][0]
        kidneys = (labels == LABELS["kidney_cortex"]).any(0).nonzero()[:, 0]
        assert (kidneys < at["vertebra"][1] - 5).any() and (kidneys > at["vertebra"][1] + 5).any()


def test_gas_lies_above_fluid_in_the_stomach():
    seen = 0
    for seed in range(6):
        image, labels = abdomen(seed)
        rows, columns = (labels == LABELS["stomach_content"]).nonzero().T
        values = image.abs()[rows, columns]
        order = rows.argsort()
        top, bottom = values[order[: len(order) // 10]].mean(), values[order[-len(order) // 3 :]].mean()
        seen += bool(top < 0.5 * bottom)
    assert seen >= 4
