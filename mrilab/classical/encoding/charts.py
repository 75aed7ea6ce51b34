"""The curves of lesson 1b: figures from what its cells have computed, for `mrilab.teach.figures.show`."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from mrilab.physics.slice_selection import sinc_pulse, slice_profile, small_tip_profile
from mrilab.teach.figures import COLOURS, curves, new_figure


def tones_chart(t: Tensor, heard: Tensor, x: Tensor, found: Tensor) -> Figure:
    """Draw a complex signal (time,) at times in ms, and beside it the water found (place,) at places in mm."""
    figure = new_figure(9.6, 3.0)
    left, right = figure.subplots(1, 2)
    curves(t, {"real": heard.real, "imaginary": heard.imag}, "", axis=left, markers=True,
           title="what the coil receives", xlabel="time (ms)", ylabel="signal")  # fmt: skip
    right.bar(x, found.abs(), width=6, color=COLOURS[0])
    right.set(xlabel="position (mm)", ylabel="water", xticks=x)
    right.set_title("water by position", fontsize=10)
    return figure


def rule_chart(rule: Tensor, found: Tensor) -> Figure:
    """Draw measured SNR against voxel volume times root of the time, beside the line on which both are equal."""
    figure = new_figure(5.2, 3.4)
    axis, end = figure.subplots(), 1.1 * float(rule.max())
    curves([0, end], {"V sqrt(T)": [0, end]}, "", axis=axis, title="Seven protocols, one rule",
           xlabel="V sqrt(T) (mm3 ms^1/2)", ylabel="SNR over 40 scans")  # fmt: skip
    axis.plot(rule, found, "s", color=COLOURS[1], label="measured")
    axis.legend(fontsize=9, frameon=False)
    return figure


def slices_chart(flips: Sequence[float], dt: float, frequency: Tensor, kilohertz_per_mm: float) -> Figure:
    """Draw slice profiles of 3 ms sincs, 2 kHz wide, by the Bloch equation and by the Fourier transform."""
    figure = new_figure(9.6, 3.0)
    for axis, flip in zip(figure.subplots(1, len(flips)), flips, strict=True):
        pulse = sinc_pulse(flip, 3.0, 6.0, dt)
        m = slice_profile(pulse, dt, frequency)
        lines = {"Bloch": torch.hypot(m[:, 0], m[:, 1]), "Fourier": small_tip_profile(pulse, dt, frequency).abs()}
        curves(frequency / kilohertz_per_mm, lines, "", axis=axis, title=f"flip angle {flip:g} degrees",
               xlabel="position (mm)", ylabel="transverse magnetisation")  # fmt: skip
    return figure


def echo_chart(time: Tensor, parts: dict[tuple[str, str], Tensor], place: Tensor, lines: dict[str, Tensor]) -> Figure:
    """Draw up to three curves over time in ms, by name and unit, and lines over the place in mm."""
    figure = new_figure(9.6, 4.6)
    axes = figure.subplots(2, 2).flatten()
    for axis, ((name, unit), values) in zip(axes[:3], parts.items(), strict=True):
        curves(time, {name: values}, "", axis=axis, title=name, xlabel="time (ms)", ylabel=unit)
    curves(place, lines, "", axis=axes[3], title="transform of the readout", xlabel="position (mm)", ylabel="water")
    return figure
