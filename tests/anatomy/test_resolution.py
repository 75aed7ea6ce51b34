import torch

from mrilab.anatomy.randomised import random_resolution
from mrilab.physics import centre_crop, fft2c


def test_some_slices_stay_whole_and_the_others_lose_their_highest_frequencies():
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(64, 48, 64, dtype=torch.complex64, generator=generator)  # white: every frequency alike
    blurred = random_resolution(image, fineness=2, generator=generator)
    assert blurred.dtype == torch.complex64
    whole = torch.isclose(blurred, image, atol=1e-4).flatten(1).all(1)
    assert 0.3 < whole.float().mean() < 0.7
    before, after = (centre_crop(fft2c(x[~whole]), (24, 32)).abs().square() for x in (image, blurred))
    kept = after.sum(0) / before.sum(0)
    assert kept[12 - 3 : 12 + 4, 16 - 4 : 16 + 5].min() > 0.99  # the centre
    assert kept[:, 0].mean() < 0.5  # the edge of what is sampled
    assert kept[0, :].mean() < 0.5
