import torch

from mrilab.physics.noise import complex_noise
from mrilab.physics.support import object_support


def test_the_object_without_holes_and_specks_with_a_margin(generator):
    y, x = torch.meshgrid(torch.arange(40) - 20, torch.arange(48) - 24, indexing="ij")
    radius = torch.hypot(y.float(), x.float())
    disc, hole = radius < 12, radius < 4
    image = (disc & ~hole).to(torch.complex64) + 0.01 * complex_noise((40, 48), generator)
    image[2, 2] = 1  # a spike
    support = object_support(image)
    assert support.dtype == torch.bool and support.shape == image.shape
    assert support[disc].all()
    assert not support[radius > 12 + 6].any()
    assert torch.equal(object_support(1e-6 * image), support)  # units mean nothing
    assert torch.equal(object_support(image, margin=0) & disc, disc & object_support(image, margin=0))
    assert object_support(image, margin=0).sum() < support.sum()


def test_a_thin_dark_scalp_belongs_to_the_object_and_a_full_image_is_all_object(generator):
    y, x = torch.meshgrid(torch.arange(64) - 32, torch.arange(64) - 32, indexing="ij")
    radius = torch.hypot(y.float(), x.float())
    scalp = (radius > 24) & (radius < 26)
    image = (radius < 20) + 0.15 * scalp + 0.01 * complex_noise((64, 64), generator)
    support = object_support(image)
    assert support[radius < 26].all() and not support[radius > 31].any()
    assert object_support(complex_noise((24, 20), generator) + 2).all()
