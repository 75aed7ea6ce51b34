"""What the figures and widgets of lesson 5 show, as functions of numbers and arrays."""

import math
from collections.abc import Mapping

import torch
from matplotlib.figure import Figure
from torch import Tensor

from mrilab.evaluation.metrics import psnr
from mrilab.infomri.coils import best_order, lines_information, toy_scan
from mrilab.infomri.model import InfoMRI
from mrilab.infomri.scans import Examples
from mrilab.physics.psf import point_spread
from mrilab.teach.figures import COLOURS, Panel, View, curves, new_figure

COILS = 48  # lines of the scan in front of which the widget puts its coils


@torch.no_grad()
def ratio_view(network: InfoMRI, example: Examples, ratio: float, drawn: bool, seed: int) -> View:
    """Show p, one mask, its point-spread function, the reconstruction and its deviation at a ratio, computed anew."""
    positions = math.prod(network.sampling.unit)
    count = torch.tensor([round(ratio * positions)])
    generator = torch.Generator().manual_seed(seed) if drawn else None
    (mean, variance), (mask, p, _) = network(example.full, example.maps, count, generator)
    x, image, deviation = example.x[0, 0], mean[0, 0], variance[0, 0].sqrt()  # (H, W) each
    shape = (x.shape[0], x.shape[1])
    assert p is not None  # a learned pattern has probabilities
    spread = point_spread(mask[0].bool(), shape).abs()
    panels = (
        Panel("Probability p", p[0].expand(shape), "map", limits=(0.0, 1.0), unit="p"),
        Panel("Mask", mask[0].expand(shape), "mask"),
        Panel("Point-spread function", spread, "log", unit="log10", limits=(-3.0, 0.0)),
        Panel("Reconstruction", image, limits=(0.0, float(x.max()))),
        Panel("Its deviation", deviation, "error", limits=(0.0, 0.15)),
        Panel("Its error", (image - x).abs(), "error", limits=(0.0, 0.15)),
    )
    text = (
        f"{int(count)} of {positions} samples, {psnr(image, x):.1f} dB. The deviation is predicted, the error measured."
    )
    return View(panels, text)


def coils_view(coils: int, lines: int) -> View:
    """Show the lines that tell the most of a scan with so many coils, and what they tell beside the central ones."""
    rows, cov, noise = toy_scan(coils, COILS)
    order = best_order(rows, cov, noise, lines)
    chosen = torch.zeros(COILS).index_fill(0, torch.tensor(order), 1.0)
    central = torch.zeros(COILS)
    central[COILS // 2 - lines // 2 : COILS // 2 - lines // 2 + lines] = 1.0
    told = [float(lines_information(rows, cov, noise, weight.double())) for weight in (chosen, central)]
    title = f"Which {lines} of {COILS} lines, with {coils} coil{'s' if coils > 1 else ''}"
    figure = lines_figure({"chosen one by one": chosen, "around DC": central}, title)
    text = f"The lines chosen one by one tell {told[0]:.1f} nats, those around DC {told[1]:.1f}."
    return View((), text, figure)


def lines_figure(masks: Mapping[str, Tensor], title: str) -> Figure:
    """Draw masks of lines (n) by name, one above the other, as bars where a line is measured."""
    (n,) = {len(mask) for mask in masks.values()}
    figure = new_figure(7.2, 1.0 + 0.5 * len(masks))
    axis = figure.subplots()
    place = torch.arange(n) - n // 2
    for number, (label, mask) in enumerate(masks.items()):
        colour, width = COLOURS[number % len(COLOURS)], 144 / n
        bars = place[mask > 0].numpy()
        axis.eventplot(bars, lineoffsets=-number, linelengths=0.8, colors=colour, linewidths=width)
        axis.text(-n / 2 - 1, -number, label, ha="right", va="center", fontsize=9)
    axis.set(xlim=(-n / 2 - 0.5, n / 2), yticks=[], xlabel="line, counted from DC")
    axis.set_title(title, fontsize=10)
    axis.spines[["top", "right", "left"]].set_visible(False)
    return figure


def normalisation_figure(p: dict[str, Tensor], alt: str) -> None:
    """Draw sorted probabilities (N) by name, the highest first."""
    first = next(iter(p.values()))
    share = torch.arange(len(first)) / len(first)
    lines = {name: values.sort(descending=True).values for name, values in p.items()}
    title, xlabel = "Probabilities in order", "share of the positions"
    curves(share, lines, alt, title=title, xlabel=xlabel, ylabel="p", xlim=(0, 1), ylim=(-0.02, 1.02))
