"""A^H A against an unshifted, batched 2-D FFT pair with maps and mask: what a careful direct version costs."""

from __future__ import annotations

import torch

from benchmarks.problem import line_mask, phantom_scan, point_mask
from benchmarks.timing import Row, alternate
from mrilab.physics import SenseModel

TARGETS = {("line", 1): 0.5, ("line", 8): 0.25, ("point", 1): 1.05, ("point", 8): 0.6}


def rows() -> list[Row]:
    _, maps = phantom_scan(256)
    table = []
    for kind, mask in (("line", line_mask(256)), ("point", point_mask(256))):
        for batch in (1, 8):
            own_maps = maps.expand(batch, *maps.shape).contiguous()  # every scan of the batch has maps of its own
            own_mask = mask.expand(batch, *mask.shape).contiguous()
            generator = torch.Generator().manual_seed(1)
            x = torch.randn(batch, 256, 256, dtype=torch.complex64, generator=generator)
            model = SenseModel(own_maps, own_mask)
            direct = _direct(own_maps, own_mask)
            seconds, floor = alternate(lambda m=model, x=x: m.normal(x), lambda d=direct, x=x: d(x), rounds=25)
            work = f"A^H A, 256x256, 8 coils, {kind} mask, batch {batch}"
            table.append(Row(work, "direct 2-D FFT pair, maps, mask", seconds, floor, TARGETS[kind, batch]))
    return table


def _direct(maps, mask):
    def normal(x):
        kspace = torch.fft.fft2(maps * x[:, None]) * mask[:, None]
        return (torch.fft.ifft2(kspace) * maps.conj()).sum(1)

    return normal
