"""Contact sheets: all scans of a data set in a small picture, to be looked at before anything is trained on them."""

import math
from pathlib import Path

import numpy as np

from mrilab.data.atomic import atomic_path
from mrilab.data.recipes import find_recipe, simulate

COLUMNS = 6


def dataset_sheet(path: str | Path, name: str) -> None:
    """Write the noise-free images of a data set as a PNG, each from 0 to its own 0.995 quantile, captions above.

    Captions name the contrast, scans in the unseen slab, and heads with lesions. Slices of one head stand side by side.

    Raises:
        UserError: no such data set, or a place that cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # takes half a second to import
    from matplotlib.figure import Figure
    from PIL import Image

    recipe = find_recipe(name)
    scans = [simulate(name, index) for index in range(recipe.count)]
    rows = math.ceil(recipe.count * recipe.slices / COLUMNS)
    figure = Figure(figsize=(1.5 * COLUMNS, 1.66 * rows + 0.4), facecolor="black", dpi=100)
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    for index, scan in enumerate(scans):
        images = scan.truth.abs().numpy().reshape(recipe.slices, *recipe.shape)
        notes = [scan.attrs["acquisition"].lower()]
        notes += ["unseen slab"] * scan.attrs["unseen_slab"] + ["lesions"] * scan.attrs.get("lesions", False)
        for axis, image in zip(axes[index * recipe.slices :], images, strict=False):
            axis.imshow(image, cmap="gray", vmin=0, vmax=np.quantile(images, 0.995), interpolation="lanczos")
            axis.set_title(f"{index}: {', '.join(notes)}", fontsize=6, color="white", pad=2)
    title = f"{name} (simulated, noise-free truth; each image scaled to its own 0.995 quantile)"
    figure.suptitle(title, fontsize=8, color="white")
    figure.subplots_adjust(0.005, 0.005, 0.995, 1 - 0.45 / (1.66 * rows + 0.4), 0.02, 0.08)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    with atomic_path(path) as temporary:  # a single grey channel keeps the file below 300 kB
        Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("L").save(temporary, optimize=True)
