"""Coil compression: what it keeps, and that compressed data reconstruct to the same image."""

import pytest
import torch

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.anatomy.ellipsoids import random_ellipses
from mrilab.errors import UserError
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.classical import cg_sense
from mrilab.physics.coils import estimate_maps
from mrilab.physics.compression import combine, combine_along, compression_matrix, geometric_matrices, kept_energy
from mrilab.physics.fourier import ifft1c
from mrilab.physics.sampling import equispaced_mask

SHAPE, COILS = (48, 56), 16


@pytest.fixture(scope="module")
def kspace():
    generator = torch.Generator().manual_seed(2)
    fine = (2 * SHAPE[0], 2 * SHAPE[1])
    image = random_ellipses(8, generator).image(fine)
    return simulate_scan(image, random_array(COILS, generator).maps(fine), SHAPE, 0.002, generator)


def test_the_matrix_holds_the_largest_singular_vectors(kspace):
    matrix = compression_matrix(kspace, 4)
    torch.testing.assert_close(matrix @ matrix.mH, torch.eye(4, dtype=matrix.dtype), atol=1e-5, rtol=0)
    values = torch.linalg.svdvals(kspace.flatten(1))
    expected = float(values[:4].square().sum() / values.square().sum())
    assert kept_energy(kspace, matrix) == pytest.approx(expected, rel=1e-4)


def test_all_coils_keep_everything(kspace):
    matrix = compression_matrix(kspace, COILS)
    torch.testing.assert_close(combine(matrix.mH, combine(matrix, kspace)), kspace, atol=1e-4, rtol=0)


def test_each_position_of_the_readout_keeps_more_with_its_own_matrix(kspace):
    lines = kspace[..., 16:40]
    hybrid = ifft1c(lines, -2)
    shared, own = compression_matrix(lines, 3), geometric_matrices(lines, 3)
    of_own = combine_along(own, lines).abs().square().sum() / hybrid.abs().square().sum()
    assert own.shape == (SHAPE[0], 3, COILS) and of_own > kept_energy(lines, shared)


def test_virtual_coils_of_neighbouring_positions_are_aligned(kspace):
    """Else they would jump along the readout. Unaligned singular vectors have any phase, and change places."""
    own = geometric_matrices(kspace[..., 16:40], 3)
    overlap = torch.einsum("hvc,hvc->hv", own[1:], own[:-1].conj())
    inside = slice(8, 40)  # where the object is
    assert overlap.real[inside].mean() > 0.9


@pytest.mark.parametrize("kind", ["shared", "own"])
def test_the_compressed_scan_reconstructs_to_the_same_image(kspace, kind):
    mask = equispaced_mask(SHAPE, 2, acs=16)
    lines = kspace[..., 20:36]
    if kind == "shared":
        few = combine(compression_matrix(lines, 8), kspace)
    else:
        few = combine_along(geometric_matrices(lines, 8), kspace)
    images = []
    for each in (kspace, few):
        maps, _ = estimate_maps(each, mask)
        images.append(cg_sense(each * mask, SenseModel(maps, mask)).abs())
    assert (images[1] - images[0]).norm() < 0.03 * images[0].norm()


@pytest.mark.parametrize("coils", [0, COILS + 1])
def test_impossible_numbers_of_coils_are_refused(kspace, coils):
    with pytest.raises(UserError, match=f"{COILS} coils cannot be compressed to {coils}"):
        compression_matrix(kspace, coils)
