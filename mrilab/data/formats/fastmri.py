"""The project's own layout, that of fastMRI, read as it is stored: nothing is cropped."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mrilab.data.formats.raw import Raw
from mrilab.data.header import parse_header
from mrilab.data.raw_file import read_file
from mrilab.errors import UserError

COMPUTED = ("max", "norm")  # attributes that `write_scan` writes itself


def read_fastmri(path: Path) -> Raw:
    """Read k-space, mask, noise, attributes and header. Raise `UserError` as `mrilab.data.scans.read_scan` says."""
    stored = read_file(path)
    attrs = {key: value for key, value in stored.attrs.items() if key not in COMPUTED}
    header = parse_header(stored.header)
    noise = None if stored.noise is None else torch.from_numpy(stored.noise)
    return Raw(stored.kspace, _mask(stored.mask, stored.kspace, path), attrs, header, noise)


def _mask(stored: np.ndarray | None, kspace: Tensor, path: Path) -> Tensor | None:
    """Return the mask as bool (1, W), (H, 1) or (H, W)."""
    if stored is None:
        return None
    height, width = kspace.shape[-2:]
    mask = stored.reshape(1, width) if stored.size == width else stored
    if mask.shape not in ((height, 1), (1, width), (height, width)):
        raise UserError(f"`mask` in {path} has the shape {stored.shape}; ({width},) or ({height}, {width}) is needed")
    return torch.from_numpy(mask != 0)
