"""Raw scans in the fastMRI HDF5 layout (Zbontar et al. 2018, arXiv:1811.08839), in and out.

`kspace` is (slices, coils, H, W), or (slices, H, W) from a single coil; H is readout, W is phase encoding.
Values stay as they are in the file (about 1e-6 in fastMRI): scaling belongs to the methods.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mrilab.data.hdf5 import open_hdf5, writing
from mrilab.data.header import header_xml, oversampling_in, parse_header
from mrilab.data.layout import check_header, echo_shift, note_echo
from mrilab.data.raw_file import RawFile, read_file
from mrilab.data.sampled import find_sampling
from mrilab.data.stored import SMALLEST, Stored
from mrilab.errors import UserError
from mrilab.names import readable
from mrilab.physics.coils import rss
from mrilab.physics.fourier import centre_crop, fft1c, ifft1c


@dataclass(frozen=True)
class Scan:
    """Some or all slices of one file, readout oversampling removed.

    Attributes:
        kspace: complex64 (slices, coil, H, W) on the raw scale, DC at N // 2.
        mask: prospective sampling, bool (1, W), (H, 1) or (H, W); None if everything acquired was sampled.
        acquired: what is not zero padding, bool (1, W), (H, 1) or (H, W); None if all is acquired.
        beside: a mask that the file has beside fully sampled k-space, in the same shapes; None in other files.
        header, attrs: fields of the ISMRMRD header and attributes of the file.
        reference_rss: image in the file, float32 (slices, h, w), often a smaller crop; None if there is none.
        noise: samples of a noise measurement, complex64 (coil, n), from the file's `noise`; None if there is none.
        slices: numbers of these slices in the file, which has `n_slices`.
    """

    kspace: Tensor
    path: Path
    mask: Tensor | None = None
    acquired: Tensor | None = None
    beside: Tensor | None = None
    header: dict = field(default_factory=dict)
    attrs: dict = field(default_factory=dict)
    reference_rss: Tensor | None = None
    slices: tuple[int, ...] = (0,)
    n_slices: int = 1
    oversampling: float = 1.0
    noise: Tensor | None = None

    @property
    def name(self) -> str:
        """Return the file's name without its ending."""
        return self.path.stem

    @property
    def shape(self) -> tuple[int, int]:
        """Return (H, W) of the k-space plane after oversampling was removed."""
        return self.kspace.shape[-2], self.kspace.shape[-1]

    @property
    def view_mm(self) -> tuple[float, float] | None:
        """Return the field of view in mm along readout and phase encoding, without oversampling; None if unknown.

        Pixels of exactly 1 x 1 mm are not believed: `header_xml` writes them where nothing is known.
        """
        view, matrix = self.header.get("encoded_fov_mm"), self.header.get("encoded_matrix")
        if view is None or (matrix is not None and view[:2] == matrix[:2]):
            return None
        return view[0] / self.oversampling, view[1]

    def part(self, n: int) -> Scan:
        """Return the n-th slice of those here, as a scan of a single slice."""
        reference = None if self.reference_rss is None else self.reference_rss[n : n + 1]
        return replace(self, kspace=self.kspace[n : n + 1], reference_rss=reference, slices=(self.slices[n],))


def read_scan(
    path: str | Path, slice: int | None = None, oversampling: float | None = None, axes: str | None = None
) -> Scan:
    """Read a fastMRI HDF5 file, or one slice of it (then only that slice is read from the disk).

    Args:
        slice: number of the slice from 0; negative numbers count from the end; None reads all.
        oversampling: readout oversampling to remove, for files whose header is wrong; 1 removes nothing.
        axes: names of the stored axes, for files in another order than "slices,coils,readout,phase".

    Readout oversampling is removed in the image, by cropping the readout's field of view. How much is decided, in this
    order, by `oversampling`; by the fields of view of the header's encoded and reconstructed space; without a usable
    header by the readout length of `reconstruction_rss` or `_esc`. It is 2 where the header claims none, yet the
    readout is at least 1.8 times as long as the phase encoding and its outer half holds only noise (a warning says so).
    A mask that varies along the readout forbids the crop, which mixes readout points: the field of view stays.

    K-space whose energy peaks elsewhere than around (H // 2, W // 2) is moved there, in turns of the grid, and a note
    says so: in the image this is a phase, exactly.

    Raises:
        UserError: anything that keeps this from being a Cartesian scan: no such file or slice, not HDF5, damaged, no
            `kspace`, wrong type or shape, axes in another order, NaN, infinity, all zero, more than the memory holds,
            a mask that belongs to other data.
    """
    path = Path(path)
    raw = read_file(path, slice, axes)
    header = parse_header(raw.header)
    if axes is None:
        check_header(raw.kspace.shape, header, path)
    if header.get("trajectory") in ("radial", "spiral", "goldenangle"):
        raise UserError(f"{path} has a {header['trajectory']} trajectory; only Cartesian scans can be read")
    mask, acquired, beside = find_sampling(raw.mask, raw.kspace, raw.attrs, header, path)
    shift = _shift(raw, path, axes)
    if any(shift):
        note_echo(shift, (raw.kspace.shape[-2], raw.kspace.shape[-1]), path)
        raw = replace(raw, kspace=_moved(raw.kspace, shift))
        mask, acquired, beside = (each if each is None else _moved(each, shift) for each in (mask, acquired, beside))
    kspace, height = raw.kspace, raw.kspace.shape[-2]
    reference = None if raw.reference is None else torch.from_numpy(raw.reference)

    factor = _oversampling(raw, header, oversampling, path, axes)
    if factor > 1 and any(each is not None and each.shape[0] > 1 for each in (mask, beside)):
        warnings.warn(
            f"{path}: the readout is oversampled {factor:g} times, but the mask varies along the readout, so it "
            "cannot be cropped; the whole oversampled field of view is kept",
            stacklevel=2,
        )
        factor = 1.0
    if factor > 1:
        rows = max(SMALLEST, round(height / factor))
        kspace = torch.stack([crop_readout(k, rows) for k in kspace])
        if acquired is not None and acquired.shape[0] > 1:
            # row j of the smaller field of view is the frequency of row (j - rows // 2) height / rows of the larger
            places = ((torch.arange(rows) - rows // 2) * height / rows).round().long() + height // 2
            acquired = acquired[places.clamp(0, height - 1)]
        if reference is not None and reference.shape[-2] == height:
            reference = centre_crop(reference, (rows, reference.shape[-1]))
    removed = height / kspace.shape[-2]
    noise = None if raw.noise is None else torch.from_numpy(raw.noise)
    numbers = (raw.numbers, raw.n_slices)
    return Scan(kspace, path, mask, acquired, beside, header, raw.attrs, reference, *numbers, removed, noise)


def scan_slices(path: str | Path, axes: str | None = None) -> int:
    """Return how many slices the scan has, without reading them. Raise `UserError` as `read_scan` does."""
    with open_hdf5(Path(path)) as file:
        return Stored(file, Path(path), axes).shape[0]


def crop_readout(kspace: Tensor, rows: int) -> Tensor:
    """Return the k-space (..., rows, W) of the central `rows` pixels of the readout's field of view."""
    hybrid = ifft1c(kspace, dim=-2)
    return fft1c(centre_crop(hybrid, (rows, kspace.shape[-1])), dim=-2)


def write_scan(
    path: str | Path,
    kspace: Tensor,
    mask: Tensor | None = None,
    attrs: Mapping | None = None,
    header: Mapping | None = None,
    noise: Tensor | None = None,
) -> None:
    """Write (slices, coil, H, W) complex k-space as a fastMRI file, whole or not at all.

    Args:
        mask: prospective sampling, bool (1, W), (H, 1) or (H, W). Without it, `reconstruction_rss` and its attributes
            `max` and `norm` are written too, as in fastMRI's training files.
        attrs: further attributes; fastMRI has `acquisition` and `patient_id`.
        header: fields as `parse_header` returns them; `header_xml` names the defaults.
        noise: samples without signal, complex (coil, n), written as `noise`.

    Raises:
        UserError: k-space or noise of another shape or type, a mask that does not fit, a place that cannot be written.
    """
    if kspace.ndim != 4 or not kspace.is_complex():
        raise UserError(f"k-space to write must be complex (slices, coil, H, W), not {tuple(kspace.shape)}")
    if noise is not None and (noise.ndim != 2 or len(noise) != kspace.shape[1] or not noise.is_complex()):
        raise UserError(f"noise to write must be complex ({kspace.shape[1]}, n), not {tuple(noise.shape)}")
    path = Path(path)
    kspace = kspace.detach().cpu().to(torch.complex64)
    height, width = kspace.shape[-2:]
    with writing(path) as file:
        file["ismrmrd_header"] = header_xml(header or {}, (height, width))
        file["kspace"] = kspace.numpy()
        if noise is not None:
            file["noise"] = noise.detach().cpu().to(torch.complex64).numpy()
        if mask is None:
            image = torch.stack([rss(k) for k in kspace]).numpy()  # per slice: a volume may fill the memory
            file["reconstruction_rss"] = image
            file.attrs["max"], file.attrs["norm"] = image.max(), np.linalg.norm(image)
        else:
            if mask.ndim != 2 or mask.shape[0] not in (1, height) or mask.shape[1] not in (1, width):
                raise UserError(f"mask {tuple(mask.shape)} does not fit k-space of {height} x {width}")
            file["mask"] = mask.cpu().numpy()[0] if mask.shape[0] == 1 else mask.cpu().numpy()
        file.attrs.update({"acquisition": "unknown", "patient_id": readable(path.stem), **(attrs or {})})


def _oversampling(raw: RawFile, header: dict, asked: float | None, path: Path, axes: str | None) -> float:
    """Return the readout oversampling to remove, decided as `read_scan` says."""
    height, width = raw.kspace.shape[-2:]
    if asked is not None:
        if not 1 <= asked <= height / SMALLEST:
            raise UserError(f"readout oversampling {asked:g} is impossible with {height} points; give 1 or more")
        return asked
    factor = oversampling_in(header, height)
    if factor is None and raw.reference is not None:
        factor = max(1.0, height / raw.reference.shape[-2])
    matches = header.get("encoded_matrix", (height,))[0] == height  # the header speaks of this readout
    if factor in (None, 1.0) and matches and height >= 1.8 * width:
        middle = _middle_slice(path, path.stat().st_mtime_ns, axes)
        if _outer_half_is_empty(raw.kspace if middle is None else middle):
            warnings.warn(
                f"{path}: the readout has {height} points for {width} phase-encoding lines and its outer half "
                "is empty, so it is taken as oversampled by 2 although the file does not say so",
                stacklevel=3,
            )
            return 2.0
    return factor or 1.0


def _shift(raw: RawFile, path: Path, axes: str | None) -> tuple[int, int]:
    """Return by how much the echo is off the middle; in a volume the middle slice decides for all."""
    kspace = raw.kspace
    if raw.n_slices > 1:
        middle = _middle_slice(path, path.stat().st_mtime_ns, axes)
        kspace = raw.kspace if middle is None else middle
    return echo_shift(kspace, (kspace != 0).any(0).any(0))


def _moved(plane: Tensor, shift: tuple[int, int]) -> Tensor:
    """Return planes (..., H, W), or lines (1, W) or (H, 1), moved round by -shift."""
    return plane.roll((-shift[0], -shift[1]), (-2, -1))


@lru_cache(maxsize=1)
def _middle_slice(path: Path, changed: int, axes: str | None) -> Tensor | None:
    """Return the middle slice of a file, (1, coil, H, W), read once; None where it is bad. `changed` is the time."""
    try:
        return read_file(path, scan_slices(path, axes) // 2, axes).kspace
    except UserError:
        return None


def _outer_half_is_empty(kspace: Tensor) -> bool:
    """Return whether the outer half of the readout holds only flat, weak noise: no row of pixels stands out."""
    profile = ifft1c(kspace, dim=-2).abs().square().sum((0, 1, 3)).sqrt()  # (slices, coil, H, W) -> (H,)
    quarter = len(profile) // 4
    outer = torch.cat((profile[:quarter], profile[-quarter:]))
    return bool(outer.max() < 2 * outer.median() and outer.max() < 0.25 * profile.max())
