"""Training on the user's own scans: what is held out, what an example is, and that it helps."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from own_scans import write_scans

from mrilab.baselines.train import TASKS as UNROLLED
from mrilab.csgm.train import TASKS as PRIORS
from mrilab.data.scans import read_scan, write_scan
from mrilab.errors import UserError
from mrilab.evaluation.metrics import psnr
from mrilab.flat.train import TASKS as FLAT
from mrilab.physics import equispaced_mask, ifft2c
from mrilab.training.engine import fit
from mrilab.training.feed import part_generator
from mrilab.training.own import OwnFolders
from mrilab.training.settings import Settings
from mrilab.training.supervised import acquisition
from mrilab.training.tasks import tasks

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def knees(tmp_path_factory):
    """A folder of nine knees, another of three, and their cache."""
    folder = tmp_path_factory.mktemp("own")
    write_scans(folder / "train", 9)
    write_scans(folder / "val", 3, split="test")
    return folder


def folders(knees, val=False):
    return OwnFolders(knees / "train", knees / "val" if val else None, knees / "cache")


def lines(shape, coils, generator):
    return equispaced_mask(shape, 3, acs=8)


def test_every_eighth_scan_or_the_other_folder_is_held_out(knees):
    pool = folders(knees).pool(32, "lines")
    train, val = ({scan.file for scan, _ in pool.slices[split]} for split in ("train", "val"))
    assert (len(train), len(val)) == (8, 1) and not train & val
    both = folders(knees, val=True).pool(32, "lines")
    assert [len(both.slices[split]) for split in ("train", "val")] == [9, 3] and both.held_out == "the folder val"


def test_a_scan_in_both_folders_is_refused(knees, tmp_path):
    copy = tmp_path / "val" / "another-name.h5"
    copy.parent.mkdir()
    copy.write_bytes((knees / "train" / "patient-03.h5").read_bytes())
    with pytest.raises(UserError, match="both in --data and in --val"):
        OwnFolders(knees / "train", copy.parent, knees / "cache").pool(32, "lines")


def test_of_a_single_scan_the_last_slices_are_held_out_and_a_single_slice_is_refused(knees, tmp_path):
    slices = torch.cat([read_scan(knees / "train" / f"patient-0{n}.h5").kspace for n in range(3)])
    (tmp_path / "scans").mkdir()
    write_scan(tmp_path / "scans" / "volume.h5", slices)
    with pytest.warns(UserWarning, match="one scan only"):
        pool = OwnFolders(tmp_path / "scans", cache=tmp_path / "cache").pool(32, "lines")
    assert [[n for _, n in pool.slices[split]] for split in ("train", "val")] == [[0, 1], [2]]
    write_scan(tmp_path / "scans" / "volume.h5", slices[:1])
    with warnings.catch_warnings(action="ignore"), pytest.raises(UserError, match="nothing is left to train on"):
        OwnFolders(tmp_path / "scans", cache=tmp_path / "cache").pool(32, "lines")


@pytest.mark.parametrize("kind", ["lines", "planes"])
def test_a_full_mask_gives_the_reference_and_units_of_the_zero_filled_quantile(kind, knees):
    pool = folders(knees).pool(20, kind)  # windows of 20 rows, or 32 x 32 cropped to 34 at most

    def everything(shape, coils, generator):
        return torch.ones(1, shape[1], dtype=torch.bool)

    scans = pool.acquisitions(3, everything, part_generator(0, 0, 0), "train")
    assert scans.kspace.shape == (3, 8, 20 if kind == "lines" else 32, 32)
    # sum_c conj(S_c) F^-1 y_c, by numpy
    axes = (-2, -1)
    images = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(scans.kspace.numpy(), axes=axes), norm="ortho"), axes=axes)
    combined = (images * scans.coil_maps.numpy().conj()).sum(1)
    np.testing.assert_allclose(combined, scans.target.numpy(), atol=2e-5)
    if kind == "planes":
        assert np.quantile(np.abs(combined[0]), 0.99) == pytest.approx(1, abs=1e-3)


def test_a_window_is_a_part_of_the_undersampled_scan(knees):
    """The readout may be cut after sampling or before, because every point of it is sampled."""
    pool = folders(knees).pool(20, "lines")
    scan = pool._acquisition(0.0, lines, part_generator(0, 0, 0), "val")
    own, number = pool.slices["val"][0]
    (full,) = own.read(number, "kspace")
    undersampled = ifft2c(full * scan.mask)  # (8, 32, 32)
    window = ifft2c(scan.kspace)  # (8, 20, 32)
    ratios = [undersampled[:, top : top + 20].abs() / window.abs() for top in range(13)]
    assert min(float(ratio.std() / ratio.mean()) for ratio in ratios) < 1e-3  # one place fits, but for the unit


def test_fewer_coils_have_empty_ones_beside_them(knees, tmp_path):
    kspace = read_scan(knees / "train" / "patient-00.h5").kspace
    (tmp_path / "scans").mkdir()
    for n in range(2):
        write_scan(tmp_path / "scans" / f"{n}.h5", kspace[:, n : n + 3])
    pool = OwnFolders(tmp_path / "scans", cache=tmp_path / "cache").pool(32, "lines")
    scan = pool.acquisitions(1, lines, part_generator(0, 0, 0), "train")
    assert scan.kspace[0].abs().amax((1, 2)).gt(0).tolist() == [True] * 3 + [False] * 5
    assert not scan.coil_maps[0, 3:].any()


def test_priors_get_images_of_their_side_that_are_mirrored_in_training_alone(knees):
    pool = folders(knees).pool(24, "images")
    val = pool.images(1, part_generator(0, 0, 0), "val")
    again = pool.images(1, part_generator(0, 1, 0), "val")
    assert val.shape == (1, 24, 24) and val.dtype == torch.complex64 and torch.equal(val, again)
    assert float(torch.quantile(val.abs(), 0.99)) == pytest.approx(1, abs=1e-4)
    seen = {round(float(pool.images(1, part_generator(0, n, 0), "train")[0, 5, 7].abs()), 5) for n in range(40)}
    assert len(seen) > 16  # eight slices, in up to eight ways


@pytest.mark.parametrize("name", ["modl-t2", "modl-horizontal", "varnet-any", "flat-derived-t2", "ista-t2", "score-t2"])
def test_every_kind_of_network_learns_from_own_scans(name, knees):
    known = {**UNROLLED, **FLAT, **PRIORS}[name]
    side = 32
    task = known.build(side, known.profiles["smoke"].width, 0, own=folders(knees))
    batch = task.part(2, part_generator(0, 0, 0), CPU)
    loss = task.loss(task.network, batch)
    loss.backward()
    assert torch.isfinite(loss) and any(parameter.grad is not None for parameter in task.network.parameters())
    assert task.config["own"]["slices"] == {"train": 8, "val": 1}
    said = json.dumps(task.config)
    assert "patient" not in said and str(knees) not in said and "made_as" not in said


def test_segmentation_and_single_coil_networks_take_no_own_scans():
    takers = {name for name, trainable in tasks().items() if trainable.own == "scans"}
    assert {"score-t2", "score-knee", "diffusion-t2", "modl-any", "varnet-heads", "ista-t2"} <= takers
    assert not any(name.startswith("segment") or name.endswith("-single") for name in takers)


@pytest.mark.slow
def test_fine_tuning_on_knees_improves_knees(knees, tmp_path):
    """The network knows heads, and no knee that it is asked about was learned from."""
    write_scans(tmp_path / "heads", 9, "heads-t2-test")
    settings = Settings(60, batch=2, learning_rate=2e-3, warmup=5, ema=0.9, validate_every=1_000)

    def build(folder):
        return FLAT["ista-t2"].build(32, 8, 0, own=OwnFolders(folder, knees / "val", knees / "cache"))

    def quality(network):
        values = []
        with torch.no_grad():
            for fields in zip(*task._fixed, strict=True):  # held-out knees
                batch = tuple(field[None] for field in fields)
                values.append(psnr(task.run(network, batch).image[0], acquisition(batch).target[0]))
        return sum(values) / len(values), task.validate(network)[0]

    start = fit(build(tmp_path / "heads"), settings, tmp_path / "first", progress=False).network
    task = build(knees / "train")
    task.network.load_state_dict(start.state_dict())
    tuned = fit(task, replace(settings, learning_rate=1e-3), tmp_path / "second", progress=False).network
    (before, loss_before), (after, loss_after) = quality(start), quality(tuned)
    assert after > before + 0.1 and loss_after < loss_before, (before, after, loss_before, loss_after)
