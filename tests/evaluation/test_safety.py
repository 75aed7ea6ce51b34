"""The safety net: it catches an image that the data do not give, lets others through, and says what it saw."""

import pytest
import torch

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import random_ellipses
from mrilab.data.scans import write_scan
from mrilab.evaluation import reconstruct as module
from mrilab.evaluation.panel import draw_panel
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.evaluation.safety import is_trained, judge
from mrilab.evaluation.seen import unlike_training
from mrilab.methods import registry
from mrilab.methods.registry import method
from mrilab.physics import SenseModel, cg_sense, equispaced_mask, estimate_maps, full_reference, l1_wavelet

SHAPE = (96, 100)


@pytest.fixture(scope="module")
def full():
    generator = torch.Generator().manual_seed(5)
    fine = (2 * SHAPE[0], 2 * SHAPE[1])
    image = random_ellipses(10, generator).image(fine)
    return simulate_scan(image, random_array(6, generator).maps(fine), SHAPE, 0.01, generator)


@pytest.fixture(scope="module")
def sampled(full):
    mask = equispaced_mask(SHAPE, 4)
    return full * mask, SenseModel(estimate_maps(full, mask)[0], mask)


def test_the_truth_and_the_classical_images_are_let_through(full, sampled):
    y, model = sampled
    for image in (full_reference(full), l1_wavelet(y, model), cg_sense(y, model)):
        assert not judge(image, y, model).flagged


def test_an_image_with_the_energy_of_another_is_caught(full, sampled):
    y, model = sampled
    painted = full_reference(full).clone()
    painted[40:60, 40:60] = painted.abs().max()  # a lesion that is not there
    caught = judge(painted, y, model)
    assert caught.flagged and caught.residual["method"] > 2 * caught.residual["l1-wavelet"]


def test_the_figures_are_what_their_names_say(full, sampled):
    y, model = sampled
    safety = judge(l1_wavelet(y, model), y, model)
    assert safety.residual["method"] == pytest.approx(safety.residual["l1-wavelet"]) and safety.distance == 0
    assert judge(cg_sense(y, model), y, model).distance == pytest.approx(1) and safety.summary()["limit"] > 1
    everything = SenseModel(model.coil_maps, torch.ones(1, 1, dtype=torch.bool))
    assert judge(everything.adjoint(full), full, everything).unmeasured["method"] == 0


def test_a_phase_of_its_own_is_no_fault(full, sampled):
    y, model = sampled
    image = full_reference(full)
    turned = image.abs() * torch.exp(1j * torch.linspace(0, 20, image.numel()).reshape(image.shape))
    own, other = judge(image, y, model), judge(turned, y, model)
    assert other.distance == pytest.approx(own.distance, rel=1e-4) and other.residual == pytest.approx(own.residual)


@pytest.fixture
def trained_methods(monkeypatch):
    """Two methods with a network: one returns CG-SENSE's image, the other paints."""
    registry.available_methods()  # imports them all, before the registry is replaced by a copy
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    card = {"task": {"mask": "equispaced", "direction": "vertical", "accelerations": [4, 8], "side": 128, "coils": 8}}
    monkeypatch.setattr(module, "checkpoint_names", lambda: ["known"])
    monkeypatch.setattr(module, "read_card", lambda path: card)

    @method("careful")
    def careful(y, model, *, network: str = "known"):
        """Return CG-SENSE's image."""
        return cg_sense(y, model)

    @method("painter")
    def painter(y, model, *, network: str = "known"):
        """Paint a lesion."""
        image = cg_sense(y, model).clone()
        image[40:60, 40:60] = 2 * image.abs().max()
        return image


def test_reconstruct_warns_and_the_panel_shows_it(full, tmp_path, trained_methods):
    write_scan(tmp_path / "scan.h5", full[None])
    good = reconstruct(tmp_path / "scan.h5", "careful", acceleration=4, safety=True)
    assert good.flagged == [] and good.summary()["unlike_training"] == [] and not good.summary()["flagged"]
    with pytest.warns(UserWarning, match="do not trust the image of slice 0"):
        bad = reconstruct(tmp_path / "scan.h5", "painter", acceleration=4, safety=True)
    assert bad.flagged == [0] and bad.summary()["safety"][0]["flagged"]
    assert "do not trust this image" in draw_panel(bad).get_suptitle()
    bad.write(tmp_path / "result.h5")
    unasked = reconstruct(tmp_path / "scan.h5", "painter", acceleration=4)
    assert "safety" not in unasked.summary() and unasked.unlike_training is None


def test_what_training_had_not_is_said_once(full, tmp_path, trained_methods):
    write_scan(tmp_path / "scan.h5", full[None])
    with pytest.warns(UserWarning, match=r"careful has not seen such scans in training: horizontal lines"):
        result = reconstruct(tmp_path / "scan.h5", "careful", acceleration=4, direction="horizontal", safety=True)
    assert result.summary()["unlike_training"] == ["horizontal lines (trained: vertical)"]


@pytest.mark.parametrize("name, expected", [("flat", True), ("modl", True), ("l1-wavelet", False), ("cg-sense", False)])
def test_methods_with_weights_are_known(name, expected):
    registry.available_methods()
    assert is_trained(name) == expected


LINES = {"mask": "random", "direction": "horizontal", "accelerations": [3, 6], "coils": 8, "side": 128}
ANY = {"sampling": {}, "acceleration": [1.5, 12.0], "coils": [1, 32], "side": 128}


@pytest.mark.parametrize(
    "task, mask, acceleration, shape, expected",
    [
        (LINES, (128, 1), 4, (8, 128, 128), []),
        (LINES, (1, 128), 4, (8, 128, 128), ["vertical lines (trained: horizontal)"]),
        (LINES, (128, 128), 4, (8, 128, 128), ["points (trained: horizontal)"]),
        (LINES, (1, 1), 1, (8, 128, 128), []),
        (LINES, (128, 1), 10, (8, 128, 128), ["acceleration 10.0 (trained: up to 6)"]),
        (LINES, (128, 1), 4, (32, 128, 128), ["32 coils (trained: 8)"]),
        (LINES, (128, 1), 4, (8, 640, 320), ["640 x 320 points (trained: 128 x 128)"]),
        (ANY, (1, 128), 12, (32, 256, 256), []),
        (ANY, (128, 128), 20, (32, 256, 256), ["acceleration 20.0 (trained: up to 12)"]),
        ({}, (1, 128), 30, (99, 999, 999), []),
    ],
)
def test_a_scan_is_held_against_the_card(task, mask, acceleration, shape, expected):
    assert unlike_training(task, torch.ones(mask, dtype=torch.bool), acceleration, shape) == expected
