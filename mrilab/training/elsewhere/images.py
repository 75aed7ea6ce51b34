"""Images for networks that must hold on any scan: heads as no template has them, dead leaves, and both in one."""

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from mrilab.anatomy.fields import Draws
from mrilab.anatomy.image import render_heads
from mrilab.anatomy.randomised import random_bias, random_phase, random_resolution
from mrilab.data.slices import FINENESS, split_generator
from mrilab.physics.scale import quantile_scale
from mrilab.training.elsewhere.leaves import dead_leaves

KINDS = {"head": 0.3, "leaves": 0.4, "mixture": 0.3}
ZOOM = 1.5  # how much closer the view of half of the heads is
FOLDS = ((8.0, 1.2), (16.0, 3.0), (40.0, 5.0))  # knot spacing and size of the warps, in pixels of the fine grid


def draw_image(shape: tuple[int, int], split: str, generator: torch.Generator) -> Tensor:
    """Draw an image complex64 (FINENESS H, FINENESS W), 1 at its 0.99 quantile.

    Heads are those of the randomised distribution, half of them seen from closer by, and more folded than the
    template's. In mixtures, leaves show through islands of a head. No slice lies in the template's held-out slab.
    """
    own = split_generator(split, int(torch.randint(2**31, (), generator=generator)))
    fine = (FINENESS * shape[0], FINENESS * shape[1])
    draws = Draws(1, fine, own)
    kind = list(KINDS)[int(torch.multinomial(torch.tensor(list(KINDS.values())), 1, generator=own))]
    if kind == "leaves":
        magnitude = dead_leaves(fine, own)[None] * random_bias(draws)
        image = torch.polar(magnitude, random_phase(draws))  # (1, H, W)
    else:
        image = _folded(_head(fine, own), draws)
        if kind == "mixture":
            islands = torch.sigmoid(6 * (draws.field(0.2 * max(fine)) - draws.uniform(-0.5, 1.0)))
            leaves = dead_leaves(fine, own) * image.abs().amax()
            image = image * torch.lerp(torch.ones_like(islands), leaves / image.abs().clamp_min(1e-3), islands)
    image = random_resolution(image, FINENESS, own)[0]
    return image / quantile_scale(image)


def _head(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Return a randomised head (1, H, W), or a part of one that fades out towards the edges."""
    if torch.rand((), generator=generator) < 0.5:
        return render_heads(1, shape, generator, "randomised", None, None).image
    height, width = shape
    large = (round(ZOOM * height), round(ZOOM * width))
    image = render_heads(1, large, generator, "randomised", None, None).image
    top, left = ((torch.rand(2, generator=generator) * torch.tensor(large).sub(torch.tensor(shape))).long()).tolist()
    y, x = (torch.linspace(-1, 1, n).abs() for n in shape)
    edge = torch.sigmoid((0.93 - torch.maximum(y[:, None], x[None])) / 0.015)
    return image[:, top : top + height, left : left + width] * edge


def _folded(image: Tensor, draws: Draws) -> Tensor:
    """Return the image (1, H, W), moved by smooth fields of several scales: folds that the template does not have."""
    height, width = draws.shape
    y, x = torch.linspace(-1, 1, height)[:, None].expand(draws.shape), torch.linspace(-1, 1, width).expand(draws.shape)
    shift = torch.zeros(1, 2, height, width)  # in pixels
    for spacing, size in FOLDS:
        shift = shift + size * draws.uniform(0, 1)[..., None].square() * draws.fields(2, spacing)
    places = torch.stack([x + 2 * shift[0, 0] / width, y + 2 * shift[0, 1] / height], -1)[None]  # (1, H, W, xy)
    parts = torch.view_as_real(image).permute(0, 3, 1, 2)  # (1, 2, H, W)
    moved = grid_sample(parts, places, align_corners=True)
    return torch.view_as_complex(moved.permute(0, 2, 3, 1).contiguous())
