"""Raw scans in the fastMRI HDF5 layout (Zbontar et al. 2018, arXiv:1811.08839), in and out.

`kspace` is (slices, coils, H, W), or (slices, H, W) from a single coil; H is readout, W is phase encoding. Values stay
as they are in the file (about 1e-6 in fastMRI): scaling belongs to the methods.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import psutil
import torch
from torch import Tensor

from mrilab.data.atomic import atomic_path
from mrilab.data.header import header_xml, oversampling_in, parse_header
from mrilab.data.sampled import find_sampling
from mrilab.errors import UserError
from mrilab.physics.coils import rss
from mrilab.physics.fourier import centre_crop, fft1c, ifft1c

SMALLEST = 8  # points along each axis; below this nothing can be estimated
REFERENCES = ("reconstruction_rss", "reconstruction_esc")


@dataclass(frozen=True)
class Scan:
    """Some or all slices of one file, readout oversampling removed.

    kspace: (slices, coil, H, W) complex64, raw scale, DC at N // 2.
    mask: None where everything acquired was sampled; else bool (1, W), (H, 1) or (H, W), the prospective sampling.
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


def read_scan(path: str | Path, slice: int | None = None, oversampling: float | None = None) -> Scan:
    """Read a fastMRI HDF5 file, or one slice of it (then only that slice is read from the disk).

    Args:
        path: the file.
        slice: its number from 0; negative numbers count from the end; None reads all.
        oversampling: readout oversampling to remove, for files whose header is wrong; 1 removes nothing.

    Readout oversampling is removed in the image, by cropping the readout's field of view. How much, in this order:
    `oversampling` if given; the fields of view of the header's encoded and reconstructed space; without a usable header
    the readout length of `reconstruction_rss` or `_esc`; and 2 where the header claims none, yet the readout is at least
    1.8 times as long as the phase encoding and its outer half holds nothing but noise (a warning says so). A sampling
    mask that varies along the readout forbids the crop, which mixes readout points: the whole field of view stays.

    Raises:
        UserError: anything that keeps this from being a Cartesian scan: no such file or slice, not HDF5, damaged, no
            `kspace`, wrong type or shape, NaN, infinity, all zero, more than the memory holds.
    """
    path = Path(path)
    with _open(path) as file:
        data = _kspace_dataset(file, path)
        n_slices = data.shape[0]
        chosen = range(n_slices) if slice is None else [_slice_number(slice, n_slices, path)]
        header = parse_header(_text(file.get("ismrmrd_header")))
        if header.get("trajectory", "cartesian") in ("radial", "spiral", "goldenangle"):
            raise UserError(f"{path} has a {header['trajectory']} trajectory; only Cartesian scans can be read")
        kspace = _read_kspace(data, chosen, path)
        attrs = {key: _plain(value) for key, value in file.attrs.items()}
        mask, acquired = find_sampling(_array(file, "mask", path), kspace, attrs, header, path)
        stored = next((file[key] for key in REFERENCES if isinstance(file.get(key), h5py.Dataset)), None)
        if stored is not None and (stored.ndim != 3 or stored.shape[0] != n_slices):
            warnings.warn(f"{path}: {stored.name[1:]} has shape {stored.shape} and is ignored", stacklevel=2)
            stored = None
        reference = None if stored is None else torch.from_numpy(np.stack([stored[n] for n in chosen])).float()

        height = kspace.shape[-2]
        factor = _oversampling(oversampling, header, stored, data, kspace.shape[-2:], path)
        if factor > 1 and mask is not None and mask.shape[0] > 1:
            warnings.warn(
                f"{path}: the readout is oversampled {factor:g} times, but the mask varies along the readout, so the "
                "readout cannot be cropped; the whole oversampled field of view is kept",
                stacklevel=2,
            )
            factor = 1.0
        if factor > 1:
            rows = max(SMALLEST, round(height / factor))
            kspace = torch.stack([crop_readout(k, rows) for k in kspace])
            if reference is not None and reference.shape[-2] == height:
                reference = centre_crop(reference, (rows, reference.shape[-1]))
    return Scan(
        kspace, path, mask, acquired, header, attrs, reference, tuple(chosen), n_slices, height / kspace.shape[-2]
    )


def scan_slices(path: str | Path) -> int:
    """How many slices the scan has, without reading them. Raises `UserError` as `read_scan` does."""
    with _open(Path(path)) as file:
        return _kspace_dataset(file, Path(path)).shape[0]


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
        mask: bool (1, W), (H, 1) or (H, W) of a prospectively undersampled scan. Without one, `reconstruction_rss` and
            the attributes `max` and `norm` of it are written too, as in fastMRI's training files.
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
            image = torch.stack([rss(k) for k in kspace]).numpy()  # slice by slice: one volume may fill the memory
            file["reconstruction_rss"] = image
            file.attrs["max"], file.attrs["norm"] = image.max(), np.linalg.norm(image)
        else:
            if mask.ndim != 2 or mask.shape[0] not in (1, shape[0]) or mask.shape[1] not in (1, shape[1]):
                raise UserError(f"mask {tuple(mask.shape)} does not fit k-space of {shape[0]} x {shape[1]}")
            file["mask"] = mask.cpu().numpy()[0] if mask.shape[0] == 1 else mask.cpu().numpy()
        file.attrs.update({"acquisition": "unknown", "patient_id": path.stem, **(attrs or {})})


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an operating-system error while writing `path` into one sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"could not write {path} ({reason}); free some space or choose another folder") from error


@contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    if not path.exists():
        raise UserError(f"there is no file {path}; check the name")
    if path.is_dir():
        raise UserError(f"{path} is a folder; give the HDF5 file inside it")
    try:
        file = h5py.File(path, "r")
    except PermissionError as error:
        raise UserError(f"{path} may not be read; change its permissions") from error
    except OSError as error:
        if "truncated" in str(error):
            raise UserError(f"{path} is cut short; copy or download it again") from error
        raise UserError(f"{path} is not an HDF5 file, or is damaged; give a scan in the fastMRI layout") from error
    with file:
        yield file


def _kspace_dataset(file: h5py.File, path: Path) -> h5py.Dataset:
    data = file.get("kspace")
    if not isinstance(data, h5py.Dataset):
        there = ", ".join(sorted(file.keys())) or "nothing"
        raise UserError(f"{path} has no dataset `kspace` (it holds {there}); give a scan in the fastMRI layout")
    shape = data.shape[:-1] if _has_real_pairs(data) else data.shape
    if not (_has_real_pairs(data) or data.dtype.kind == "c" or _complex_names(data.dtype)):
        raise UserError(f"`kspace` in {path} has the type {data.dtype}; it must be complex")
    if len(shape) not in (3, 4):
        raise UserError(
            f"`kspace` in {path} has the shape {data.shape}; it must be (slices, coils, H, W) or (slices, H, W)"
        )
    if 0 in shape:
        raise UserError(f"`kspace` in {path} is empty: its shape is {data.shape}")
    if min(shape[-2:]) < SMALLEST:
        raise UserError(f"`kspace` in {path} has only {shape[-2]} x {shape[-1]} points; {SMALLEST} a side are needed")
    return data


def _has_real_pairs(data: h5py.Dataset) -> bool:
    return data.dtype.kind == "f" and len(data.shape) in (4, 5) and data.shape[-1] == 2


def _complex_names(dtype: np.dtype) -> bool:
    return dtype.names in (("real", "imag"), ("r", "i")) and all(dtype[n].kind == "f" for n in dtype.names)


def _read_kspace(data: h5py.Dataset, chosen, path: Path) -> Tensor:
    plane = data.shape[1:-1] if _has_real_pairs(data) else data.shape[1:]
    needed = 8 * len(chosen) * int(np.prod(plane, dtype=float))
    if needed > psutil.virtual_memory().available:
        raise UserError(f"{path} needs {needed / 2**30:.1f} GiB of memory, more than is free; read one slice at a time")
    kspace = torch.empty((len(chosen), *plane), dtype=torch.complex64)
    for n, number in enumerate(chosen):
        try:
            values = data[number]
        except OSError as error:  # the index of a file can be whole while its data are not
            raise UserError(f"slice {number} of {path} is damaged; copy or download the file again") from error
        if data.dtype.names:
            real, imag = data.dtype.names
            values = values[real] + 1j * values[imag]
        elif data.dtype.kind == "f":
            values = values[..., 0] + 1j * values[..., 1]
        with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite and is refused below
            values = values.astype(np.complex64)
        if not np.isfinite(values).all():
            raise UserError(f"`kspace` in {path} has NaN or infinite values in slice {number}; export the scan again")
        if not values.any():
            raise UserError(f"`kspace` in {path} is all zero in slice {number}; choose another slice or file")
        kspace[n] = torch.from_numpy(values)
    return kspace if kspace.ndim == 4 else kspace[:, None]  # a single coil: (slices, 1, H, W)


def _oversampling(given: float | None, header: dict, stored, data: h5py.Dataset, shape, path: Path) -> float:
    height, width = shape
    if given is not None:
        if not 1 <= given <= height / SMALLEST:
            raise UserError(f"readout oversampling {given:g} is impossible with {height} points; give 1 or more")
        return given
    factor = oversampling_in(header, height)
    if factor is None and stored is not None:
        factor = max(1.0, height / stored.shape[-2])
    if factor in (None, 1.0) and header.get("encoded_matrix", (height,))[0] == height and height >= 1.8 * width:
        middle = data.shape[0] // 2  # one slice decides for all, whichever of them is read
        if _outer_half_is_empty(_read_kspace(data, [middle], path)):
            warnings.warn(
                f"{path}: the readout has {height} points for {width} phase-encoding lines and its outer half is "
                "empty, so it is taken as oversampled by 2 although the file does not say so",
                stacklevel=3,
            )
            return 2.0
    return factor or 1.0


def _outer_half_is_empty(kspace: Tensor) -> bool:
    """Whether the outer half of the readout holds only flat, weak noise: no row of pixels stands out of it."""
    profile = ifft1c(kspace, dim=-2).abs().square().sum((0, 1, 3)).sqrt()  # (slices, coil, H, W) -> (H,)
    quarter = len(profile) // 4
    outer = torch.cat((profile[:quarter], profile[-quarter:]))
    return bool(outer.max() < 2 * outer.median() and outer.max() < 0.25 * profile.max())


def _slice_number(number: int, n_slices: int, path: Path) -> int:
    if not -n_slices <= number < n_slices:
        raise UserError(f"{path} has no slice {number}; it has {n_slices}, numbered 0 to {n_slices - 1}")
    return number % n_slices


def _array(file: h5py.File, key: str, path: Path) -> np.ndarray | None:
    if key not in file:
        return None
    if not isinstance(file[key], h5py.Dataset) or file[key].dtype.kind not in "biuf":
        raise UserError(f"`{key}` in {path} is not an array of numbers; 0 or 1 is needed for each line")
    return file[key][()]


def _text(data) -> bytes | str:
    """The header as text; h5py gives bytes for a scalar, or an array of one."""
    if not isinstance(data, h5py.Dataset) or data.size != 1:
        return ""
    value = data[()]
    value = value.flat[0] if isinstance(value, np.ndarray) else value
    return value if isinstance(value, bytes | str) else ""


def _plain(value):
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value
