"""The fixed scans as files: built from code on first use, in the fastMRI HDF5 layout, never committed.

A data set is a folder with a file per scan and a manifest, written last. The manifest names the files and the
fingerprint of the code that simulated them. When the code changes, the data are built again.
"""

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from tqdm import tqdm

import mrilab
from mrilab.data.atomic import atomic_path
from mrilab.data.recipes import RECIPES, find_recipe, simulate
from mrilab.data.scans import write_scan
from mrilab.paths import ROOT

MANIFEST = "manifest.json"


def embedded_folder() -> Path:
    """Return `data/embedded` of the clone; for a package installed elsewhere, a folder in the user's cache."""
    if (ROOT / "pyproject.toml").is_file():
        return ROOT / "data" / "embedded"
    return Path.home() / ".cache" / "mrilab" / "embedded"


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """Return a hash of all the code and tables that decide what a scan looks like."""
    package = Path(mrilab.__file__).parent
    sources = sorted(file for file in (package / "anatomy").iterdir() if file.is_file())
    sources += [package / "data" / "recipes.py", package / "data" / "slices.py"]
    sources += [package / "physics" / "fourier.py", package / "physics" / "signal.py"]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]


def up_to_date(folder: Path) -> list[Path] | None:
    """Return the files of a finished data set, or None if it is missing, damaged or from other code."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        files = [folder / name for name in manifest["files"]]
        finished = manifest["fingerprint"] == fingerprint()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return files if finished and all(file.is_file() for file in files) else None


def build(
    folder: str | Path | None = None, names: Iterable[str] | None = None, progress: bool = True
) -> dict[str, list[Path]]:
    """Build the named data sets (all by default) unless they are up to date. Return their files by name.

    It can be interrupted and run again: what is finished stays.

    Raises:
        UserError: no such data set, or a folder that cannot be written.
    """
    folder = Path(folder) if folder is not None else embedded_folder()
    files = {
        name: [folder / name / f"{name}-{index:02d}.h5" for index in range(find_recipe(name).count)]
        for name in (RECIPES if names is None else names)
    }
    missing = [(name, i) for name in files if up_to_date(folder / name) is None for i in range(len(files[name]))]
    # `disable` is passed only to switch off: with it, tqdm would not heed TQDM_DISABLE, which lessons run under
    quiet = {} if progress and missing else {"disable": True}
    bar = tqdm(missing, desc="Simulating scans", unit="scan", mininterval=0.5, **quiet)
    for name, index in bar:
        bar.set_postfix_str(name, refresh=False)
        _write(files[name][index], name, index)
        if index == len(files[name]) - 1:
            manifest = {"name": name, "fingerprint": fingerprint(), "files": [file.name for file in files[name]]}
            with atomic_path(folder / name / MANIFEST) as temporary:
                temporary.write_text(json.dumps(manifest, indent=1) + "\n")
    return files


def _write(path: Path, name: str, index: int) -> None:
    scan = simulate(name, index)
    kspace = scan.kspace if scan.kspace.ndim == 4 else scan.kspace[None]  # (slice, coil, H, W)
    write_scan(path, kspace, attrs=scan.attrs, header=scan.header)


def dataset(name: str, folder: str | Path | None = None, progress: bool = True) -> list[Path]:
    """Return the files of a data set, in order. They are built first if they are missing or out of date.

    Raises:
        UserError: no such data set, or a folder that cannot be written.
    """
    return build(folder, [name], progress)[name]
