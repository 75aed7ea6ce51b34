"""Whitening and compression in the pipeline."""

import h5py
import pytest
import torch

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import random_ellipses
from mrilab.data.scans import write_scan
from mrilab.errors import UserError
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.physics.noise import complex_noise

SHAPE, COILS = (96, 100), 8


@pytest.fixture
def noisy(tmp_path, generator):
    """A scan whose coil 3 has 100 times the noise of the others, without and with a noise measurement."""
    fine = (2 * SHAPE[0], 2 * SHAPE[1])
    image = random_ellipses(8, generator).image(fine)
    deviations = torch.full((COILS, 1, 1), 0.005)
    deviations[3] = 0.5
    kspace = simulate_scan(image, random_array(COILS, generator).maps(fine), SHAPE)
    kspace = kspace + deviations * complex_noise(kspace.shape, generator)
    write_scan(tmp_path / "plain.h5", kspace[None])
    write_scan(tmp_path / "measured.h5", kspace[None])
    with h5py.File(tmp_path / "measured.h5", "a") as file:
        file["noise"] = (deviations[:, 0] * complex_noise((COILS, 2000), generator)).numpy()
    return tmp_path


def test_a_noisy_coil_does_no_harm_where_the_noise_is_known(noisy):
    measured = reconstruct(noisy / "measured.h5", "cg-sense", acceleration=3)
    with pytest.warns(UserWarning, match="so the coils are whitened by the image's background"):
        background = reconstruct(noisy / "plain.h5", "cg-sense", acceleration=3)
    plain = reconstruct(noisy / "plain.h5", "cg-sense", acceleration=3, whiten="no")
    sources = [each.summary()["whitened"] for each in (measured, background, plain)]
    assert sources == ["noise measurement", "background", "no"]
    assert min(measured.metrics["psnr"], background.metrics["psnr"]) > plain.metrics["psnr"] + 8


def test_fewer_coils_give_nearly_the_same_image_and_are_said(noisy):
    full = reconstruct(noisy / "measured.h5", "cg-sense", acceleration=2)
    few = reconstruct(noisy / "measured.h5", "cg-sense", acceleration=2, coils=5)
    assert few.summary()["coils"] == 5 and 0.9 < few.summary()["coils_energy"] <= 1
    assert abs(few.metrics["psnr"] - full.metrics["psnr"]) < 2
    rows = reconstruct(noisy / "measured.h5", "cg-sense", acceleration=2, direction="horizontal", coils=5)
    assert rows.summary()["coils"] == 5
    assert "coils" not in reconstruct(noisy / "measured.h5", "zero-filled", acceleration=2, coils=99).summary()


def test_a_prescan_is_combined_as_the_scan_is(noisy):
    result = reconstruct(noisy / "measured.h5", "cg-sense", acceleration=4, coils=6, maps_from="prescan")
    assert result.maps_from == "prescan 24x24" and result.summary()["coils"] == 6


@pytest.mark.parametrize(
    "options, message", [({"whiten": "yes"}, "choose one of auto, no"), ({"coils": 0}, "--coils 0")]
)
def test_impossible_wishes_are_refused(noisy, options, message):
    with pytest.raises(UserError, match=message):
        reconstruct(noisy / "measured.h5", "cg-sense", acceleration=4, **options)


def test_noise_of_other_coils_is_refused(noisy):
    with h5py.File(noisy / "measured.h5", "a") as file:
        del file["noise"]
        file["noise"] = complex_noise((COILS - 1, 500), None).numpy()
    with pytest.raises(UserError, match="give --whiten no"):
        reconstruct(noisy / "measured.h5", "cg-sense", acceleration=4)
