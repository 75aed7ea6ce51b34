import torch

from mrilab.physics.fourier import fft2c, ifft2c
from mrilab.physics.motion import moved_lines


def test_lines_are_those_of_the_moved_object(generator):
    x = torch.randn(6, 9, dtype=torch.complex128, generator=generator)
    shifts = torch.randint(-2, 3, (9, 2), generator=generator)
    y = moved_lines(x, shifts)
    for line, (down, right) in enumerate(shifts.tolist()):
        assert torch.allclose(y[:, line], fft2c(x.roll((down, right), (0, 1)))[:, line], atol=1e-12)


def test_a_shift_of_all_lines_moves_the_image(generator):
    x = torch.randn(8, 7, dtype=torch.complex128, generator=generator)
    shifts = torch.tensor([3.0, -2.0]).expand(7, 2)
    assert torch.allclose(ifft2c(moved_lines(x, shifts)), x.roll((3, -2), (0, 1)), atol=1e-12)
