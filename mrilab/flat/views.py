"""What the widgets of lesson 3 show, as functions of numbers: rules on a Gaussian, and the walks of networks."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mrilab.evaluation.metrics import psnr
from mrilab.flat.flow import relaxations, time_grid
from mrilab.flat.spectrum import SpectralFlow, power_law
from mrilab.physics.fourier import ifft2c
from mrilab.physics.noise import complex_noise
from mrilab.physics.sampling import random_mask
from mrilab.teach.figures import Panel, View, curves, error_panel, new_figure

SHAPE = (64, 64)  # pixels
ACCELERATION = 4


def rules_view(rule: str, K: int, alpha: float, s: float, noise_std: float) -> View:
    """Show Euler's method by a rule of `spectrum` on a Gaussian image: its end, its way, and its step sizes."""
    generator = torch.Generator().manual_seed(0)
    variance = power_law(SHAPE, width=3.0)
    mask = random_mask(SHAPE, ACCELERATION, generator=generator).expand(SHAPE)
    z, noise = (complex_noise(SHAPE, generator, torch.float64) for _ in range(2))
    z = variance.sqrt() * z
    y = mask * (z + noise_std * noise)
    flow = SpectralFlow(variance, mask, y, noise_std, s)
    eps = complex_noise(SHAPE, torch.Generator().manual_seed(1), torch.float64)
    still, moved = flow.states(K, alpha, rule, torch.stack([torch.zeros_like(eps), torch.ones_like(eps)])).unbind(1)
    gain = moved - still  # (K + 1, H, W): every frequency is affine in its noise
    states = still + gain * eps
    mean = flow.gain * y
    # E |x^k - z|^2 over z given y and over the start
    error = (still - mean).abs().square() + 2 * gain.abs().square() + 2 * flow.posterior_variance
    t = time_grid(K, alpha)
    times = t[:, None, None]  # (K + 1, 1, 1)
    ideal = (1 - times) * mean + times * y
    law = (ideal - mean).abs().square() + 2 * (times * s) ** 2 + 2 * flow.posterior_variance
    off = float((still[-1] - mean).norm() / mean.norm())
    ratio = float(gain[-1].abs().square().sum() / flow.posterior_variance.sum())
    text = (
        f"{rule}, K = {K}: the mean of the ends is {100 * off:.1f} % off E[x_0 | y], and they have {ratio:.2f} of the "
        "variance of the posterior."
    )
    images = {"x_0, a Gaussian field": z, "A^H y": y, "x^K": states[-1], "E[x_0 | y]": mean}
    limits = (0, float(ifft2c(z).abs().max()))
    panels = tuple(Panel(title, ifft2c(each), limits=limits) for title, each in images.items())
    figure = new_figure(9.0, 2.7)
    left, right = figure.subplots(1, 2)
    energy = variance.sum() * 2
    way = {"this rule": error.sum((1, 2)) / energy, "the path itself": law.sum((1, 2)) / energy}
    curves(range(K + 1), way, "", axis=left, markers=True, title="Expected squared error of the states",
           xlabel="cascade k", ylabel="of E |x_0|^2", ylim=(0, None))  # fmt: skip
    sizes = {"lambda_k": relaxations(t), "|delta_k|": -t.diff()}
    curves(range(K), sizes, "", axis=right, markers=True, title="Step sizes", xlabel="cascade k", ylabel="share",
           ylim=(0, 1.05))  # fmt: skip
    return View(panels, text, figure)


@dataclass(frozen=True)
class Walk:
    """One network's states of one scan, (K + 1, H, W), and its time grid (K + 1,)."""

    states: Tensor
    t: Tensor


def walk_view(walks: Mapping[str, Walk], cascade: int, reference: Tensor, gain: float = 5.0) -> View:
    """Show all networks after `cascade` (0 to K) steps: the state, the ideal state, and the state's error."""
    peak = float(reference.abs().max())
    panels, parts, lines = [], [], {}
    longest = max(len(walk.states) for walk in walks.values())
    for name, walk in walks.items():
        k = min(cascade, len(walk.states) - 1)
        x, t = walk.states[k], float(walk.t[k])
        ideal = (1 - t) * reference + t * walk.states[0]
        panels += [
            Panel(f"{name}: x^{k}", x, limits=(0, peak)),
            Panel(f"ideal, t = {t:.2f}", ideal, limits=(0, peak)),
            error_panel(f"error x{gain:g}", x, reference, peak, gain),
        ]
        quality = [psnr(state, reference) for state in walk.states]
        parts.append(f"{name} {quality[k]:.1f} dB (ideal {psnr(ideal, reference):.1f})")
        lines[name] = quality + [float("nan")] * (longest - len(quality))
    figure = new_figure(6.0, 2.7)
    axis = figure.subplots()
    curves(range(longest), lines, "", axis=axis, markers=True, title="PSNR after each cascade", xlabel="cascade k",
           ylabel="PSNR (dB)")  # fmt: skip
    axis.axvline(cascade, color="black", linewidth=0.8)
    return View(tuple(panels), f"After cascade {cascade}: " + "; ".join(parts) + ".", figure)
