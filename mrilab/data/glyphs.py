"""Digits of 28 x 28 pixels, drawn from the faces that matplotlib ships: a small task for classification.

They stand for MNIST, which would have to be downloaded. Each is one of ten digits in one of sixteen faces, turned,
sheared, scaled, shifted and bent by a smooth field. Splits differ in these draws, not in the faces.
"""

from functools import lru_cache
from pathlib import Path

import matplotlib
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample

from mrilab.anatomy.fields import Draws
from mrilab.data.slices import split_generator

SIDE = 28
SIZES = {"train": 12_000, "val": 2_000, "test": 5_000}
CLASSES = 10
STYLES = ("", "-Bold", "-Oblique", "-BoldOblique")
SERIF_STYLES = ("", "-Bold", "-Italic", "-BoldItalic")
FACES = (
    *(f"DejaVuSans{style}" for style in STYLES),
    *(f"DejaVuSansMono{style}" for style in STYLES),
    *(f"DejaVuSerif{style}" for style in SERIF_STYLES),
    *("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta"),
)
FINE = 2  # the templates are so many times finer, so that their edges stay smooth
TURN, SHEAR, SHIFT = 0.2, 0.2, 0.12  # standard deviation in rad, and of a share; shift in half sides
SCALE = (0.8, 1.15)
BEND, SPACING = 0.05, 9.0  # standard deviation of the bending field in half sides, and its knot spacing in pixels
HEIGHT = 20  # pixels of a digit's taller side before scaling, as in MNIST


@lru_cache(maxsize=3)
def glyphs(split: str, count: int | None = None) -> tuple[Tensor, Tensor]:
    """Return digits float32 (count, 28, 28) between 0 and 1, and which they are, int64 (count); the same at every call.

    Raises:
        UserError: unknown split.
    """
    generator = split_generator(split, 0)
    n = count or SIZES[split]
    labels = torch.randint(CLASSES, (n,), generator=generator)
    faces = torch.randint(len(FACES), (n,), generator=generator)
    templates = _templates()[faces, labels][:, None]  # (n, 1, fine, fine)
    grid = affine_grid(_transforms(n, generator), [n, 1, SIDE, SIDE], align_corners=False)  # (n, 28, 28, 2)
    bend = Draws(n, (SIDE, SIDE), generator).fields(2, SPACING).movedim(1, -1)  # (n, 28, 28, 2)
    images = grid_sample(templates, grid + BEND * bend, align_corners=False)[:, 0]
    return images.clamp(0, 1), labels


def _transforms(n: int, generator: torch.Generator) -> Tensor:
    """Draw maps (n, 2, 3) from the place of a pixel to its place in the template."""
    angle, shear = TURN * torch.randn(n, generator=generator), SHEAR * torch.randn(n, generator=generator)
    low, high = SCALE
    scale = 1 / (low + (high - low) * torch.rand(n, generator=generator))
    cos, sin = scale * angle.cos(), scale * angle.sin()
    turn = torch.stack([torch.stack([cos, shear * cos - sin], -1), torch.stack([sin, shear * sin + cos], -1)], 1)
    return torch.cat([turn, SHIFT * torch.randn(n, 2, 1, generator=generator)], -1)


@lru_cache(maxsize=1)
def _templates() -> Tensor:
    """Draw every digit of every face, centred, (face, digit, FINE * 28, FINE * 28)."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    drawn = []
    for face in FACES:
        font = ImageFont.truetype(str(folder / f"{face}.ttf"), 4 * FINE * HEIGHT)
        drawn.append(torch.stack([_drawn(str(digit), font) for digit in range(CLASSES)]))
    return torch.stack(drawn)


def _drawn(text: str, font: ImageFont.FreeTypeFont) -> Tensor:
    """Draw a text so that its taller side takes HEIGHT of SIDE, four times too fine, and average."""
    left, top, right, bottom = font.getbbox(text)
    height, width = bottom - top, right - left
    picture = Image.new("L", (int(width), int(height)))
    ImageDraw.Draw(picture).text((-left, -top), text, fill=255, font=font)
    fine = 4 * FINE
    ratio = fine * HEIGHT / max(height, width)
    picture = picture.resize((max(1, round(width * ratio)), max(1, round(height * ratio))))
    canvas = Image.new("L", (fine * SIDE, fine * SIDE))
    canvas.paste(picture, ((canvas.width - picture.width) // 2, (canvas.height - picture.height) // 2))
    values = torch.frombuffer(bytearray(canvas.tobytes()), dtype=torch.uint8).reshape(canvas.height, canvas.width)
    return avg_pool2d(values[None].float() / 255, 4)[0]
