"""What the widgets of lesson 2 show: a chain on its way, samples of a posterior, and one test scan under a shift."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from mrilab.csgm.langevin import Score, Step, annealed_langevin
from mrilab.data.embedded import dataset
from mrilab.data.scans import Scan
from mrilab.data.shifts import find_shift
from mrilab.evaluation.metrics import psnr
from mrilab.evaluation.result import Result
from mrilab.evaluation.shifted import reconstruct_shifted, shifted_scan
from mrilab.evaluation.uncertainty import inside_object, pearson
from mrilab.physics.acquisition import LinearModel
from mrilab.teach.figures import Panel, View, error_panel


@dataclass(frozen=True)
class Path:
    """One chain, after each noise level.

    images: (L, H, W) on the scale of the data.
    residual: (L,), ||A x - y|| / ||y||.
    sigma: (L,), the noise levels in units of `scale`.
    scale: unit of the prior's images on the scale of the data.
    """

    images: Tensor
    residual: Tensor
    sigma: Tensor
    scale: float


def trace_path(score: Score, y: Tensor, model: LinearModel, levels: Tensor, **settings: Any) -> Path:
    """Run one chain of `annealed_langevin` on one scan, y (coil, H, W), and keep its image after each level.

    `settings` are its keyword arguments.
    """
    steps: list[Step] = []
    annealed_langevin(score, y, model, levels, denoise=False, callback=steps.append, **settings)
    images = torch.stack([step.image[0] for step in steps])  # (L, 1, H, W) -> (L, H, W)
    residual = torch.stack([step.residual[0] for step in steps])
    return Path(images, residual, levels, float(steps[0].sigma) / float(levels[0]))


def path_view(path: Path, level: int, reference: Tensor, denoise: Callable[[Tensor, float], Tensor]) -> View:
    """Show the chain after `level` (0 to L - 1), what the denoiser sees in it, and how far that is from the reference.

    `denoise(x, sigma)` takes (1, H, W) on the prior's scale. It runs anew for every position of the slider.
    """
    x, sigma = path.images[level], float(path.sigma[level])
    clean = path.scale * denoise(x[None] / path.scale, sigma)[0]  # (H, W), Tweedie
    peak = float(reference.abs().max())
    panels = (
        Panel("the chain x", x, limits=(0, peak)),
        Panel("denoised: D(x; sigma)", clean, limits=(0, peak)),
        error_panel("error of D, 5 times enlarged", clean, reference, peak),
    )
    residual = 100 * float(path.residual[level])
    where = f"Level {level + 1} of {len(path.images)}, sigma {sigma:.3g}: residual {residual:.1f} % of the data; "
    text = where + f"PSNR of x {psnr(x, reference):.1f} dB, of D {psnr(clean, reference):.1f} dB."
    return View(panels, text)


def samples_view(samples: Tensor, reference: Tensor, count: int, shown: int, gain: float = 5.0) -> View:
    """Show mean and deviation of the first `count` of samples (K, H, W), the sample `shown` (1 to K), and errors.

    The deviation is that of the magnitude. Its correlation with the error is over the pixels of the object.
    """
    mean, sample = samples[:count].mean(0), samples[shown - 1]
    deviation = samples[:count].abs().std(0)
    peak = float(reference.abs().max())
    panels = (
        Panel(f"mean of {count}", mean, limits=(0, peak)),
        Panel(f"sample {shown}", sample, limits=(0, peak)),
        Panel(f"deviation x{gain:g}", deviation, "error", limits=(0, peak / gain)),
        error_panel(f"error of the mean x{gain:g}", mean, reference, peak, gain),
        error_panel(f"error of sample {shown} x{gain:g}", sample, reference, peak, gain),
    )
    r = pearson(deviation, (mean.abs() - reference.abs()).abs(), inside_object(reference))
    text = (
        f"PSNR: mean of {count} {psnr(mean, reference):.1f} dB, sample {shown} alone {psnr(sample, reference):.1f} dB. "
        f"Deviation and error of the mean correlate in the head with r = {r:.2f}."
    )
    return View(panels, text)


class ShiftExplorer:
    """Reconstructions of one test scan of each shift, each computed once and kept.

    Args:
        methods: a method of `mrilab recon` and its options, by the name to show.
        number: number of the scan in each data set, from 0.
    """

    def __init__(self, methods: Mapping[str, tuple[str, dict]], number: int = 0):
        self.methods, self.number = dict(methods), number
        self.scan, self.result = cache(self._scan), cache(self._result)  # each explorer keeps its own

    def _scan(self, shift: str) -> tuple[Scan, Tensor, int]:
        return shifted_scan(shift, dataset(find_shift(shift).dataset)[self.number].stem)

    def _result(self, shift: str, acceleration: float, name: str) -> Result:
        scan, _, index = self.scan(shift)
        method, options = self.methods[name]
        return reconstruct_shifted(shift, scan, index, acceleration, method, **options)

    def view(self, shift: str, acceleration: float, names: tuple[str, ...], gain: float = 5.0) -> View:
        """Show the reference and the images of the methods `names`, then mask and errors, `gain` times enlarged."""
        results = [self.result(shift, acceleration, name) for name in names]
        first = results[0]
        reference = first.slices[0].reference
        assert reference is not None  # the test scans have all lines
        peak = float(reference.abs().max())
        above = [Panel("all lines", reference, limits=(0, peak))]
        below = [Panel("sampled", first.mask.expand(reference.shape).float(), "mask")]
        quality = {}
        for name, result in zip(names, results, strict=True):
            image, quality[name] = result.slices[0].image, result.slices[0].metrics["psnr"]
            above.append(Panel(f"{name}\n{quality[name]:.1f} dB", image, limits=(0, peak)))
            below.append(error_panel(f"error x{gain:g}", image, reference, peak, gain))
        ranked = sorted(quality, key=quality.__getitem__, reverse=True)
        text = (
            f"{find_shift(shift).title}, R = {acceleration:g} (effective {first.effective_acceleration:.1f}). "
            f"By PSNR: {', '.join(f'{name} {quality[name]:.1f} dB' for name in ranked)}."
        )
        return View((*above, *below), text)
