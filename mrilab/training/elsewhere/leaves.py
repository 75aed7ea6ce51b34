"""Dead leaves: images of nothing in particular, with the edges and textures of all images and no anatomy.

Leaves of all sizes fall on each other until they cover the ground. Edges occlude each other as those of real objects
do, and the power spectrum falls as that of photographs does (Lee, Mumford & Huang, Int. J. Comput. Vis. 41, 2001).
Networks trained on such images alone restore photographs nearly as well as those trained on photographs (Achddou et
al., Comput. Vis. Image Underst. 2023). What cannot be learned from them is what a brain looks like, on purpose.
"""

import math

import torch
from torch import Tensor

from mrilab.anatomy.fields import Draws

LEAVES = 260  # number of leaves in an image
LARGEST = 0.3  # radius of the largest leaf, in sides of the image
SMALLEST = 1.5  # radius of the smallest leaf, in pixels of the fine grid
EXPONENT = 3.0  # radii follow r^-3, for which an image looks the same at every magnification
GRAINS = (2.5, 6.0, 20.0)  # knot spacing of the textures, in pixels of the fine grid


def dead_leaves(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Draw a magnitude image (H, W) from 0 to about 1: leaves with edges and textures, in most draws inside a body.

    A palette of 2 to 10 signals gives the leaves their brightness, because tissues repeat while leaves do not.
    """
    height, width = shape
    draws = Draws(1, shape, generator)
    textures = torch.cat([draws.field(spacing) for spacing in GRAINS])  # (texture, H, W)
    palette = torch.rand(int(torch.randint(2, 11, (), generator=generator)), generator=generator)
    image = palette[0].expand(height, width).clone()
    smallest, largest = SMALLEST, LARGEST * max(shape)
    # of the distribution r^-n between both, by inverting its integral
    power = 1 - EXPONENT
    drawn = torch.rand(LEAVES, generator=generator)
    radii = (smallest**power + drawn * (largest**power - smallest**power)) ** (1 / power)
    order = torch.rand(LEAVES, generator=generator).argsort()
    large = torch.rand(LEAVES // 8, generator=generator) * largest  # some large ones, or nothing would be large
    for radius in torch.cat([large, radii[order]]).clamp_min(smallest).tolist():
        _drop(image, radius, palette, textures, generator)
    return _in_a_body(image, draws).clamp_min(0)


def _drop(image: Tensor, radius: float, palette: Tensor, textures: Tensor, generator: torch.Generator) -> None:
    """Let one leaf fall on `image` (H, W), in place: a superellipse, from a needle to a near rectangle."""
    height, width = image.shape
    u = torch.rand(8, generator=generator).tolist()
    row, column, angle, aspect = u[0] * height, u[1] * width, math.pi * u[2], max(0.06, u[3])
    squareness, softness = 2 + 6 * u[4] ** 2, 0.3 + 2.0 * u[5] ** 3  # softness of the border, in pixels
    reach = math.ceil(1.2 * radius + 3)
    top, bottom = max(0, int(row) - reach), min(height, int(row) + reach + 1)
    left, right = max(0, int(column) - reach), min(width, int(column) + reach + 1)
    y = torch.arange(top, bottom)[:, None] - row
    x = torch.arange(left, right)[None] - column
    along, across = (y * math.sin(angle) + x * math.cos(angle)), (y * math.cos(angle) - x * math.sin(angle))
    thickness = max(aspect * radius, 0.7)
    distance = ((along / radius).abs() ** squareness + (across / thickness).abs() ** squareness) ** (1 / squareness)
    share = torch.sigmoid((1 - distance) * thickness / softness)  # (h, w)
    kind, signal = (int(torch.randint(len(each), (), generator=generator)) for each in (textures, palette))
    grain = 0.35 * u[6] ** 3 * textures[kind, top:bottom, left:right]
    slope = 0.4 * (u[7] - 0.5) * along / radius
    image[top:bottom, left:right].lerp_(palette[signal] * (1 + grain + slope), share)


def _in_a_body(image: Tensor, draws: Draws) -> Tensor:
    """Cut `image` (H, W) to a body with a wavy outline and, in half of the draws, a bright or dark rim around it."""
    height, width = image.shape
    half_height, half_width, wave, rim, level = (float(draws.uniform(*r)) for r in RANGES)
    y, x = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)[None]
    depth = (
        1 - (y / half_height).square() - (x / half_width).square() + wave * draws.field(0.25 * max(height, width))[0]
    )
    body = torch.sigmoid(depth * max(height, width) / 6)  # about three pixels from air to body
    if level < 0.5:  # no rim
        return body * image
    inner = torch.sigmoid((depth - rim) * max(height, width) / 6)
    return body * torch.lerp(torch.full_like(image, 2 * level - 1), image, inner)


# half height and half width of the body and the waves of its outline, in half sides; thickness of the rim; its signal
RANGES = ((0.6, 1.1), (0.6, 1.1), (0.0, 0.15), (0.05, 0.3), (0.0, 1.0))
