"""Which slices of a file are good: the others are left out and named, and no good slice pays for a bad one."""

import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from mrilab.data.scans import read_scan, scan_slices
from mrilab.errors import UserError

MOST_NAMED = 4  # slices that are named in a note; the others are counted


class _Pattern(NamedTuple):
    """Say what was sampled of a slice, in a form that can be compared."""

    mask: bytes | None
    acquired: bytes | None


def good_slices(path: Path, axes: str | None = None) -> list[int]:
    """Return the numbers of the slices that can be read and are sampled as most are, with a note on the others.

    Each slice is read once, so a volume is never in memory as a whole.

    Raises:
        UserError: no slice can be read, or no way of sampling is that of more than half of them.
    """
    numbers = range(scan_slices(path, axes))
    if len(numbers) == 1:
        return [0]
    patterns, faults = dict[int, _Pattern](), dict[int, str]()
    for number in numbers:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are raised again when the slice is reconstructed
            try:
                scan = read_scan(path, number, oversampling=1.0, axes=axes)
            except UserError as error:
                faults[number] = str(error)
                continue
        patterns[number] = _Pattern(_packed(scan.mask), _packed(scan.acquired))
    if not patterns:
        raise UserError(faults[0])
    usual, count = Counter(patterns.values()).most_common(1)[0]
    if 2 * count <= len(patterns):
        raise UserError(f"the slices of {path} were sampled in different ways; use --slice, one at a time")
    faults |= {n: "it has other lines than most" for n, pattern in patterns.items() if pattern != usual}
    if faults:
        named = "; ".join(f"slice {n}: {faults[n].partition(';')[0]}" for n in sorted(faults)[:MOST_NAMED])
        more = f"; and {len(faults) - MOST_NAMED} more" if len(faults) > MOST_NAMED else ""
        warnings.warn(f"{path}: {len(faults)} of {len(numbers)} slices are left out ({named}{more})", stacklevel=3)
    return [number for number in numbers if number not in faults]


def _packed(points: Tensor | None) -> bytes | None:
    return None if points is None else repr(tuple(points.shape)).encode() + points.numpy().tobytes()
