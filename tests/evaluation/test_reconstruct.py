"""The pipeline from a scan to an image with its figures of merit."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import random_ellipses
from mrilab.data.masks import write_mask
from mrilab.data.scans import read_scan, write_scan
from mrilab.errors import UserError
from mrilab.evaluation.metrics import psnr, psnr_volume, ssim_volume
from mrilab.evaluation.panel import draw_panel, write_panel
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.methods import registry
from mrilab.methods.registry import Reconstruction, method
from mrilab.physics import SenseModel, cg_sense, equispaced_mask, estimate_maps, mvue, normalise_maps
from mrilab.physics.fourier import centre_crop, centre_pad, fft2c, ifft2c
from mrilab.physics.noise import complex_noise

SHAPE = (96, 100)


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    """Two slices of ellipses, six coils, raw scanner units."""
    generator = torch.Generator().manual_seed(5)
    fine = (2 * SHAPE[0], 2 * SHAPE[1])
    images = torch.stack([random_ellipses(10, generator).image(fine) for _ in range(2)])
    kspace = 1e-6 * simulate_scan(images, random_array(6, generator).maps(fine), SHAPE, 0.01, generator)
    path = tmp_path_factory.mktemp("scans") / "volume.h5"
    write_scan(path, kspace, attrs={"noise_std": 1e-8})
    return path


@pytest.fixture
def uncertain(monkeypatch):
    """A method with uncertainty and samples, drawn from the generator it is given."""
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))

    @method("uncertain")
    def uncertain(y, model, *, generator, progress, samples: int = 3):
        """Zero-filled plus noise."""
        image = model.adjoint(y)
        drawn = []
        for _ in progress(range(samples)):
            noise = complex_noise(image.shape, generator)
            drawn.append(image + noise.to(image) * image.abs().max() / 100)
        drawn = torch.stack(drawn)
        return Reconstruction(drawn.mean(0), drawn.abs().std(0), drawn)

    return "uncertain"


def test_it_is_the_steps_written_out(volume):
    result = reconstruct(volume, "cg-sense", acceleration=4, slice=1, iterations=7)
    kspace = read_scan(volume).kspace[1]
    mask = equispaced_mask(SHAPE, 4)
    maps, maps_from = estimate_maps(kspace * mask, mask)
    image = cg_sense(kspace * mask, SenseModel(maps, mask), iterations=7)
    everything = torch.ones(1, 1, dtype=torch.bool)
    reference = mvue(kspace, estimate_maps(kspace, everything)[0])
    (one,) = result.slices
    assert one.number == 1 and result.maps_from == maps_from == "acs 24x8"
    assert torch.equal(result.mask, mask) and result.nominal_acceleration == 4
    assert result.effective_acceleration == pytest.approx(100 / int(mask.sum()))
    torch.testing.assert_close(one.image, image)
    torch.testing.assert_close(one.reference, reference)
    assert one.metrics["psnr"] == psnr(image, reference)
    assert one.metrics["psnr_masked"] == psnr(image, reference, masked=True)


def test_a_volume_is_its_slices(volume):
    whole = reconstruct(volume, "zero-filled", acceleration=3, mask="random", seed=4)
    assert [one.number for one in whole.slices] == [0, 1]
    for one in whole.slices:
        alone = reconstruct(volume, "zero-filled", acceleration=3, mask="random", seed=4, slice=one.number)
        assert torch.equal(alone.mask, whole.mask) and torch.equal(alone.slices[0].image, one.image)
    assert whole.metrics["ssim"] == pytest.approx(np.mean([one.metrics["ssim"] for one in whole.slices]))
    images, references = whole.stack("image"), whole.stack("reference")
    assert whole.summary()["psnr_volume"] == psnr_volume(images, references)
    assert whole.summary()["ssim_volume"] == ssim_volume(images, references)
    in_memory = reconstruct(read_scan(volume), "zero-filled", acceleration=3, mask="random", seed=4)
    assert torch.equal(in_memory.stack("image"), whole.stack("image"))


def test_seeds_choose_the_mask_and_the_samples(volume, uncertain):
    def run(seed):
        return reconstruct(volume, uncertain, acceleration=2, mask="random", seed=seed, slice=0)

    first, again, other = run(1), run(1), run(2)
    assert torch.equal(first.mask, again.mask) and not torch.equal(first.mask, other.mask)
    assert torch.equal(first.slices[0].samples, again.slices[0].samples)


def test_undersampling_is_better_undone_than_left(volume):
    quality = {
        name: reconstruct(volume, name, acceleration=3).metrics["psnr_masked"]
        for name in ("zero-filled", "cg-sense", "l1-wavelet")
    }
    assert quality["cg-sense"] > quality["zero-filled"] + 3
    assert quality["l1-wavelet"] > quality["zero-filled"] + 3


def test_full_sampling_gives_the_reference_back(volume):
    result = reconstruct(volume, "zero-filled", acceleration=1)
    assert result.effective_acceleration == 1
    assert result.metrics["nrmse"] < 1e-6


def test_a_prospective_scan_is_taken_as_it_is(volume, tmp_path):
    kspace = read_scan(volume).kspace
    mask = equispaced_mask(SHAPE, 3)
    write_scan(tmp_path / "prospective.h5", kspace * mask, mask)
    result = reconstruct(tmp_path / "prospective.h5", "cg-sense", use_mask=True)
    retrospective = reconstruct(volume, "cg-sense", acceleration=3)
    torch.testing.assert_close(result.stack("image"), retrospective.stack("image"), rtol=1e-5, atol=1e-12)
    assert result.nominal_acceleration is None and set(result.metrics.values()) == {None}
    assert result.effective_acceleration == retrospective.effective_acceleration
    automatic = reconstruct(tmp_path / "prospective.h5", "cg-sense")
    assert torch.equal(automatic.stack("image"), result.stack("image"))
    with pytest.raises(UserError, match="is undersampled, so it holds no prescan"):
        reconstruct(tmp_path / "prospective.h5", "cg-sense", maps_from="prescan")


def test_padding_counts_neither_as_sampled_nor_as_available(volume, tmp_path):
    kspace = read_scan(volume, slice=0).kspace.clone()
    kspace[..., :10], kspace[..., 90:] = 0, 0
    write_scan(tmp_path / "padded.h5", kspace)
    result = reconstruct(tmp_path / "padded.h5", "zero-filled", acceleration=4)
    assert not result.mask[:, :10].any() and not result.mask[:, 90:].any()
    assert result.effective_acceleration == pytest.approx(80 / int(result.mask.sum()))


def test_maps_from_a_prescan(volume, tmp_path):
    own = reconstruct(volume, "cg-sense", acceleration=8, maps_from="prescan")
    assert own.maps_from == "prescan 24x24"
    kspace = read_scan(volume).kspace
    write_scan(tmp_path / "prescan.h5", kspace[..., 32:64, 34:66])
    separate = reconstruct(volume, "cg-sense", acceleration=8, prescan=tmp_path / "prescan.h5")
    assert separate.maps_from == "prescan 24x24"
    torch.testing.assert_close(separate.stack("image"), own.stack("image"))
    with pytest.warns(UserWarning, match="coil maps at low resolution"):
        acs = reconstruct(volume, "cg-sense", acceleration=8)  # 4 lines and a neighbour
    assert acs.maps_from == "low-resolution acs 24x5"
    assert own.metrics["psnr"] > acs.metrics["psnr"]
    write_scan(tmp_path / "others.h5", kspace[:, :2])
    with pytest.raises(UserError, match="the prescan has 2 coils, the scan 6"):
        reconstruct(volume, "cg-sense", acceleration=8, prescan=tmp_path / "others.h5")
    write_scan(tmp_path / "three.h5", kspace[[0, 1, 0]])
    with pytest.raises(UserError, match="the prescan has 3 slices, the scan 2"):
        reconstruct(volume, "cg-sense", acceleration=8, prescan=tmp_path / "three.h5")
    lines = torch.arange(100)[None] % 2 == 0
    write_scan(tmp_path / "holes.h5", kspace * lines, lines)
    with pytest.raises(UserError, match="is undersampled; coil maps need a fully sampled one"):
        reconstruct(volume, "cg-sense", acceleration=8, prescan=tmp_path / "holes.h5")


def test_own_maps_take_the_place_of_estimates(volume, tmp_path):
    """A centre that is not sampled leaves nothing to estimate from; the reference stays what it is without them."""
    scan = read_scan(volume)
    everything = torch.ones(1, 1, dtype=torch.bool)
    maps = torch.stack([estimate_maps(kspace, everything)[0] for kspace in scan.kspace])
    np.save(tmp_path / "maps.npy", maps.numpy())
    mask = torch.arange(SHAPE[1])[None] % 3 == 0
    np.save(tmp_path / "mask.npy", mask.numpy())
    options = {"mask": str(tmp_path / "mask.npy"), "iterations": 5}
    result = reconstruct(volume, "cg-sense", maps=tmp_path / "maps.npy", **options)
    assert result.maps_from == "file maps.npy"
    for one, kspace, own in zip(result.slices, scan.kspace, maps, strict=True):
        torch.testing.assert_close(one.image, cg_sense(kspace * mask, SenseModel(own, mask), iterations=5))
    single = reconstruct(volume, "cg-sense", maps=maps[1], slice=1, **options)
    assert single.maps_from == "given" and torch.equal(single.slices[0].image, result.slices[1].image)
    estimated = reconstruct(volume, "zero-filled", acceleration=2)
    assert torch.equal(result.stack("reference"), estimated.stack("reference"))
    fewer = normalise_maps(maps[:, :4])
    for other, message in ((fewer, "have 4 coils and 96 x 100"), (maps[[0, 1, 0]], "have 3 slices")):
        with pytest.raises(UserError, match=message):
            reconstruct(volume, "cg-sense", maps=other, **options)
    with pytest.raises(UserError, match="have 6 coils and 48 x 100 pixels, .* 6 and 96 x 100; they are not resized"):
        reconstruct(volume, "cg-sense", maps=maps[..., ::2, :], **options)
    with pytest.raises(UserError, match="--maps and --prescan exclude each other"):
        reconstruct(volume, "cg-sense", maps=maps, prescan=volume, acceleration=2)
    with pytest.raises(UserError, match="--maps and --maps-from prescan exclude each other"):
        reconstruct(volume, "cg-sense", maps=maps, maps_from="prescan", acceleration=2)
    with pytest.raises(UserError, match="varnet estimates coil maps of its own"):
        reconstruct(volume, "varnet", maps=maps, acceleration=2)


def test_the_file_holds_images_and_where_they_come_from(volume, uncertain, tmp_path):
    result = reconstruct(volume, uncertain, acceleration=4, seed=3, samples=5)
    result.write(tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        np.testing.assert_array_equal(file["reconstruction_complex"], result.stack("image"))
        assert file["reconstruction"].shape == file["uncertainty"].shape == (2, *SHAPE)
        assert file["samples"].shape == (2, 5, *SHAPE)
        attrs = dict(file.attrs)
    assert attrs["method"] == "uncertain" and json.loads(attrs["options"]) == {"samples": 5}
    assert attrs["maps_from"] == "acs 24x8" and attrs["seed"] == 3 and attrs["noise_std"] == 1e-8
    assert attrs["nominal_acceleration"] == 4 and attrs["mask_kind"] == "equispaced"
    assert attrs["effective_acceleration"] == result.effective_acceleration
    assert attrs["psnr"] == result.metrics["psnr"] and json.loads(attrs["slices"]) == [0, 1]
    assert {"mrilab_version", "torch_version", "commit", "device"} <= set(attrs)


def test_a_method_that_breaks_is_named_not_saved(volume, monkeypatch):
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    method("broken")(lambda y, model, *, generator, progress: model.adjoint(y) / 0)
    with pytest.raises(UserError, match="no finite image of slice 0"):
        reconstruct(volume, "broken", acceleration=2)


def titles(figure):
    return [axis.get_title() for axis in figure.axes if axis.get_title()]


@pytest.mark.skipif(sys.platform != "linux", reason="the parent's memory is inherited on Linux")
def test_memory_is_that_of_the_process_not_of_its_parent():
    held = np.ones(2**27)  # 1 GiB
    code = "import torch; from mrilab.machine import peak_memory as m; print(m(torch.device('cpu')))"
    child = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert 2**26 < child < held.nbytes


def test_the_panel_shows_reference_reconstruction_error_and_mask(volume):
    result = reconstruct(volume, "zero-filled", acceleration=4)
    figure = draw_panel(result, slice=0)
    assert [title.split()[0].rstrip(":") for title in titles(figure)] == [
        "reference",
        "zero-filled",
        "error",
        "mask",
    ]
    images = [axis.images[0].get_array() for axis in figure.axes if axis.get_title()]
    one = result.slices[0]
    np.testing.assert_allclose(images[2], 5 * (one.image.abs() - one.reference.abs()).abs(), rtol=1e-5)
    np.testing.assert_array_equal(images[3], result.mask.expand(SHAPE))
    assert "x 5" in titles(figure)[2] and "nominal 4, effective 3.2" in titles(figure)[3]


def test_the_panel_without_reference_and_with_uncertainty(volume, uncertain, tmp_path):
    mask = equispaced_mask(SHAPE, 3)
    write_scan(tmp_path / "prospective.h5", read_scan(volume).kspace * mask, mask)
    result = reconstruct(tmp_path / "prospective.h5", uncertain)
    write_panel(tmp_path / "out.png", result)
    assert [title.split()[0].rstrip(":") for title in titles(draw_panel(result))] == [
        "zero-filled", "uncertain", "uncertainty", "mask",
    ]  # fmt: skip
    from PIL import Image

    with Image.open(tmp_path / "out.png") as picture:
        assert picture.width > 800 and "Panels from left to right: zero-filled" in picture.text["Description"]


@pytest.mark.real
def test_the_real_brain_reaches_what_was_asked(real_scans):
    """Issue 2: at R = 4 CG-SENSE gains 5 dB over zero-filled and L1-wavelet 8 dB."""
    quality = {
        name: reconstruct(real_scans / "brain-16ch.h5", name, acceleration=4)
        for name in ("zero-filled", "cg-sense", "l1-wavelet")
    }
    assert quality["cg-sense"].effective_acceleration == pytest.approx(3.2)
    psnr = {name: result.metrics["psnr"] for name, result in quality.items()}
    assert psnr["cg-sense"] >= psnr["zero-filled"] + 5
    assert psnr["l1-wavelet"] >= psnr["zero-filled"] + 8


@pytest.mark.real
def test_the_other_real_scans_reconstruct(real_scans):
    brain = reconstruct(real_scans / "brain-8ch-undersampled.h5", "l1-wavelet", use_mask=True)
    assert brain.effective_acceleration == pytest.approx(8.04, abs=0.01) and brain.metrics["psnr"] is None
    with pytest.warns(UserWarning, match="oversampled by 2"):
        phantom = reconstruct(real_scans / "phantom-2ch-oversampled.h5", "l1-wavelet", acceleration=2)
    assert phantom.slices[0].image.shape == (160, 160)


@pytest.mark.real
def test_langevin_runs_on_the_real_brain_from_the_command_line(real_scans, tmp_path):
    """Few levels and samples: that it works; its quality is measured by hand, as it takes minutes."""
    from typer.testing import CliRunner

    from mrilab.cli import app

    out = tmp_path / "brain.h5"
    options = "--method langevin --acceleration 4 --mask equispaced --samples 2 --levels 20 --json --out".split()
    done = CliRunner().invoke(app, ["recon", str(real_scans / "brain-16ch.h5"), *options, str(out)])
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert summary["psnr"] > 30 and summary["options"]["samples"] == 2
    with h5py.File(out) as file:
        assert file["samples"].shape[1] == 2 and file["uncertainty"].shape == file["reconstruction"].shape


@pytest.mark.real
@pytest.mark.parametrize("first", range(4))
def test_flat_beats_the_classical_image_of_the_real_brain_wherever_the_lines_begin(first, real_scans, tmp_path):
    """A network that knew masks from line 0 on alone lost up to ten decibels at the others."""
    lines = torch.zeros(1, 128, dtype=torch.bool)
    lines[:, first::4], lines[:, 59:69] = True, True
    write_mask(tmp_path / "lines.npy", lines, {})
    asked = {"mask": str(tmp_path / "lines.npy")}
    scan = real_scans / "brain-16ch.h5"
    classical = reconstruct(scan, "l1-wavelet", **asked).metrics["psnr"]
    flat = reconstruct(scan, "flat", **asked, safety=True)
    assert flat.metrics["psnr"] > classical and flat.flagged == []


def test_padding_is_put_back_around_what_was_acquired(volume, tmp_path):
    """The method sees the acquired grid, and the image is its zero-filled k-space."""
    scan = read_scan(volume, 0)
    small = centre_crop(scan.kspace, (90, 80))
    write_scan(tmp_path / "small.h5", small)
    write_scan(tmp_path / "padded.h5", centre_pad(small, SHAPE))
    of_small = reconstruct(tmp_path / "small.h5", "cg-sense", acceleration=1).slices[0]
    of_padded = reconstruct(tmp_path / "padded.h5", "cg-sense", acceleration=1).slices[0]
    for name in ("image", "reference", "zero_filled"):
        expected = ifft2c(centre_pad(fft2c(getattr(of_small, name)), SHAPE))
        torch.testing.assert_close(getattr(of_padded, name), expected, rtol=1e-4, atol=1e-10)


def test_padding_does_not_count_as_sampled(volume, tmp_path, uncertain):
    scan = read_scan(volume, 0)
    columns = (torch.arange(100)[None] >= 4) & (torch.arange(100)[None] < 96)
    write_scan(tmp_path / "padded.h5", scan.kspace * columns)
    result = reconstruct(tmp_path / "padded.h5", uncertain, acceleration=4)
    mask = equispaced_mask(SHAPE, 4) & columns
    assert torch.equal(result.mask, mask) and result.effective_acceleration == 92 / int(mask.sum())
    (only,) = result.slices
    assert only.uncertainty.shape == SHAPE and only.samples.shape == (3, *SHAPE) and (only.uncertainty >= 0).all()


def test_a_mask_beside_full_data_samples_them_and_has_a_reference(volume, tmp_path):
    scan, lines = read_scan(volume, 0), equispaced_mask(SHAPE, 4)
    write_scan(tmp_path / "both.h5", scan.kspace, mask=lines)
    with pytest.warns(UserWarning, match="measured against the full data"):
        own = reconstruct(tmp_path / "both.h5", "cg-sense")
        other = reconstruct(tmp_path / "both.h5", "cg-sense", acceleration=2)
    asked = reconstruct(volume, "cg-sense", acceleration=4, slice=0)
    assert torch.equal(own.slices[0].image, asked.slices[0].image) and own.metrics == asked.metrics
    assert own.sampling == {"mask": "of the file"} and other.effective_acceleration < 2


def test_a_volume_with_a_bad_slice_gives_the_others(volume, tmp_path):
    kspace = read_scan(volume).kspace
    write_scan(tmp_path / "bad.h5", torch.cat([kspace, torch.zeros_like(kspace[:1])]))
    with pytest.warns(UserWarning, match="1 of 3 slices are left out"):
        result = reconstruct(tmp_path / "bad.h5", "zero-filled", acceleration=4)
    assert [each.number for each in result.slices] == [0, 1]


def test_a_prescan_of_a_wider_view_is_resampled(volume, tmp_path):
    """A prescan of 1.5 times the view, made of the same images, gives nearly the maps of one of the same view."""
    scan = read_scan(volume, 0)
    header = {"encoded_fov_mm": (192.0, 200.0, 5.0)}
    wide = fft2c(centre_pad(ifft2c(scan.kspace), (144, 150)))
    write_scan(tmp_path / "scan.h5", scan.kspace, header=header)
    write_scan(tmp_path / "same.h5", scan.kspace, header=header)
    write_scan(tmp_path / "wide.h5", wide, header={"encoded_fov_mm": (288.0, 300.0, 5.0)})
    asked = {"acceleration": 4, "slice": 0}
    same = reconstruct(tmp_path / "scan.h5", "cg-sense", prescan=tmp_path / "same.h5", **asked)
    with pytest.warns(UserWarning, match="resampled to the scan"):
        resampled = reconstruct(tmp_path / "scan.h5", "cg-sense", prescan=tmp_path / "wide.h5", **asked)
    assert psnr(resampled.slices[0].image, same.slices[0].image) > 50
    with pytest.raises(UserError, match="give one that covers the scan"):
        reconstruct(tmp_path / "wide.h5", "cg-sense", prescan=tmp_path / "same.h5", **asked)


def test_a_prescan_in_memory_knows_its_slices(volume):
    one = read_scan(volume, 1)
    assert reconstruct(volume, "zero-filled", acceleration=4, slice=1, prescan=one).maps_from == "prescan 24x24"
    with pytest.raises(UserError, match="slice 0 was not read from the prescan"):
        reconstruct(volume, "zero-filled", acceleration=4, slice=0, prescan=one)
