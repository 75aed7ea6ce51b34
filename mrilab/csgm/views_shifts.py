"""What the shift explorer of lesson 2 shows: one test scan under a shift, reconstructed by every method."""

from __future__ import annotations

from collections.abc import Mapping

from mrilab.data.embedded import dataset
from mrilab.data.shifts import find_shift
from mrilab.evaluation.result import Result
from mrilab.evaluation.shifted import reconstruct_shifted, shifted_scan
from mrilab.teach.figures import Panel, View, error_panel


class ShiftExplorer:
    """Reconstructions of one test scan a shift by the methods that are asked for, each computed once and kept.

    Args:
        methods: by the name to show, a method of `mrilab recon` and its options.
        number: which scan of each data set.
    """

    def __init__(self, methods: Mapping[str, tuple[str, dict]], number: int = 0):
        self.methods, self.number = dict(methods), number
        self._scans: dict[str, tuple] = {}
        self._results: dict[tuple, Result] = {}

    def result(self, shift: str, acceleration: float, name: str) -> Result:
        """The reconstruction by the method of this name."""
        if shift not in self._scans:
            stem = dataset(find_shift(shift).dataset)[self.number].stem
            self._scans[shift] = shifted_scan(shift, stem)
        key = (shift, acceleration, name)
        if key not in self._results:
            (scan, _, index), (method, options) = self._scans[shift], self.methods[name]
            self._results[key] = reconstruct_shifted(shift, scan, index, acceleration, method, **options)
        return self._results[key]

    def view(self, shift: str, acceleration: float, names: tuple[str, ...], gain: float = 5.0) -> View:
        """The reference and the images of the methods `names`, then mask and errors, `gain` times enlarged."""
        results = {name: self.result(shift, acceleration, name) for name in names}
        psnr = {name: result.metrics["psnr"] for name, result in results.items()}
        first = next(iter(results.values()))
        reference = first.slices[0].reference
        peak = float(reference.abs().max())
        above = [Panel("all lines", reference, limits=(0, peak))]
        below = [Panel("sampled", first.mask.expand(reference.shape).float(), "mask")]
        for name, result in results.items():
            image = result.slices[0].image
            above.append(Panel(f"{name}\n{psnr[name]:.1f} dB", image, limits=(0, peak)))
            below.append(error_panel(f"error x{gain:g}", image, reference, peak, gain))
        ranked = sorted(psnr, key=psnr.get, reverse=True)
        text = (
            f"{find_shift(shift).title}, R = {acceleration:g} (effective {first.effective_acceleration:.1f}). "
            f"By PSNR: {', '.join(f'{name} {psnr[name]:.1f} dB' for name in ranked)}."
        )
        return View((*above, *below), text)
