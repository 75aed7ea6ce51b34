"""Pairs of k-space points and the redundancy of masks."""

import pytest
import torch

from mrilab.physics.densities import radial, uniform_points
from mrilab.physics.fourier import fft2c
from mrilab.physics.pairs import own_partner, partners, redundancy


@pytest.mark.parametrize("shape", [(6, 8), (7, 5), (6, 5)])
def test_of_a_real_image_partners_are_conjugates(shape, generator):
    kspace = fft2c(torch.randn(shape, generator=generator, dtype=torch.float64).to(torch.complex128))
    torch.testing.assert_close(partners(kspace), kspace.conj().resolve_conj())
    alone = own_partner(shape)
    assert kspace[alone].imag.abs().max() < 1e-12 and alone.sum() == (2 if shape[0] % 2 == 0 else 1) * (
        2 if shape[1] % 2 == 0 else 1
    )


def test_redundancy_by_hand():
    mask = torch.zeros(1, 8, dtype=torch.bool)
    mask[0, [4, 3, 5, 6]] = True  # DC, -1 and +1, and +2 without -2
    assert redundancy(mask, (1, 8)) == pytest.approx(2 / 3)
    mask[0, 4] = False  # DC counts nowhere
    assert redundancy(mask, (1, 8)) == pytest.approx(2 / 3)
    only = torch.zeros(1, 8, dtype=torch.bool)
    only[0, [0, 4]] = True
    assert redundancy(only, (1, 8)) == 0.0


def test_radial_masks_are_all_redundant_and_uniform_ones_as_chance_has_it(generator):
    assert redundancy(radial((64, 64), 513), (64, 64)) == 1.0
    found = [redundancy(uniform_points((64, 64), 1024, generator), (64, 64)) for _ in range(20)]
    assert sum(found) / 20 == pytest.approx(0.25, abs=0.01)
