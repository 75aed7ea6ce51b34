"""The size of a scan's voxels, from what its header says, where that can be trusted."""

import math

from mrilab.data.header import oversampling_in
from mrilab.data.scans import Scan
from mrilab.errors import UserError

HOW = "give the size of a voxel in mm with --voxel-mm HEIGHT WIDTH THICKNESS"


def voxel_size(scan: Scan) -> tuple[tuple[float, float, float] | None, str]:
    """Return height (along the readout), width and thickness of a voxel in mm, and an empty text.

    Where the header does not tell, the size is None, and the text is a sentence that says why and what to do. A pixel
    of exactly 1 x 1 x 1 mm is not believed: `header_xml` writes it where nothing is known.
    """
    header, name = scan.header, scan.path.name
    encoded, matrix = header.get("encoded_fov_mm"), header.get("encoded_matrix")
    height, width = scan.shape
    read = round(height * scan.oversampling)  # readout points in the file
    if encoded is None or not encoded[2] or encoded[2] <= 0:
        return None, f"{name} has no field of view, so volumes are in pixels; {HOW}"
    claimed = oversampling_in(header, read) or 1.0
    if scan.oversampling > 1 and abs(claimed / scan.oversampling - 1) > 1 / height:
        text = f"the header of {name} does not claim the readout oversampling that was removed"
        return None, f"{text}, so volumes are in pixels; {HOW}"
    along = encoded[0] / scan.oversampling
    if matrix and matrix[0] != read:  # somebody has removed oversampling before the file was written
        if header.get("recon_matrix", (0,))[0] != height or "recon_fov_mm" not in header:
            return None, f"the header of {name} is of another matrix, so volumes are in pixels; {HOW}"
        along = header["recon_fov_mm"][0]
    partitions = matrix[2] if matrix and matrix[2] else 1
    size = (along / height, encoded[1] / width, encoded[2] / partitions)
    if all(math.isclose(mm, 1.0, rel_tol=1e-6) for mm in size):
        text = f"the header of {name} has voxels of exactly 1 mm, which stand where nothing is known"
        return None, f"{text}, so volumes are in pixels; {HOW}"
    return size, ""


def check_voxel(voxel_mm: tuple[float, float, float] | None) -> None:
    """Raise UserError where the size of a voxel in mm is given and cannot be one."""
    if voxel_mm is not None and not all(0 < mm < math.inf for mm in voxel_mm):
        raise UserError("the size of a voxel must be three numbers of mm above 0: height, width and thickness")
