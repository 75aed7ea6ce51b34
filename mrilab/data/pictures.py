"""A folder of magnitude slices as PNG files, for those who train on images of their own."""

from pathlib import Path

import numpy as np
import torch
from matplotlib.image import imread
from torch import Tensor

from mrilab.errors import UserError
from mrilab.physics.scale import quantile_scale


def read_pictures(folder: Path) -> Tensor:
    """Return the grey PNG files of a folder by name, float32 (n, H, W), each over its 0.99 quantile.

    Raises:
        UserError: no folder, none or fewer than two PNG files, one that cannot be read or is in colour, of another size
            than the first, or the same everywhere.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; give one with PNG files of magnitude slices")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".png")
    if len(paths) < 2:
        raise UserError(f"{folder} holds {len(paths)} PNG files; give at least 2, one of them for validation")
    images = [_read(path) for path in paths]
    for path, image in zip(paths, images, strict=True):
        if image.shape != images[0].shape:
            sizes = [" x ".join(map(str, each.shape)) for each in (image, images[0])]
            raise UserError(f"{path} has {sizes[0]} pixels, the first file {sizes[1]}; give slices of one size")
        if image.max() == image.min():
            raise UserError(f"{path} is the same everywhere; remove it, nothing can be learned from it")
    stack = torch.from_numpy(np.stack(images))
    scale = quantile_scale(stack)
    if not (scale > 0).all():
        empty = paths[int((scale.flatten() <= 0).nonzero()[0])]
        raise UserError(f"{empty} is dark in more than 99 of 100 pixels; remove it")
    return stack / scale


def _read(path: Path) -> np.ndarray:
    try:
        image = np.asarray(imread(path), dtype=np.float32)
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"cannot read {path} ({error}); give PNG files") from error
    if image.ndim == 3:
        colours = image[..., :3] if image.shape[2] > 2 else image[..., :1]
        if (colours != colours[..., :1]).any():
            raise UserError(f"{path} is in colour; magnitude slices are grey")
        image = colours[..., 0]
    return image
