"""Reconstruct many scans into one folder: one that fails stops no other, and what is there already is kept."""

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mrilab.data.maps import own_maps
from mrilab.data.masks import is_mask_file
from mrilab.data.scans import read_scan
from mrilab.errors import UserError
from mrilab.evaluation.asked import asked_for, stored_answer
from mrilab.evaluation.measured import Conditions
from mrilab.evaluation.panel import write_panel
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.evaluation.table import TABLE, read_rows, write_rows
from mrilab.machine import find_device
from mrilab.methods.patterns import mask_names
from mrilab.methods.registry import check_options, find_method

ENDING = ".h5"  # of the scans in a folder


@dataclass(frozen=True)
class Outcome:
    """What became of one scan.

    output, panel: the result and its picture. kept: they were there already, asked for in the same way.
    summary: that of `Result.summary`, with `slices` as numbers alone where it was kept; None where the scan failed.
    notes: what was doubtful, in sentences. error: why it failed, in a sentence.
    """

    scan: Path
    output: Path
    panel: Path
    kept: bool = False
    summary: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None


def find_scans(inputs: Sequence[str | Path]) -> list[Path]:
    """Return the files that are named, and all *.h5 of the folders that are named, sorted by name; each of them once.

    Raises:
        UserError: a folder without such a file.
    """
    found: dict[Path, Path] = {}
    for each in map(Path, inputs):
        files = [each]
        if each.is_dir():
            files = sorted(path for path in each.iterdir() if path.suffix.lower() == ENDING and path.is_file())
            files = [path for path in files if not path.name.startswith(".")]  # half-written ones, and those of macOS
            if not files:
                raise UserError(f"{each} is a folder without {ENDING} files; give the folder that holds the scans")
        for path in files:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def reconstruct_many(
    inputs: Sequence[str | Path],
    method: str,
    folder: str | Path,
    *,
    overwrite: bool = False,
    progress: bool = False,
    **arguments: Any,
) -> Iterator[Outcome]:
    """Reconstruct each scan into FOLDER/NAME-METHOD.h5 and .png, and yield what became of it as soon as that is known.

    FOLDER/summary.csv has a row a scan and is renewed after each. Rows of other scans and methods stay in it.

    Args:
        inputs: files and folders, see `find_scans`.
        overwrite: make anew what is there already. Without it, a result that was asked for in the same way is kept
            (`mrilab.evaluation.asked.asked_for`), and any other is made anew with a note.
        progress: show a bar on stderr.
        arguments: those of `mrilab.evaluation.reconstruct.reconstruct`, the options of the method among them.

    Raises:
        UserError: before any work, where no scan could succeed or a result would take the place of something else.
    """
    folder = Path(folder)
    scans = find_scans(inputs)
    jobs = _places(scans, method, folder, [path for path in map(Path, inputs) if path.is_dir()])
    conditions, options = _checked(method, arguments)
    arguments = arguments | {"prescan": conditions.prescan}
    rows = read_rows(folder / TABLE)
    try:  # only now, so that a refusal leaves nothing
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {folder} cannot be made ({error.strerror}); choose another folder") from error
    if not os.access(folder, os.W_OK):
        raise UserError(f"--out {folder} may not be written; choose another folder")
    with tqdm(jobs, desc=method, unit="scan", file=sys.stderr, disable=None if progress else True) as bar:
        for job in bar:
            bar.set_postfix_str(job.scan.name)
            asked = asked_for(job.scan, method, conditions, options)
            outcome = _one(job, asked, overwrite, arguments)
            rows = write_rows(folder / TABLE, rows, _row(outcome, method))
            yield outcome


def _places(scans: list[Path], method: str, folder: Path, sources: list[Path]) -> list[Outcome]:
    """Return the empty outcome of each scan, which says where it goes. Raises UserError as `reconstruct_many` says."""
    if folder.resolve() in [source.resolve() for source in sources]:
        raise UserError(f"--out {folder} is the folder of the scans, which results would join; give another folder")
    names: dict[str, Path] = {}
    for scan in scans:
        other = names.setdefault(scan.stem.casefold(), scan)
        if other is not scan:
            raise UserError(
                f"{other} and {scan} would both become {scan.stem}-{method}.h5; rename one, or do them apart"
            )
    places = [(scan, folder / f"{scan.stem}-{method}.h5") for scan in scans]
    inputs = {scan.resolve() for scan in scans}
    for _, output in places:
        if output.resolve() in inputs:
            raise UserError(f"{output} is one of the scans and would be overwritten; give another folder")
    return [Outcome(scan, output, output.with_suffix(".png")) for scan, output in places]


def _checked(method: str, arguments: dict[str, Any]) -> tuple[Conditions, dict[str, Any]]:
    """Return the conditions and the method's options. What no scan could be made with is said once, before any work."""
    find_method(method)
    names = [each.name for each in fields(Conditions)]
    conditions = {name: arguments[name] for name in names if name in arguments}
    options = {name: value for name, value in arguments.items() if name not in (*names, "device", "safety")}
    check_options(method, options)
    find_device(arguments.get("device", "auto"))
    prescan = conditions.get("prescan")
    if isinstance(prescan, str | Path):
        conditions["prescan"] = read_scan(prescan)  # once for all
    mask = conditions.get("mask")
    if mask is not None and is_mask_file(mask) and not Path(mask).is_file():
        raise UserError(f"there is no file {mask}; check the name")
    if mask is not None and not is_mask_file(mask) and mask not in mask_names():
        raise UserError(f"unknown mask {mask!r}; choose one of {', '.join(mask_names())}")
    checked = Conditions(**conditions)
    if checked.maps is not None:
        with warnings.catch_warnings():  # said again with each scan
            warnings.simplefilter("ignore")
            own_maps(checked.maps)
    return checked, options


def _one(job: Outcome, asked: dict[str, Any], overwrite: bool, arguments: dict[str, Any]) -> Outcome:
    """Return what became of one scan, without a row in the table."""
    said: list[str] = []
    if job.output.exists() and not overwrite:
        summary, differing = stored_answer(job.output, asked)
        if summary is not None and job.panel.is_file():
            said = summary.pop("notes")
            return replace(job, kept=True, summary=summary, notes=tuple(said))
        if summary is None:
            how = f"was made otherwise ({', '.join(differing)})" if differing else "does not say how it was made"
            said = [f"{job.output.name} {how}, so it is made anew"]
    summary, error = None, None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            result = reconstruct(job.scan, asked["method"], **arguments)
            said += [str(each.message) for each in caught]
            write_panel(job.panel, result)
            result.write(job.output, list(dict.fromkeys(said)))  # last: a result that is there is complete
            summary = result.summary()
        except UserError as reason:
            error = str(reason)
        except Exception as reason:  # a fault of ours or of torch in one scan must not cost a night of others
            error = f"{type(reason).__name__}: {' '.join(str(reason).split())}"
    return replace(job, summary=summary, notes=tuple(dict.fromkeys(said)), error=error)


def _row(outcome: Outcome, method: str) -> dict[str, Any]:
    """Return a scan's row of the table."""
    summary = outcome.summary or {}
    facts = {**summary, "scan": outcome.scan.name, "method": method, "slices": len(summary.get("slices", [])) or None}
    return facts | {"note": " | ".join(outcome.notes), "error": outcome.error}
