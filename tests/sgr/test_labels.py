"""Labels as NIfTI files, read back by nibabel."""

import json
from dataclasses import replace

import nibabel
import numpy as np
import pytest
import torch

from mrilab.errors import UserError
from mrilab.sgr.bounds_result import BoundsResult, Images, SliceBounds
from mrilab.sgr.labels import label_paths, write_labels

NAMES = ("csf", "grey matter", "white matter")


def result(classes=("grey matter",), voxel_mm=(2.0, 1.5, 5.0), slices=2):
    """Slices of 6 x 8 random class maps."""
    generator = torch.Generator().manual_seed(1)
    n = len(classes)

    def one(number):
        low, up = torch.randint(4, (2, n, 6, 8), generator=generator, dtype=torch.uint8)
        unguided = torch.randint(4, (6, 8), generator=generator, dtype=torch.uint8)
        image = torch.zeros(n, 6, 8, dtype=torch.complex64)
        residual = {"residual": {key: [0.0] * n for key in ("low", "up", "unguided")}}
        return SliceBounds(
            number, Images(image, image, image[0]), Images(low, up, unguided), None, residual, 0.0, "acs"
        )

    numbers = {name: 1 + NAMES.index(name) for name in classes}
    settings = {"strength": 0.02}
    mask = torch.ones(1, 8, dtype=torch.bool)
    parts = [one(number) for number in range(slices)]
    return BoundsResult(
        "a.h5", numbers, NAMES, settings, parts, mask, {"mask": "random"}, 4.0, 3.9, 0, voxel_mm, 0.0, 0.0, "cpu"
    )


def names_in(image):
    (extension,) = image.header.extensions
    return json.loads(extension.text)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_nibabel_reads_back_labels_voxels_and_names(tmp_path, ending):
    made = result()
    paths = write_labels(tmp_path / f"out{ending}", made)
    assert [path.name for path in paths] == [f"out-low{ending}", f"out-up{ending}"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)
    for bound, path in zip(("low", "up"), paths, strict=True):
        image = nibabel.load(path)
        labels = np.asarray(image.dataobj)
        assert labels.shape == (6, 8, 2) and labels.dtype == np.uint8
        assert image.header.get_zooms() == (2.0, 1.5, 5.0)
        assert image.header.get_xyzt_units()[0] == "mm" and image.header.get_intent()[0] == "label"
        np.testing.assert_array_equal(image.affine, np.diag([2, 1.5, 5, 1]))
        for n, each in enumerate(made.slices):
            expected = getattr(each.first, bound)[0].numpy() == 2
            np.testing.assert_array_equal(labels[..., n], 2 * expected)
        assert names_in(image) == {"0": "background", "1": "csf", "2": "grey matter", "3": "white matter"}
        voxels = np.count_nonzero(labels) * np.prod(image.header.get_zooms()) / 1000
        assert voxels == pytest.approx(made.volumes("grey matter")[bound])


def test_labels_lie_where_the_scan_lies(tmp_path):
    affine = np.array([[0.0, 1.5, 0, 3], [2, 0, 0, -4], [0, 0, -5, 6], [0, 0, 0, 1]])
    for path in write_labels(tmp_path / "out.nii.gz", replace(result(), affine=affine)):
        image = nibabel.load(path)
        np.testing.assert_array_equal(image.affine, affine)
        assert image.header["sform_code"] == 1 and image.header.get_zooms() == (2.0, 1.5, 5.0)


def test_classes_have_volumes_of_their_own_because_bounds_overlap(tmp_path):
    made = result(("white matter", "csf"))
    labels = np.asarray(nibabel.load(write_labels(tmp_path / "out.nii", made)[1]).dataobj)
    assert labels.shape == (6, 8, 2, 2)
    for k, c in enumerate((3, 1)):
        for n, each in enumerate(made.slices):
            np.testing.assert_array_equal(labels[..., n, k], c * (each.first.up[k].numpy() == c))


def test_without_a_size_voxels_have_sides_of_one_and_no_unit(tmp_path):
    image = nibabel.load(write_labels(tmp_path / "out.nii.gz", result(voxel_mm=None))[0])
    assert image.header.get_zooms() == (1.0, 1.0, 1.0) and image.header.get_xyzt_units()[0] == "unknown"


def test_the_same_labels_give_the_same_bytes(tmp_path):
    first, second = (write_labels(tmp_path / name, result())[0].read_bytes() for name in ("a.nii.gz", "b.nii.gz"))
    assert first == second


@pytest.mark.parametrize("name", ["out.nrrd", "out", "out.gz", ".nii", ".nii.gz", "out.nii.bz2"])
def test_other_endings_are_refused(name):
    with pytest.raises(UserError, match=r"must end in \.nii or \.nii\.gz"):
        label_paths(name)
