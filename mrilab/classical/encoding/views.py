"""What the widget and the figures of lesson 1b show, as functions of numbers: panels and a sentence."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from IPython.display import Markdown
from torch import Tensor

from mrilab.anatomy.acquire import add_noise
from mrilab.classical.encoding.phantom import TUBES, Spins, tubes
from mrilab.physics.fourier import centre_crop, centre_pad, fft2c, ifft2c
from mrilab.physics.scan_time import Scan
from mrilab.physics.signal import spin_echo
from mrilab.teach.figures import Panel, View
from mrilab.teach.tables import table

ORDERS = ("from left to right", "from the centre out")
FINE = 240  # pixels of the object in the design exercise, 1 mm each
NOISE = 6.0  # of each real component of a sample of 1 ms, where a mm^3 of water has signal 1: a receiver we made up
LIMIT = 120.0  # seconds of scan time in the design exercise


def line_order(n: int, order: str) -> Tensor:
    """Return the columns 0 ... n - 1 in the order in which they are measured, (n,)."""
    columns = torch.arange(n)
    if order == "from the centre out":
        return columns[(columns - n // 2).abs().argsort(stable=True)]
    return columns


def filling_view(kspace: Tensor, tr: float, count: int, order: str) -> View:
    """Show k-space (H, W) after `count` columns, measured one every `tr` ms in this order, and its image."""
    width = kspace.shape[-1]
    measured = torch.zeros(width, dtype=torch.bool)
    measured[line_order(width, order)[:count]] = True
    top = float(kspace.abs().max().log10())
    image, whole = ifft2c(kspace * measured), ifft2c(kspace)
    peak = float(whole.abs().max())
    missing = float((image - whole).norm() / whole.norm())
    panels = (
        Panel("k-space so far", kspace * measured, "log", limits=(top - 3, top)),
        Panel("image so far", image, limits=(0, peak)),
    )
    text = (
        f"{count} of {width} columns after {count * tr / 1e3:.1f} s. What is missing has {100 * missing:.0f} % of the "
        "image's norm."
    )
    return View(panels, text)


def stages(kspace: Tensor, tr: float, counts: Sequence[int], order: str) -> list[Panel]:
    """Return k-space after each of `counts` columns, and then the image after each, as panels."""
    views = [filling_view(kspace, tr, count, order).panels for count in counts]
    above = [replace(view[0], title=f"k-space, {count} columns") for view, count in zip(views, counts, strict=True)]
    return above + [replace(view[1], title="image", unit="water = 1") for view in views]


def scan_table(scans: Mapping[str, Scan]) -> Markdown:
    """Return time, voxel, bandwidth and SNR (relative to the first) of scans as a table."""
    first = next(iter(scans.values())).snr()
    rows = [
        (
            name,
            f"{scan.seconds():.0f}",
            " x ".join(f"{side:.2f}" for side in scan.voxel()),
            f"{scan.hertz_per_pixel():.0f}",
            f"{scan.snr() / first:.2f}",
        )
        for name, scan in scans.items()
    ]
    return Markdown(table(["scan", "time (s)", "voxel (mm)", "Hz per pixel", "SNR"], rows))


def tissue_signal(scan: Scan, name: str) -> float:
    """Return the signal of a tube at the scan's TR and TE, for water 1."""
    pd, t1, t2 = TUBES[name][:3]
    return float(spin_echo(pd, t1, t2, scan.tr, scan.te))


def scan_image(scan: Scan, spins: Spins, seed: int = 0) -> Tensor:
    """Return what this scan makes of the object, complex (240, 240) for a field of view of 240 mm, with its noise.

    Samples and lines beyond 240 show nothing new, since the object has pixels of 1 mm.
    """
    ideal = spin_echo(spins.pd, spins.t1, spins.t2, scan.tr, scan.te)
    shape = (min(scan.samples, FINE), min(scan.lines, FINE))
    y = centre_crop(fft2c(ideal.to(torch.complex64)), shape) * math.sqrt(math.prod(shape)) / FINE  # mean per voxel
    y = add_noise(y, NOISE / scan.snr(), torch.Generator().manual_seed(seed))
    return ifft2c(centre_pad(y, (FINE, FINE))) * FINE / math.sqrt(math.prod(shape))


def verdict(scan: Scan) -> str:
    """Say what a scan takes and gives, in three short lines."""
    white, grey = (tissue_signal(scan, name) * scan.snr() / NOISE for name in ("bottle", "grey"))
    time = f"{scan.seconds():.0f} s, {'in time' if scan.seconds() <= LIMIT else 'too long'}"
    voxel = " x ".join(f"{side:.1f}" for side in scan.voxel())
    return f"{time}\n{voxel} mm, SNR {white:.0f}\ncontrast to noise {abs(white - grey):.1f}"


def design_panels(scans: Mapping[str, Scan]) -> list[Panel]:
    """Return the image of each scan with what it takes and gives below it, brightest where the fluid or fat is."""
    spins = tubes(FINE)
    panels = []
    for number, (name, scan) in enumerate(scans.items()):
        top = max(tissue_signal(scan, tube) for tube in ("bottle", "grey", "fluid", "fat"))
        image = scan_image(scan, spins, number)
        panels.append(Panel(name, image, limits=(0.0, 1.1 * top), unit="water = 1", xlabel=verdict(scan)))
    return panels
