"""The experiments of lesson 2: their grids, and what can be checked of them in seconds."""

import importlib
import itertools

import pytest
import torch

from mrilab.csgm import langevin
from mrilab.csgm.experiments.langevin_tuning import CANDIDATES
from mrilab.csgm.experiments.nearest_training import similarity, training_images
from mrilab.evaluation.experiments import find_experiment
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.physics.noise import complex_noise

NAMES = ("langevin", "langevin_tuning", "langevin_uncertainty", "langevin_lesion", "low_snr", "nearest_training")


@pytest.mark.parametrize("name", NAMES)
def test_cases_are_distinct_and_have_the_keys(name):
    experiment = find_experiment(name)
    cases = experiment.cases()
    assert all(tuple(case) == experiment.keys for case in cases)
    assert len({tuple(case.values()) for case in cases}) == len(cases) > 0


def test_tuning_sees_validation_heads_only_and_keeps_to_its_budget():
    cases = find_experiment("langevin_tuning").cases()
    assert {case["scan"] for case in cases} == {"heads-t2-val-00", "heads-t2-val-01"}
    assert sum(levels * steps <= 160 for levels, steps, _, _ in CANDIDATES) == 12


def test_the_defaults_are_what_the_stored_tuning_chose():
    """The rule stands in the experiment: the highest mean PSNR among settings of at most 160 calls."""
    from mrilab.evaluation.experiments import read_results

    rows = read_results("langevin_tuning")
    affordable = rows[rows["levels"] * rows["steps_per_level"] <= 160]
    means = affordable.groupby(["levels", "steps_per_level", "relative_step", "gamma_ratio"])["psnr"].mean()
    chosen = (langevin.LEVELS, langevin.STEPS_PER_LEVEL, langevin.RELATIVE_STEP, langevin.GAMMA_RATIO)
    assert means.idxmax() == chosen


def test_similarity_orders_errors_after_the_best_scale(generator):
    images, targets = complex_noise((2, 5, 6, 7), generator)
    scale = torch.linalg.vector_norm(targets, dim=(-2, -1))
    for target, row, norm in zip(targets, similarity(images, targets).mT, scale, strict=True):
        factors = (images.conj() * target).sum((-2, -1)) / images.abs().square().sum((-2, -1))
        errors = (factors[:, None, None] * images - target).abs().square().sum((-2, -1))
        torch.testing.assert_close(errors, norm**2 * (1 - row**2))
    assert similarity(3j * images, images).argmax(0).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", ["langevin", "langevin_tuning", "langevin_uncertainty", "langevin_lesion", "low_snr"])
def test_a_case_is_measured_by_the_names_that_are_declared(name, monkeypatch):
    """With two levels instead of eighty: that it works, not what comes out. Every method of the grid once."""
    experiment = find_experiment(name)
    module = importlib.import_module(f"mrilab.csgm.experiments.{name}")

    def quick(scan, method, **options):
        few = {"levels": 2, "steps_per_level": 1, "scale": "zero-filled"} if method == "langevin" else {}
        return reconstruct(scan, method, **options | few)

    monkeypatch.setattr(module, "reconstruct", quick)
    first = {case.get("method"): case for case in reversed(experiment.cases())}
    for method, case in first.items():
        values = experiment.measure(case)
        assert set(experiment.measured) <= set(values), method
        assert torch.tensor([values["psnr"]]).isfinite().all()


def test_the_nearest_training_image_is_found_and_scored(monkeypatch):
    module = importlib.import_module("mrilab.csgm.experiments.nearest_training")
    few = list(itertools.islice(training_images(), 3))
    monkeypatch.setattr(module, "training_images", lambda every: iter(few))
    experiment = find_experiment("nearest_training")
    module._nearest.cache_clear()
    values = [experiment.measure(case)["psnr_nearest"] for case in experiment.cases()]
    module._nearest.cache_clear()
    assert len(values) == 12 and all(10 < value < 30 for value in values), "heads, but not these heads"


def test_training_images_are_made_again():
    first, again = (next(training_images()) for _ in range(2))
    assert torch.equal(first, again) and first.shape[1:] == (128, 128)
