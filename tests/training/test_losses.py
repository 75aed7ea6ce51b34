import pytest
import torch

from mrilab import evaluation
from mrilab.training.losses import ssim


def images(shape, generator, n=3):
    reference = torch.randn(n, *shape, dtype=torch.complex128, generator=generator)
    reference *= torch.tensor([1.0, 1e-6, 30.0]).reshape(3, 1, 1)  # each image has its own range
    noise = torch.randn(n, *shape, dtype=torch.complex128, generator=generator)
    return reference + 0.3 * reference.abs().mean((1, 2), keepdim=True) * noise, reference


@pytest.mark.parametrize("shape", [(7, 7), (12, 31)])
def test_it_is_the_ssim_of_the_evaluation(shape, generator):
    x, reference = images(shape, generator)
    expected = torch.tensor([evaluation.ssim(*pair) for pair in zip(x, reference, strict=True)], dtype=torch.float64)
    torch.testing.assert_close(ssim(x, reference), expected, atol=1e-12, rtol=0)
    single = ssim(x.to(torch.complex64), reference.to(torch.complex64))
    torch.testing.assert_close(single.double(), expected, atol=1e-5, rtol=0)


def test_the_same_image_has_the_value_1_and_no_slope(generator):
    _, reference = images((12, 12), generator)
    x = reference.clone().requires_grad_()
    values = ssim(x, reference)
    (gradient,) = torch.autograd.grad(values.sum(), x)
    torch.testing.assert_close(values, torch.ones(3, dtype=torch.float64))
    assert (gradient.abs().amax((1, 2)) * reference.abs().amax((1, 2))).max() < 1e-12


def test_gradients_against_finite_differences(generator):
    x, reference = images((8, 9), generator)
    x, reference = x[::2].clone().requires_grad_(), reference[::2]
    assert torch.autograd.gradcheck(lambda x: ssim(x, reference), [x], fast_mode=True)
    x[0].detach()[:] = 0  # magnitudes have a kink there
    (gradient,) = torch.autograd.grad(ssim(x, reference).sum(), x)
    assert torch.isfinite(torch.view_as_real(gradient)).all()
