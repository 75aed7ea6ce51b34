"""How guidance shows an image to the segmentation network."""

import torch

from mrilab.sgr.moved import SHIFT, mirrored, moved, seen


def pointwise(x):
    """Segment without looking beside a pixel, so that a place means nothing."""
    return torch.stack([x.abs(), x.abs().square()], 1)


def placed(x):
    """Segment by where a pixel lies: the logits are row and column."""
    rows, columns = (torch.arange(n, dtype=torch.float64) for n in x.shape[-2:])
    return torch.stack([rows[:, None].expand(x.shape), columns.expand(x.shape)], 1)


def randn(*shape, generator):
    return torch.randn(*shape, dtype=torch.complex128, generator=generator)


def test_a_moved_image_is_moved_back_with_its_classes(generator):
    x = randn(2, 9, 7, generator=generator)
    look = moved(pointwise, generator)
    for _ in range(20):
        assert torch.equal(look(x), pointwise(x))


def test_every_call_sees_the_image_at_another_place(generator):
    x = randn(1, 20, 24, generator=generator)
    look = moved(placed, generator)
    corners = {tuple(look(x)[0, :, 0, 0].tolist()) for _ in range(60)}
    assert len(corners) > 40
    # unmirrored, pixel (0, 0) goes down and right by less than SHIFT; mirrored, it comes from the other side
    assert all(row < SHIFT or row >= 20 - SHIFT for row, _ in corners)
    first, again = (moved(placed, torch.Generator().manual_seed(3))(x) for _ in range(2))
    assert torch.equal(first, again)


def test_the_gradient_comes_back_to_the_pixel_it_belongs_to(generator):
    x = randn(1, 9, 7, generator=generator).requires_grad_()
    (gradient,) = torch.autograd.grad(moved(pointwise, generator)(x)[0, 0, 4, 2], x)
    assert gradient[0, 4, 2] != 0 and (gradient != 0).sum() == 1


def test_the_view_is_chosen_by_name(generator):
    x = randn(1, 20, 24, generator=generator)
    assert seen(placed, "plain", generator) is placed
    state = generator.get_state()
    first = seen(placed, "moved", generator)(x)
    assert torch.equal(first, moved(placed, generator.set_state(state))(x))
    generator.set_state(state)
    first = seen(pointwise, "released", generator)(x)
    assert torch.equal(first, mirrored(pointwise, generator.set_state(state))(x))


def test_mirrored_is_the_mean_of_four_mirror_images(generator):
    smooth = lambda a: torch.stack([a.abs(), a.abs().roll(1, -1).square()], 1)  # noqa: E731
    x = randn(2, 5, 7, generator=generator)
    plain = mirrored(smooth, generator, noise_std=0.0)(x)
    images = [smooth(x.flip(axes)).flip(axes) for axes in ([], [-1], [-2], [-1, -2])]
    torch.testing.assert_close(plain, torch.stack(images).mean(0))
    noisy = mirrored(smooth, torch.Generator().manual_seed(1))
    first, second = noisy(x), noisy(x)
    assert (first - second).abs().max() > 1e-3 and (first - plain).abs().max() < 2
    assert torch.equal(mirrored(smooth, torch.Generator().manual_seed(1))(x), first)
    given = []
    mirrored(lambda a: given.append(a) or a[:, None], generator, noise_std=3.0)(x)
    assert len(given) == 4 and all((a >= 0).all() and (a == 0).any() for a in given)
