"""What `mrilab recon` does with several scans: a line each, and exit code 2 where one failed."""

import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import typer
from tqdm import tqdm

from mrilab.commands.recon import as_json
from mrilab.errors import UserError

ENDINGS = (".h5", ".hdf5")


def are_many(scans: list[str], out: str | None) -> bool:
    """Return whether to work on several scans: more than one name, a folder, or results that go to a folder."""
    if len(scans) > 1 or Path(scans[0]).is_dir():
        return True
    return out is not None and Path(out).suffix.lower() not in ENDINGS and (Path(out).is_dir() or not Path(out).suffix)


def recon_many(
    scans: list[str], method: str, out: str | None, asked: dict[str, Any], overwrite: bool, json_: bool
) -> NoReturn:
    """Reconstruct scans into a folder, print a line each, and leave with 0, with 2 if one failed, 130 after Ctrl-C."""
    from mrilab.evaluation.many import Outcome, find_scans, reconstruct_many
    from mrilab.evaluation.table import TABLE
    from mrilab.methods.registry import available_methods

    for scan in scans:
        if scan in available_methods() and not Path(scan).exists():
            raise UserError(f"{scan} is a method; name it first, as in `mrilab recon {scan} SCAN.h5`")
    found = find_scans(scans)
    if out is None or Path(out).suffix.lower() in ENDINGS:
        given = "there is no --out" if out is None else f"--out {out} is a file"
        raise UserError(f"{given}, but several scans give several results; give a folder by --out FOLDER")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # removes temporary files
    outcomes: list[Outcome] = []
    said: set[str] = set()
    try:
        for outcome in reconstruct_many(scans, method, out, overwrite=overwrite, progress=True, **asked):
            outcomes.append(outcome)
            for note in outcome.notes:
                if note not in said and not outcome.kept:
                    tqdm.write(f"mrilab: note: {outcome.scan.name}: {note}", file=sys.stderr)
                    said.add(note)
            if outcome.error:
                tqdm.write(f"mrilab: {outcome.scan} failed: {outcome.error}", file=sys.stderr)
            if json_:
                tqdm.write(as_json(as_object(outcome, method)), file=sys.stdout)
            elif not outcome.error:
                tqdm.write(as_line(outcome), file=sys.stdout)
            sys.stdout.flush()
    except KeyboardInterrupt:
        done = f"{len(outcomes)} of {len(found)} scans are done"
        print(f"mrilab: stopped; {done} and stay in {out}, run it again to go on", file=sys.stderr)
        raise typer.Exit(130) from None
    failed, kept = sum(bool(each.error) for each in outcomes), sum(each.kept for each in outcomes)
    if not json_:
        made = f"{len(outcomes) - failed - kept} made, {kept} there already, {failed} failed"
        print(f"recon: {made}; see {Path(out) / TABLE}")
    raise typer.Exit(2 if failed else 0)


def as_object(outcome: Any, method: str) -> dict[str, Any]:
    """Return an outcome as `--json` prints it. A scan that failed has its name, the method and the error."""
    files = {"output": str(outcome.output), "panel": str(outcome.panel)} if outcome.summary else {}
    summary = outcome.summary or {"scan": outcome.scan.name, "method": method}
    return {**summary, **files, "kept": outcome.kept, "notes": list(outcome.notes), "error": outcome.error}


def as_line(outcome: Any) -> str:
    """Return an outcome as a line to read."""
    summary = outcome.summary
    quality = "no reference" if summary["psnr"] is None else "PSNR {psnr:.2f} dB, SSIM {ssim:.4f}".format(**summary)
    return (
        f"{outcome.output}: {quality}, {'there already' if outcome.kept else format(summary['seconds'], '.2f') + ' s'}"
    )
