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
    assert not support[radius > 12 + 4].any()
    assert torch.equal(object_support(1e-6 * image), support)  # units mean nothing
    assert torch.equal(object_support(image, margin=0) & disc, disc & object_support(image, margin=0))
    assert object_support(image, margin=0).sum() < support.sum()
