"""The size of a voxel: from the header where it tells, and a sentence where it does not."""

from pathlib import Path

import pytest
import torch

from mrilab.data.header import header_xml, parse_header
from mrilab.data.scans import Scan, crop_readout, read_scan, write_scan
from mrilab.data.voxels import voxel_size
from mrilab.physics.noise import complex_noise


def scan(header, shape=(32, 40), oversampling=1.0):
    return Scan(
        torch.zeros(1, 1, *shape, dtype=torch.complex64), Path("a.h5"), header=header, oversampling=oversampling
    )


@pytest.mark.parametrize(
    ("header", "oversampling", "size"),
    [
        ({"encoded_matrix": (32, 40, 1), "encoded_fov_mm": (64.0, 60.0, 3.0)}, 1.0, (2.0, 1.5, 3.0)),
        ({"encoded_matrix": (32, 40, 8), "encoded_fov_mm": (64.0, 60.0, 12.0)}, 1.0, (2.0, 1.5, 1.5)),
        # fewer columns in the file than in the header: the field of view stays, so pixels are larger
        ({"encoded_matrix": (32, 44, 1), "encoded_fov_mm": (64.0, 60.0, 3.0)}, 1.0, (2.0, 1.5, 3.0)),
        # oversampling removed here; the header has twice the readout
        (
            {
                "encoded_matrix": (64, 40, 1),
                "encoded_fov_mm": (128.0, 60.0, 3.0),
                "recon_matrix": (32, 40, 1),
                "recon_fov_mm": (64.0, 60.0, 3.0),
            },
            2.0,
            (2.0, 1.5, 3.0),
        ),
        # and removed before the file was written
        (
            {
                "encoded_matrix": (64, 40, 1),
                "encoded_fov_mm": (128.0, 60.0, 3.0),
                "recon_matrix": (32, 40, 1),
                "recon_fov_mm": (64.0, 60.0, 3.0),
            },
            1.0,
            (2.0, 1.5, 3.0),
        ),
    ],
)
def test_field_of_view_over_pixels(header, oversampling, size):
    found, why = voxel_size(scan(header, oversampling=oversampling))
    assert found == pytest.approx(size) and why == ""


@pytest.mark.parametrize(
    ("header", "oversampling", "reason"),
    [
        ({}, 1.0, "has no field of view"),
        ({"encoded_fov_mm": (64.0, 60.0, None)}, 1.0, "has no field of view"),
        (parse_header(header_xml({}, (32, 40))), 1.0, "exactly 1 mm"),
        ({"encoded_matrix": (64, 40, 1), "encoded_fov_mm": (64.0, 60.0, 3.0)}, 2.0, "does not claim"),
        ({"encoded_matrix": (64, 40, 1), "encoded_fov_mm": (64.0, 60.0, 3.0)}, 1.0, "another matrix"),
    ],
)
def test_what_the_header_does_not_tell_is_a_sentence(header, oversampling, reason):
    found, why = voxel_size(scan(header, oversampling=oversampling))
    assert found is None and reason in why and "pixels" in why and "--voxel-mm" in why


def test_a_file_with_oversampling_has_the_voxels_of_the_cropped_one(tmp_path, generator):
    kspace = complex_noise((1, 2, 64, 40), generator)
    both = {"recon_matrix": (32, 40, 1), "recon_fov_mm": (64.0, 60.0, 3.0)}
    write_scan(tmp_path / "a.h5", kspace, header={"encoded_fov_mm": (128.0, 60.0, 3.0), **both})
    cropped = torch.stack([crop_readout(k, 32) for k in kspace])
    write_scan(tmp_path / "b.h5", cropped, header={"encoded_fov_mm": (64.0, 60.0, 3.0)})
    sizes = [voxel_size(read_scan(tmp_path / name))[0] for name in ("a.h5", "b.h5")]
    assert sizes == [pytest.approx((2.0, 1.5, 3.0))] * 2
