"""Raw scans in the fastMRI HDF5 layout (Zbontar et al. 2018, arXiv:1811.08839), in and out.

`kspace` is (slices, coils, H, W), or (slices, H, W) from a single coil; H is readout, W is phase encoding.
Values stay as they are in the file (about 1e-6 in fastMRI): scaling belongs to the methods.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from mrilab.data.atomic import atomic_path
from mrilab.data.hdf5 import SMALLEST, RawFile, kspace_dataset, open_hdf5, read_file, writing
from mrilab.data.header import header_xml, oversampling_in, parse_header
from mrilab.data.sampled import find_sampling
from mrilab.errors import UserError
from mrilab.physics.coils import rss
from mrilab.physics.fourier import centre_crop, fft1c, ifft1c


@dataclass(frozen=True)
class Scan:
    """Some or all slices of one file, readout oversampling removed.

    kspace: (slices, coil, H, W) complex64, raw scale, DC at N // 2.
    mask: None where everything acquired was sampled; else bool (1, W), (H, 1) or (H, W), the prospective
        sampling.
    acquired: None, or bool (1, W): the columns that are not zero padding.
    header: what `parse_header` found. attrs: the attributes of the file.
    reference_rss: (slices, h, w) float32 as stored in the file, often a smaller crop; None if there is none.
    slices: the numbers of these slices in the file, which has `n_slices`.
    """

    kspace: Tensor
    path: Path
    mask: Tensor | None = None
    acquired: Tensor | None = None
    header: dict = field(default_factory=dict)
    attrs: dict = field(default_factory=dict)
    reference_rss: Tensor | None = None
    slices: tuple[int, ...] = (0,)
    n_slices: int = 1
    oversampling: float = 1.0

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the k-space plane after oversampling was removed."""
        return tuple(self.kspace.shape[-2:])

    def part(self, n: int) -> Scan:
        """The n-th slice of those here, as a scan of one slice."""
        reference = None if self.reference_rss is None else self.reference_rss[n : n + 1]
        return replace(self, kspace=self.kspace[n : n + 1], reference_rss=reference, slices=(self.slices[n],))


def read_scan(path: str | Path, slice: int | None = None, oversampling: float | None = None) -> Scan:
    """Read a fastMRI HDF5 file, or one slice of it (then only that slice is read from the disk).

    Args:
        path: the file.
        slice: its number from 0; negative numbers count from the end; None reads all.
        oversampling: readout oversampling to remove, for files whose header is wrong; 1 removes nothing.

    Readout oversampling is removed in the image, by cropping the readout's field of view. How much, in this
    order: `oversampling` if given; the fields of view of the header's encoded and reconstructed space;
    without a usable header the readout length of `reconstruction_rss` or `_esc`; and 2 where the header
    claims none, yet the readout is at least 1.8 times as long as the phase encoding and its outer half holds
    nothing but noise (a warning says so). A sampling mask that varies along the readout forbids the crop,
    which mixes readout points: the whole field of view stays.

    Raises:
        UserError: anything that keeps this from being a Cartesian scan: no such file or slice, not HDF5,
            damaged, no `kspace`, wrong type or shape, NaN, infinity, all zero, more than the memory holds.
    """
    path = Path(path)
    raw = read_file(path, slice)
    header = parse_header(raw.header)
    if header.get("trajectory") in ("radial", "spiral", "goldenangle"):
        raise UserError(f"{path} has a {header['trajectory']} trajectory; only Cartesian scans can be read")
    mask, acquired = find_sampling(raw.mask, raw.kspace, raw.attrs, header, path)
    kspace, height = raw.kspace, raw.kspace.shape[-2]
    reference = None if raw.reference is None else torch.from_numpy(raw.reference)

    factor = _oversampling(raw, header, oversampling, path)
    if factor > 1 and mask is not None and mask.shape[0] > 1:
        warnings.warn(
            f"{path}: the readout is oversampled {factor:g} times, but the mask varies along the readout, so it "
            "cannot be cropped; the whole oversampled field of view is kept",
            stacklevel=2,
        )
        factor = 1.0
    if factor > 1:
        rows = max(SMALLEST, round(height / factor))
        kspace = torch.stack([crop_readout(k, rows) for k in kspace])
        if reference is not None and reference.shape[-2] == height:
            reference = centre_crop(reference, (rows, reference.shape[-1]))
    removed = height / kspace.shape[-2]
    return Scan(kspace, path, mask, acquired, header, raw.attrs, reference, raw.numbers, raw.n_slices, removed)


def scan_slices(path: str | Path) -> int:
    """How many slices the scan has, without reading them. Raises `UserError` as `read_scan` does."""
    with open_hdf5(Path(path)) as file:
        return kspace_dataset(file, Path(path)).shape[0]


def crop_readout(kspace: Tensor, rows: int) -> Tensor:
    """K-space (..., H, W) of the central `rows` pixels of the readout's field of view: (..., rows, W)."""
    hybrid = ifft1c(kspace, dim=-2)
    return fft1c(centre_crop(hybrid, (rows, kspace.shape[-1])), dim=-2)


def write_scan(
    path: str | Path,
    kspace: Tensor,
    mask: Tensor | None = None,
    attrs: Mapping | None = None,
    header: Mapping | None = None,
) -> None:
    """Write (slices, coil, H, W) complex k-space as a fastMRI file, whole or not at all.

    Args:
        mask: bool (1, W), (H, 1) or (H, W) of a prospectively undersampled scan. Without one,
            `reconstruction_rss` and the attributes `max` and `norm` of it are written too, as in fastMRI's
            training files.
        attrs: further attributes; fastMRI has `acquisition` and `patient_id`.
        header: fields as `parse_header` gives them; `header_xml` names the defaults.

    Raises:
        UserError: k-space of another shape or type, a mask that does not fit, a place that cannot be written.
    """
    if kspace.ndim != 4 or not kspace.is_complex():
        raise UserError(f"k-space to write must be complex (slices, coil, H, W), not {tuple(kspace.shape)}")
    path = Path(path)
    kspace = kspace.detach().cpu().to(torch.complex64)
    shape = tuple(kspace.shape[-2:])
    with atomic_path(path) as temporary, writing(path), h5py.File(temporary, "w") as file:
        file["ismrmrd_header"] = header_xml(header or {}, shape)
        file["kspace"] = kspace.numpy()
        if mask is None:
            image = torch.stack([rss(k) for k in kspace]).numpy()  # per slice: a volume may fill the memory
            file["reconstruction_rss"] = image
            file.attrs["max"], file.attrs["norm"] = image.max(), np.linalg.norm(image)
        else:
            if mask.ndim != 2 or mask.shape[0] not in (1, shape[0]) or mask.shape[1] not in (1, shape[1]):
                raise UserError(f"mask {tuple(mask.shape)} does not fit k-space of {shape[0]} x {shape[1]}")
            file["mask"] = mask.cpu().numpy()[0] if mask.shape[0] == 1 else mask.cpu().numpy()
        file.attrs.update({"acquisition": "unknown", "patient_id": path.stem, **(attrs or {})})


def _oversampling(raw: RawFile, header: dict, given: float | None, path: Path) -> float:
    height, width = raw.kspace.shape[-2:]
    if given is not None:
        if not 1 <= given <= height / SMALLEST:
            raise UserError(f"readout oversampling {given:g} is impossible with {height} points; give 1 or more")
        return given
    factor = oversampling_in(header, height)
    if factor is None and raw.reference is not None:
        factor = max(1.0, height / raw.reference.shape[-2])
    told = header.get("encoded_matrix", (height,))[0] != height  # the header knows of another readout
    if factor in (None, 1.0) and not told and height >= 1.8 * width:
        # the middle slice decides for all, whichever of them is read
        if _outer_half_is_empty(read_file(path, raw.n_slices // 2).kspace):
            warnings.warn(
                f"{path}: the readout has {height} points for {width} phase-encoding lines and its outer half "
                "is empty, so it is taken as oversampled by 2 although the file does not say so",
                stacklevel=3,
            )
            return 2.0
    return factor or 1.0


def _outer_half_is_empty(kspace: Tensor) -> bool:
    """Whether the outer half of the readout holds only flat, weak noise: no row of pixels stands out."""
    profile = ifft1c(kspace, dim=-2).abs().square().sum((0, 1, 3)).sqrt()  # (slices, coil, H, W) -> (H,)
    quarter = len(profile) // 4
    outer = torch.cat((profile[:quarter], profile[-quarter:]))
    return bool(outer.max() < 2 * outer.median() and outer.max() < 0.25 * profile.max())
