"""The user's fully sampled scans, made ready for training once: compressed, with maps and a reference, kept on disk.

Each scan gets a safetensors file of its own in `build/own/`, from which single slices are read when they are drawn. So
the data may be larger than the memory, and who interrupts the preparation goes on with the next scan. A file is named
after a hash of the scan (name, size, time of change), of the grid and of the code that makes it.
"""

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm

import mrilab.physics
from mrilab.data.atomic import atomic_path
from mrilab.data.scans import Scan, read_scan, scan_slices
from mrilab.errors import UserError
from mrilab.paths import BUILD
from mrilab.physics.coils import estimate_maps, mvue
from mrilab.physics.compression import combine, compression_matrix
from mrilab.physics.fourier import centre_crop, centre_pad
from mrilab.physics.scale import quantile_scale

OWN = BUILD / "own"
VIRTUAL = 8  # largest number of coils that are kept; more are compressed to so many
CALIBRATION = (24, 24)  # points around DC from which the coils are compressed
NOTES = "mrilab"  # key of the JSON text in a file's header
MADE_BY = {  # the code that decides what the cache holds
    Path(__file__).parent: ("own", "scans", "hdf5", "sampled", "header"),
    Path(mrilab.physics.__file__).parent: ("coils", "compression", "espirit", "fourier"),
}
Grid = tuple[int | None, int]  # rows, None for those that a scan has, and lines


@dataclass(frozen=True)
class Found:
    """A fully sampled scan of the user: its file, and the number of its slices and coils, and (H, W)."""

    path: Path
    slices: int
    coils: int
    shape: tuple[int, int]

    def bytes(self, grid: Grid) -> int:
        """Return how many bytes k-space and maps take on a grid."""
        return 2 * 8 * self.slices * min(self.coils, VIRTUAL) * (grid[0] or self.shape[0]) * grid[1]


@dataclass(frozen=True)
class OwnScan:
    """A scan that is ready: its file in the cache, its slices, the coils that it had, (H, W), and a hash of its data.

    acquired: bool (1, W) or (H, W), the points that are not zero padding.
    """

    file: Path
    slices: int
    coils: int
    shape: tuple[int, int]
    content: str
    acquired: Tensor

    def read(self, n: int, *names: str) -> list[Tensor]:
        """Return "kspace" or "maps" (coil, H, W) or the "reference" (H, W) of the n-th slice, complex64.

        They are in units of the 0.99 quantile of the reference.

        Raises:
            UserError: the file in the cache is gone or damaged.
        """
        try:
            with safe_open(self.file, framework="pt") as file:
                return [torch.view_as_complex(file.get_slice(name)[n].contiguous()) for name in names]
        except (SafetensorError, OSError) as error:
            raise UserError(f"{self.file} is gone or damaged; remove it and run again to make it anew") from error


def find_scans(folder: Path) -> list[Found]:
    """Return the fully sampled scans (*.h5) of a folder by name. Warn of every one that is left out.

    Raises:
        UserError: no such folder, or no fully sampled scan in it.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; give one with fully sampled scans (*.h5)")
    found, paths = [], sorted(folder.glob("*.h5"))
    for path in paths:
        try:
            found.append(_look_at(path))
        except UserError as error:
            warnings.warn(f"left out: {error}", stacklevel=2)
    if not found:
        raise UserError(f"{folder} holds no fully sampled scan among {len(paths)} files *.h5; nothing can be learned")
    return found


def _look_at(path: Path) -> Found:
    """Read one slice of a scan: the middle one, or the first that can be read."""
    slices = scan_slices(path)
    fault = None
    for n in (slices // 2, *range(slices)):
        try:
            scan = read_scan(path, n)
        except UserError as error:
            fault = error
            continue
        if scan.mask is not None:
            raise UserError(f"{path} is undersampled, so it has no reference")
        return Found(path, slices, scan.kspace.shape[1], scan.shape)
    raise fault or UserError(f"{path} has no slices")


def prepare_scans(found: Iterable[Found], grid: Grid, cache: Path | None = None) -> list[OwnScan]:
    """Return the scans on a grid, from the cache, to which the missing ones are added first.

    K-space is cropped to the grid, which lowers the resolution, or padded with zeros that count as not acquired. More
    than VIRTUAL coils are compressed by the central points. Maps are ESPIRiT's from the central 24 x 24 points, and the
    reference is the MVUE with them. Slices that cannot be read, are undersampled or show
    nothing are left out with a warning. Several
    processes that start together share the work.

    Raises:
        UserError: not enough disk or memory, a folder that cannot be written, no slice that can be read.
    """
    cache = cache or OWN
    places = [(scan, cache / f"{_name(scan.path, grid)}.safetensors") for scan in found]
    missing = [(scan, file) for scan, file in places if not file.is_file()]
    if missing:
        cache.mkdir(parents=True, exist_ok=True)
        needed, free = sum(scan.bytes(grid) for scan, _ in missing), shutil.disk_usage(cache).free
        if needed > free:
            raise UserError(f"the scans need {needed / 1e9:.1f} GB in {cache}, where {free / 1e9:.1f} GB are free")
    rank, processes = (int(_from_environment(*names)) for names in PROCESSES)
    own_first = [*missing[rank::processes], *(place for i, place in enumerate(missing) if i % processes != rank)]
    for scan, file in tqdm(own_first, desc="Preparing scans", unit="scan", mininterval=0.5, disable=not missing):
        if not file.is_file():  # another process may have made it by now
            _prepare(scan, grid, file)
    ready = [_ready(scan, file) for scan, file in places]
    if not any(scan.slices for scan in ready):
        raise UserError("no slice of these scans can be read; nothing can be learned")
    return [scan for scan in ready if scan.slices]


# names in the environment of the number of this process and of how many there are: torchrun's, then SLURM's
PROCESSES = (("RANK", "SLURM_PROCID", "0"), ("WORLD_SIZE", "SLURM_NTASKS", "1"))


def _from_environment(first: str, second: str, default: str) -> str:
    return os.environ.get(first) or os.environ.get(second) or default


def _name(path: Path, grid: Grid) -> str:
    """Return a hash of the scan, the grid and the code. The name of a scan may be that of a patient."""
    stat = path.stat()
    sources = [folder / f"{name}.py" for folder, names in MADE_BY.items() for name in names]
    said = f"{path.name} {stat.st_size} {stat.st_mtime_ns} {grid}".encode()
    return hashlib.sha256(said + b"".join(source.read_bytes() for source in sources)).hexdigest()[:24]


def _prepare(scan: Found, grid: Grid, file: Path) -> None:
    """Write one scan into the cache."""
    if scan.bytes(grid) > psutil.virtual_memory().available:
        raise UserError(f"{scan.path} needs {scan.bytes(grid) / 2**30:.1f} GiB of memory, more than is free")
    slices: list[tuple[Tensor, Tensor, Tensor]] = []
    left_out, acquired = [], torch.ones(1, 1, dtype=torch.bool)
    digest = hashlib.sha256()
    for n in range(scan.slices):
        try:
            part = read_scan(scan.path, n)
        except UserError:
            left_out.append(n)
            continue
        kspace, acquired = _onto(part, grid)
        made = None if part.mask is not None else _slice(kspace, acquired)
        if made is None:
            left_out.append(n)
            continue
        digest.update(part.kspace.numpy().tobytes())
        slices.append(made)
    notes = {"coils": scan.coils, "left_out": left_out, "content": digest.hexdigest()}
    stacked = (torch.view_as_real(torch.stack(each)) for each in zip(*slices, strict=True))
    tensors = dict(zip(("kspace", "maps", "reference"), stacked, strict=False)) | {"acquired": acquired}
    try:
        with atomic_path(file) as temporary:
            save_file(tensors, temporary, metadata={NOTES: json.dumps(notes)})
    except (SafetensorError, OSError) as error:
        raise UserError(f"could not write to {file.parent} ({error}); free some space and run again") from error


def _onto(scan: Scan, grid: Grid) -> tuple[Tensor, Tensor]:
    """Return k-space (coil, H, W) of one slice on the grid, and which of it was acquired, bool (1, W) or (H, W)."""
    kspace = scan.kspace[0]
    height, width = kspace.shape[-2:]
    rows, lines = grid[0] or height, grid[1]
    acquired = torch.ones(1, width, dtype=torch.bool) if scan.acquired is None else scan.acquired
    acquired = acquired.expand(height, width)
    cropped = (min(rows, height), min(lines, width))
    kspace, acquired = (centre_pad(centre_crop(each, cropped), (rows, lines)) for each in (kspace, acquired))
    return kspace, acquired if rows > height else acquired[:1].contiguous()


def _slice(kspace: Tensor, acquired: Tensor) -> tuple[Tensor, Tensor, Tensor] | None:
    """Return k-space, maps (coil, H, W) and reference (H, W), over the 0.99 quantile of the reference.

    Return None where the reference is dark in more than 99 of 100 pixels: there is no object in the slice.
    """
    if len(kspace) > VIRTUAL:
        height, width = kspace.shape[-2:]
        centre = centre_crop(kspace, (min(CALIBRATION[0], height), min(CALIBRATION[1], width)))
        kspace = combine(compression_matrix(centre, VIRTUAL), kspace)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a scan that is too small for ESPIRiT
        maps, _ = estimate_maps(kspace, acquired)
    reference = mvue(kspace, maps)
    scale = quantile_scale(reference)
    if not scale > 0:
        return None
    return kspace / scale, maps, reference / scale


def _ready(scan: Found, file: Path) -> OwnScan:
    """Return what the file in the cache says of itself, and say again which slices were left out."""
    try:
        with safe_open(file, framework="pt") as stored:
            notes = json.loads((stored.metadata() or {})[NOTES])
            acquired = stored.get_tensor("acquired")
            shape = stored.get_slice("reference").get_shape() if "reference" in stored.keys() else [0, 0, 0, 2]
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise UserError(f"{file} is damaged; remove it and run again to make it anew") from error
    if notes["left_out"]:
        numbers = ", ".join(map(str, notes["left_out"]))
        warnings.warn(f"left out: slices {numbers} of {scan.path}, which hold no readable full data", stacklevel=3)
    return OwnScan(file, shape[0], notes["coils"], (shape[1], shape[2]), notes["content"], acquired)
