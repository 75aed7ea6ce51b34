"""Affines of NIfTI files: the right voxel lies at the right millimetre."""

import nibabel
import numpy as np
import pytest

from mrilab.data.nifti import write_nifti
from mrilab.data.orientation import voxel_affine

VOXEL, SHAPE, SLICES = (1.5, 2.0, 4.0), (12, 9), 5
LPS_TO_RAS = np.array([-1, -1, 1])


def oblique(seed=1):
    """Three perpendicular unit vectors (read, phase, slice)."""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0].T


def attributes(read, phase, normal, gap=1.0, centre=(10.0, -20.0, 30.0)):
    position = np.array(centre) + gap * VOXEL[2] * np.arange(SLICES)[:, None] * normal
    repeated = {"read_dir": read, "phase_dir": phase, "slice_dir": normal}
    return {"position": position, **{name: np.tile(each, (SLICES, 1)) for name, each in repeated.items()}}


@pytest.mark.parametrize("gap", [1.0, 1.25, -1.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_voxel_lies_where_positions_and_directions_say(tmp_path, gap, seed):
    read, phase, normal = oblique(seed)
    affine, why = voxel_affine(attributes(read, phase, normal, gap), VOXEL, SHAPE, range(SLICES))
    assert why == ""
    write_nifti(tmp_path / "a.nii.gz", np.zeros((*SHAPE, SLICES), np.float32), VOXEL, "test", affine=affine)
    image = nibabel.load(tmp_path / "a.nii.gz")
    for i, j, k in [(0, 0, 0), (6, 4, 0), (11, 8, 4), (3, 7, 2)]:
        offset = (i - 6) * 1.5 * read + (j - 4) * 2.0 * phase + gap * 4.0 * k * normal
        expected = LPS_TO_RAS * (np.array([10.0, -20.0, 30.0]) + offset)
        for matrix in (image.affine, image.get_qform()):
            np.testing.assert_allclose(nibabel.affines.apply_affine(matrix, (i, j, k)), expected, atol=1e-3)
    assert image.header["sform_code"] == image.header["qform_code"] == 1  # the scanner's own coordinates
    np.testing.assert_allclose(image.header.get_zooms(), (1.5, 2.0, 4.0 * abs(gap)), rtol=1e-5)


def test_axes_have_the_letters_of_the_patient():
    head_to_foot, to_the_right, to_the_front = np.array([[0, 0, -1], [-1, 0, 0], [0, -1, 0]])  # LPS
    affine, _ = voxel_affine(attributes(head_to_foot, to_the_right, to_the_front), VOXEL, SHAPE, range(SLICES))
    assert nibabel.aff2axcodes(affine) == ("I", "R", "A")


def test_slices_that_were_reconstructed_keep_their_own_positions():
    read, phase, normal = oblique()
    whole, _ = voxel_affine(attributes(read, phase, normal), VOXEL, SHAPE, range(SLICES))
    one, _ = voxel_affine(attributes(read, phase, normal), VOXEL, SHAPE, [3])
    np.testing.assert_allclose(one @ [2, 5, 0, 1], whole @ [2, 5, 3, 1])


def test_what_no_affine_can_say_is_said():
    read, phase, normal = oblique()
    attrs = attributes(read, phase, normal)
    assert voxel_affine({}, VOXEL, SHAPE, range(SLICES)) == (None, "")
    turned = attrs | {"read_dir": attrs["phase_dir"] * np.arange(SLICES)[:, None]}
    uneven = attrs | {"position": attrs["position"] * (1 + 0.3 * np.arange(SLICES)[:, None] ** 2)}
    same = attrs | {"position": np.tile(attrs["position"][:1], (SLICES, 1))}
    flat = attrs | {"phase_dir": attrs["read_dir"]}
    few = attrs | {"position": attrs["position"][:2]}
    cases = {"parallel": turned, "equally spaced": uneven, "along a line": same, "one plane": flat, "do not fit": few}
    for words, case in cases.items():
        affine, why = voxel_affine(case, VOXEL, SHAPE, range(SLICES))
        assert affine is None and words in why
