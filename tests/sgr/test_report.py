"""From a scan to bounds, volumes and files."""

import json
from dataclasses import replace

import h5py
import pytest
import torch
from bounds_toy import CLASSES, ellipses, use_checkpoints

from mrilab.data.scans import Scan
from mrilab.errors import UserError
from mrilab.evaluation.metrics import psnr
from mrilab.physics.protocol import acquire
from mrilab.physics.sampling import make_mask
from mrilab.sgr.bounds_panel import draw_bounds
from mrilab.sgr.classes import class_maps, load_segmenter
from mrilab.sgr.report import find_bounds

HEADER = {"encoded_fov_mm": (80.0, 72.0, 5.0)}  # voxels of 2 x 1.5 x 5 mm
ML = 0.015
QUICK = {
    "prior": "prior",
    "segment": "seg",
    "steps": 3,
    "strength": 0.3,
    "view": "plain",
    "acceleration": 2,
    "device": "cpu",
}


@pytest.fixture(scope="module")
def kspace():
    return ellipses(2)


@pytest.fixture
def scan(tmp_path, monkeypatch, kspace):
    use_checkpoints(monkeypatch, tmp_path)
    return Scan(kspace, tmp_path / "scan.h5", header=HEADER, slices=(0, 1), n_slices=2)


@pytest.fixture(scope="module")
def result(tmp_path_factory, kspace):
    """Both slices, two classes, four samples; computed once."""
    folder = tmp_path_factory.mktemp("checkpoints")
    with pytest.MonkeyPatch.context() as patch:
        use_checkpoints(patch, folder)
        made = Scan(kspace, folder / "scan.h5", header=HEADER, slices=(0, 1), n_slices=2)
        return find_bounds(made, ["white matter", "csf"], **QUICK, samples=4)


def test_volumes_are_pixels_times_the_voxel(result):
    for k, (name, c) in enumerate({"white matter": 3, "csf": 1}.items()):
        row = result.volumes(name)
        for bound in ("low", "up"):
            pixels = sum(int((getattr(each.first, bound)[k] == c).sum()) for each in result.slices)
            assert row[bound] == pytest.approx(ML * pixels) and pixels > 0
        assert row["gap"] == pytest.approx(row["up"] - row["low"]) and row["ratio"] == pytest.approx(
            row["gap"] / row["up"]
        )
        assert row["gap"] > 0
        reference = sum(int((each.first.reference == c).sum()) for each in result.slices)
        assert row["reference"] == pytest.approx(ML * reference)


def test_the_second_network_numbers_classes_in_its_own_way_but_volumes_go_by_name(result, tmp_path, monkeypatch):
    use_checkpoints(monkeypatch, tmp_path)
    network, image = load_segmenter("seg-second", torch.device("cpu")), result.slices[0].images.reference
    assert network.classes == CLASSES[::-1]
    own = network(image[None] / torch.quantile(image.abs(), 0.99)).argmax(1)[0]  # (H, W)
    row = result.volumes("csf", [result.slices[0]])
    assert row["second"]["reference"] == pytest.approx(ML * int((own == 3).sum()), rel=0.01)


def test_samples_are_picked_for_all_slices_together_and_for_each(result):
    counts = torch.stack([(each.first.samples == 3).sum((-2, -1)) for each in result.slices])  # (slices, K)
    row = result.volumes("white matter")
    assert row["repeated"] == pytest.approx({"low": ML * int(counts.sum(0).min()), "up": ML * int(counts.sum(0).max())})
    apart = {"low": ML * int(counts.amin(1).sum()), "up": ML * int(counts.amax(1).sum())}
    assert row["repeated_per_slice"] == pytest.approx(apart)


def test_figures_are_those_of_the_images(result, kspace):
    mask = make_mask("poisson", (40, 48), 2, generator=torch.Generator().manual_seed(0))
    acquisition, _ = acquire(kspace[1], mask)
    last = result.slices[1]
    y = acquisition.kspace
    residual = (acquisition.model.forward(last.images.up[1]) - y).norm() / y.norm()
    assert last.figures["residual"]["up"][1] == pytest.approx(float(residual), rel=1e-5)
    assert last.figures["psnr"]["low"][0] == psnr(last.images.low[0], last.images.reference)
    mean = sum(each.figures["ssim"]["unguided"][0] for each in result.slices) / 2
    assert result.volumes("csf")["ssim"]["unguided"] == pytest.approx(mean)


def test_segmentations_are_of_images_in_units_of_their_quantile(result, tmp_path, monkeypatch):
    use_checkpoints(monkeypatch, tmp_path)
    reference = result.slices[0].images.reference
    unit = torch.quantile(reference.abs(), 0.99)
    found = class_maps(load_segmenter("seg", torch.device("cpu")), reference / unit, CLASSES)
    assert (found == result.slices[0].first.reference).float().mean() > 0.99


def test_next_to_no_guidance_gives_next_to_the_unguided_image(scan):
    made = find_bounds(scan, ["csf"], **QUICK | {"strength": 1e-9}, slice=1)
    (only,) = made.slices
    for bound in (only.images.low[0], only.images.up[0]):
        assert (bound - only.images.unguided).norm() < 1e-4 * only.images.unguided.norm()
    assert made.volumes("csf")["repeated"] is None


def test_the_seed_decides(scan):
    first, again = (find_bounds(scan, ["csf"], **QUICK, slice=1).slices[0].images.up for _ in range(2))
    other = find_bounds(scan, ["csf"], **QUICK, slice=1, seed=1).slices[0].images.up
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_the_file_holds_images_maps_names_and_volumes(result, tmp_path):
    result.write(tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        shapes = {name: file[name].shape for name in file}
        assert json.loads(file.attrs["classes"]) == ["white matter", "csf"]
        assert json.loads(file.attrs["labels"]) == dict(zip("0123", ("background", *CLASSES), strict=True))
        assert json.loads(file.attrs["volumes"])[1]["up"] == result.volumes("csf")["up"]
        assert file.attrs["strength"] == 0.3 and file.attrs["unit"] == "ml" and file.attrs["mask_kind"] == "poisson"
        assert (file["low"][1, 0] == result.slices[0].images.low[1].numpy()).all()
        assert (file["second_samples"][1] == result.slices[1].second.samples.numpy()).all()
    per = {"low": (2, 2, 40, 48), "up": (2, 2, 40, 48), "unguided": (2, 40, 48), "reference": (2, 40, 48)}
    per["samples"] = (2, 4, 40, 48)
    expected = {prefix + name: shape for prefix in ("", "segmentation_", "second_") for name, shape in per.items()}
    assert shapes == expected | {"mask": (40, 48)}


def test_the_picture_has_a_row_for_each_class(result):
    figure = draw_bounds(result)
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert len(titles) == 4 and titles[0].startswith("white matter") and titles[2].startswith("csf")
    seen = result.volumes("csf", [result.slices[1]])
    assert f"{seen['low']:.2f} (low)" in titles[2] and f"{seen['up']:.2f} (up) ml" in titles[2]
    assert "slice 1" in figure.get_suptitle() and "slice 0" in draw_bounds(result, 0).get_suptitle()


def test_an_undersampled_scan_has_no_reference(scan):
    mask = make_mask("poisson", (40, 48), 2, generator=torch.Generator().manual_seed(3))
    scan = replace(scan, kspace=scan.kspace * mask, mask=mask)
    made = find_bounds(scan, ["csf"], **QUICK | {"acceleration": None}, slice=0)
    row = made.volumes("csf")
    assert row["reference"] is row["psnr"] is row["ssim"] is None and row["residual"]["low"] > 0
    assert made.sampling == {"mask": "prospective"}


def test_without_a_field_of_view_volumes_are_pixels_unless_somebody_gives_the_size(scan):
    bare = replace(scan, header={})
    with pytest.warns(UserWarning, match="no field of view, so volumes are in pixels"):
        made = find_bounds(bare, ["csf"], **QUICK, slice=0)
    given = find_bounds(bare, ["csf"], **QUICK, slice=0, voxel_mm=(2, 1.5, 5))
    assert made.unit == "pixels" and isinstance(made.volumes("csf")["up"], int)
    assert given.unit == "ml" and given.volumes("csf")["up"] == pytest.approx(ML * made.volumes("csf")["up"])


def test_an_absent_class_is_zero_ml_and_a_note(scan, monkeypatch):
    from mrilab.sgr.segmentation import Segmenter

    forward = Segmenter.forward

    def without_csf(self, x):
        logits = forward(self, x).clone()
        logits[:, 1] -= 1e3
        return logits

    monkeypatch.setattr(Segmenter, "forward", without_csf)
    with pytest.warns(UserWarning, match="seg finds no csf in scan.h5 without guidance: 0 ml"):
        row = find_bounds(scan, ["csf"], **QUICK, slice=0).volumes("csf")
    assert row["low"] == row["up"] == row["gap"] == 0 and row["ratio"] is None


def test_classes_are_taken_once(scan):
    made = find_bounds(scan, ["csf", "white matter", "csf"], **QUICK, slice=0)
    assert list(made.classes) == ["csf", "white matter"] and len(made.slices[0].images.low) == 2


def test_a_second_network_is_named_or_found_or_left_out(scan, tmp_path):
    assert find_bounds(scan, ["csf"], **QUICK, slice=0).settings["second"] == "seg-second"
    assert find_bounds(scan, ["csf"], **QUICK, slice=0, second="seg").settings["second"] == "seg"
    (tmp_path / "seg-second.json").unlink()
    made = find_bounds(scan, ["csf"], **QUICK, slice=0)
    assert made.settings["second"] is None and made.volumes("csf")["second"] is None


def test_a_gradient_that_is_not_finite_is_refused(scan, monkeypatch):
    from mrilab.sgr.guidance import Guidance

    loss = Guidance.loss
    monkeypatch.setattr(Guidance, "loss", lambda *arguments: float("nan") * loss(*arguments))
    with pytest.raises(UserError, match="the gradient of the guidance is not finite at sigma"):
        find_bounds(scan, ["csf"], **QUICK, slice=0)


def test_how_the_network_sees_the_images_changes_the_bounds_and_is_noted(scan):
    made = {view: find_bounds(scan, ["csf"], slice=0, **QUICK | {"view": view}) for view in ("plain", "moved")}
    again = find_bounds(scan, ["csf"], slice=0, **QUICK | {"view": "moved"})
    low = {view: result.slices[0].images.low for view, result in made.items()}
    assert not torch.equal(low["plain"], low["moved"]) and torch.equal(again.slices[0].images.low, low["moved"])
    assert made["moved"].summary()["view"] == "moved"
