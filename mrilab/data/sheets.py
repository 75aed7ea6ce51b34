"""Contact sheets: all scans of a data set on one small picture, to be looked at before anything is trained on them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mrilab.data.atomic import atomic_path
from mrilab.data.recipes import find_recipe, simulate

COLUMNS = 6


def write_sheet(path: str | Path, title: str, images: Tensor, captions: list[str]) -> None:
    """Magnitudes of `images` (n, H, W) as a PNG, each from 0 to its own 0.995 quantile; captions below.

    Raises:
        UserError: a place that cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # takes half a second to import
    from matplotlib.figure import Figure
    from PIL import Image

    rows = math.ceil(len(images) / COLUMNS)
    figure = Figure(figsize=(1.5 * COLUMNS, 1.66 * rows + 0.4), facecolor="black", dpi=100)
    axes = figure.subplots(rows, COLUMNS, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, caption in zip(axes.flat, images.abs().numpy(), captions, strict=False):
        white = np.quantile(image, 0.995)
        axis.imshow(image, cmap="gray", vmin=0, vmax=white, interpolation="lanczos")
        axis.set_title(caption, fontsize=6, color="white", pad=2)
    figure.suptitle(title, fontsize=8, color="white")
    figure.subplots_adjust(0.005, 0.005, 0.995, 1 - 0.45 / (1.66 * rows + 0.4), 0.02, 0.08)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    with atomic_path(path) as temporary:  # one grey channel keeps the file below 300 kB
        Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("L").save(temporary, optimize=True)


def dataset_sheet(path: str | Path, name: str) -> None:
    """Contact sheet of the noise-free images of a data set; scans in the unseen slab say so.

    Raises:
        UserError: no such data set, or a place that cannot be written.
    """
    scans = [simulate(name, index) for index in range(find_recipe(name).count)]
    captions = [
        f"{i}: {scan.attrs['acquisition'].lower()}" + (", unseen slab" if scan.attrs["unseen_slab"] else "")
        for i, scan in enumerate(scans)
    ]
    title = f"{name} (simulated, noise-free truth; each image scaled to its own 0.995 quantile)"
    write_sheet(path, title, torch.stack([scan.truth for scan in scans]), captions)
