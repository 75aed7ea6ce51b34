"""What the figures and widgets of lesson 4 show, as functions of numbers and arrays."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from torch import Tensor

from mrilab.sgr.bounds import guided_bounds
from mrilab.sgr.guidance import Guidance
from mrilab.sgr.measures import precision, recall
from mrilab.sgr.toy import DRAWS, STEPS, draw_toy, reached, repeated_volumes, toy_grid
from mrilab.teach.figures import COLOURS, View, curves, new_figure

# colour and line style of an outline, safe for colour-blind readers and told apart in black and white
OUTLINES = {"lower": ("#56B4E9", "-"), "upper": ("#D55E00", "-"), "unguided": ("#009E73", "-")}
# where a segmentation and its reference agree, what it lacks, and what it has too much
FILLS = {"both": "#009E73", "missing": "#0072B2", "too much": "#D55E00"}
TRIALS = 16  # of the toy, behind the counts of its view
SIDE = 56  # of a window, in pixels

Window = tuple[slice, slice]  # rows and columns
EVERYTHING = (slice(None), slice(None))


def busiest(marked: Tensor, side: int = SIDE) -> Window:
    """Return the square window, `side` pixels wide, that holds most of the marked pixels, bool (H, W)."""
    counts = torch.nn.functional.avg_pool2d(marked[None].float(), side, stride=1)[0]
    row, column = divmod(int(counts.argmax()), counts.shape[1])
    return slice(row, row + side), slice(column, column + side)


def outline(axis: Axes, image: Tensor, masks: Mapping[str, Tensor], title: str, window: Window = EVERYTHING) -> None:
    """Draw an image (H, W) in grey, and around each mask, bool (H, W), its line of OUTLINES."""
    axis.imshow(_grey(image)[window].numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    for name, mask in masks.items():
        colour, style = OUTLINES[name]
        if 0 < int(mask[window].sum()) < mask[window].numel():
            axis.contour(mask[window].cpu().numpy(), levels=[0.5], colors=[colour], linestyles=[style], linewidths=1.5)
    axis.set_title(title, fontsize=10)
    axis.set_axis_off()


def disagreement(
    axis: Axes, image: Tensor, segmented: Tensor, reference: Tensor, title: str, window: Window = EVERYTHING
) -> None:
    """Draw a segmentation, bool (H, W), beside its reference, as Figure 3 of the paper does, in the colours of FILLS.

    The image (H, W) shines through where both agree.
    """
    grey = _grey(image)
    colours = grey[..., None].expand(*image.shape, 3).clone()  # (H, W, 3)
    parts = {"both": segmented & reference, "missing": reference & ~segmented, "too much": segmented & ~reference}
    for name, mask in parts.items():
        colour = torch.tensor([int(FILLS[name][i : i + 2], 16) / 255 for i in (1, 3, 5)])
        tint = 0.8 * grey[mask.cpu(), None] if name == "both" else 0.0  # towards white, in shades that `png` has
        colours[mask.cpu()] = colour + (1 - colour) * tint
    axis.imshow(colours[window].numpy(), interpolation="nearest")
    axis.set_title(title, fontsize=10)
    axis.set_axis_off()


def _grey(image: Tensor) -> Tensor:
    """Return magnitudes up to the 0.995 quantile, between 0 and 1."""
    magnitude = image.abs().cpu()
    return (magnitude / magnitude.quantile(0.995)).clamp(max=1)


def toy_view(strength: float, acceleration: float, width: float, seed: int) -> View:
    """Show one process of the toy with both bounds, and how often RR of 16 and SGR hold the truth in TRIALS of them.

    `strength` is b times the number of steps.
    """
    toy = draw_toy(TRIALS, torch.Generator().manual_seed(seed), acceleration=acceleration, width=width)
    generator = torch.Generator().manual_seed(seed + 1)
    chain, truth = toy.exact_chain(), toy.volumes(toy.truth)
    posterior = repeated_volumes(toy, None, DRAWS, generator)  # (DRAWS, trials)
    drawn = posterior[:16]
    b = strength / STEPS
    images = guided_bounds(chain, toy_grid(), Guidance(toy.segment, [1], b), generator)[:, 0, 0]  # (2, trials, 1, N)
    found = {"RR": torch.stack([drawn.amin(0), drawn.amax(0)]), "SGR": toy.volumes(images)}  # (2, trials) each
    says = []
    for name, bounds in found.items():
        low, up = reached(bounds, posterior).median(1).values.tolist()
        held = int(((bounds[0] <= truth) & (truth <= bounds[1])).sum())
        says.append(f"{name} reaches the quantiles {low:.2f} and {up:.2f}, and holds the truth in {held} of {TRIALS}")
    figure = new_figure(9.2, 3.0)
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    lines = {"truth": toy.truth[0], "lower": images[0, 0], "upper": images[1, 0]}
    curves(range(toy.truth.shape[-1]), {name: x[0].real for name, x in lines.items()}, "", axis=left, xlabel="sample",
           ylabel="Re x", title="One process of the toy, and what guidance makes of it")  # fmt: skip
    left.axhline(toy.level, color="black", linewidth=0.8)
    counts = torch.bincount(posterior[:, 0].long(), minlength=toy.truth.shape[-1] + 1)
    right.bar(range(len(counts)), (counts / DRAWS).tolist(), width=1.0, color="#BBBBBB", label="posterior")
    right.axvline(float(truth[0]), color="black", linewidth=1.5, label="truth")
    for number, (name, bounds) in enumerate(found.items()):
        for bound in bounds[:, 0].tolist():
            right.axvline(bound, color=COLOURS[number], linestyle=("--", "-")[number], label=name)
            name = "_" + name  # one entry in the legend
    right.set(xlabel="samples above the level", ylabel="probability", xlim=(0, len(counts)))
    right.set_title("Its volume", fontsize=10)
    right.legend(fontsize=8, frameon=False)
    return View((), f"b x steps = {strength:.2f}: " + "; ".join(says) + ".", figure)


@dataclass(frozen=True)
class Path:
    """Images from a lower bound through the unguided one to the upper, and what networks see in them.

    Attributes:
        images: (n, H, W), in the order of rising `strengths` (n,): below 0 towards the lower bound.
        masks: by network, where it sees the class, bool (n, H, W).
        reference: where the class is, bool (H, W).
        voxel: ml of a pixel.
        window: what of the images is shown.
    """

    images: Tensor
    strengths: tuple[float, ...]
    masks: Mapping[str, Tensor]
    reference: Tensor
    voxel: float
    window: Window = EVERYTHING


def bounds_view(path: Path, position: int) -> View:
    """Show the image at `position` (0 to n - 1) of a path with outlines, and the volume that each network sees."""
    image, b = path.images[position], path.strengths[position]
    figure = new_figure(9.2, 3.4)
    axes = figure.subplots(1, 1 + len(path.masks), width_ratios=[1] * len(path.masks) + [1.5])
    volumes = {name: (masks.sum((1, 2)) * path.voxel).tolist() for name, masks in path.masks.items()}
    style = "lower" if b < 0 else "upper" if b > 0 else "unguided"
    for axis, (name, masks) in zip(axes, path.masks.items(), strict=False):
        title = f"{name}: {volumes[name][position]:.2f} ml"
        outline(axis, image, {style: masks[position]}, title, path.window)
    true = float(path.reference.sum() * path.voxel)
    lines = {**volumes, "truth": [true] * len(path.strengths)}
    curves(path.strengths, lines, "", axis=axes[-1], markers=True, title="Volume along the path",
           xlabel="b, below 0 for the lower bound", ylabel="ml")  # fmt: skip
    axes[-1].axvline(b, color="black", linewidth=0.8)
    side = f"{style} bound, b = {abs(b):g}" if b else style
    seen = "; ".join(f"{name} sees {values[position]:.2f} ml" for name, values in volumes.items())
    return View((), f"{side[0].upper()}{side[1:]}: {seen}; the truth is {true:.2f} ml.", figure)


@dataclass(frozen=True)
class Matched:
    """Bounds by guidance for some strengths, beside bounds of the same volumes that were chosen without guidance.

    Attributes:
        strengths: (n,) of b.
        bounds: by method, "SGR" first, S-low and S-up, bool (n, 2, H, W).
        reference: bool (H, W), image: (H, W).
        window: what of the images is shown.
    """

    strengths: tuple[float, ...]
    bounds: Mapping[str, Tensor]
    reference: Tensor
    image: Tensor
    window: Window = EVERYTHING


def control_view(matched: Matched, number: int, control: str) -> View:
    """Show both bounds of strength `number` (0 to n - 1) by guidance, and those of a control of equal volumes."""
    figure = new_figure(9.2, 2.7)
    axes = figure.subplots(1, 4).flat
    says = []
    for name in ("SGR", control):
        low, up = matched.bounds[name][number]
        quality = precision(low, matched.reference), recall(up, matched.reference)
        for bound, mask in (("low", low), ("up", up)):
            title = f"{name}: S-{bound}, {int(mask.sum())} pixels"
            disagreement(next(axes), matched.image, mask, matched.reference, title, matched.window)
        says.append(f"{name} has precision {quality[0]:.3f} and recall {quality[1]:.3f}")
    return View((), f"b = {matched.strengths[number]:g}: " + "; ".join(says) + ".", figure)
