"""What a reconstruction was asked for, as its file keeps it: whoever asks for the same again need not wait for it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from torch import Tensor

from mrilab.data.masks import is_mask_file
from mrilab.data.scans import Scan
from mrilab.evaluation.measured import Conditions
from mrilab.evaluation.result import METRIC_NAMES
from mrilab.methods.registry import method_options


def asked_for(
    scan: Scan | str | Path, method: str, conditions: Conditions, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what decides an image, as JSON has it: the method with all of its options, the conditions, the scan.

    A file counts as the same by name, size and time of its last change. The device and the version of the code are not
    part of it: they change rounding, or are for the user to judge.
    """
    own = {name: parameter.default for name, parameter in method_options(method).items()}
    given = {each.name: getattr(conditions, each.name) for each in fields(conditions)}
    given["mask"] = _stamp(given["mask"]) if is_mask_file(given["mask"]) else given["mask"]
    given |= {name: _stamp(given[name]) for name in ("prescan", "maps")}
    asked = {"scan": _stamp(scan), "method": method, **given, "options": own | dict(options)}
    return json.loads(json.dumps(asked))


def stored_answer(path: Path, asked: Mapping[str, Any]) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the summary of a result file that was asked for in the same way; else None, and what was asked otherwise.

    The summary is that of `Result.summary`, but `slices` has the numbers alone, and `notes` are what was said. A file
    that does not say what was asked for gives None and nothing.
    """
    try:
        with h5py.File(path) as file:
            attrs = {name: _plain(value) for name, value in file.attrs.items()}
        before = json.loads(attrs["asked"])
        listed = {name: json.loads(attrs.get(name, "[]")) for name in ("options", "shape", "slices", "notes")}
    except (OSError, KeyError, TypeError, ValueError):
        return None, []
    differing = [name for name in asked if before.get(name) != asked[name]]
    if differing:
        return None, differing
    names = ["method", "nominal_acceleration", "effective_acceleration", "maps_from", *METRIC_NAMES]
    names += ["seconds", "seconds_total", "peak_memory_mb", "device", "scan", "seed"]
    summary = {name: attrs.get(name) for name in names} | {"mask": attrs.get("mask_kind")}
    direction = {"direction": attrs["direction"]} if "direction" in attrs else {}
    receivers = {name: attrs[name] for name in ("whitened", "coils", "coils_energy") if name in attrs}
    return summary | direction | receivers | listed, []


def _stamp(source: Scan | Tensor | str | Path | None) -> Any:
    """Return what tells a file or an array from others, as JSON can hold it."""
    if source is None:
        return None
    if isinstance(source, Tensor):
        return {"sha256": hashlib.sha256(source.detach().cpu().resolve_conj().numpy().tobytes()).hexdigest()}
    path = source.path if isinstance(source, Scan) else Path(source)
    if not path.is_file():
        return {"name": path.name}
    stat = path.stat()
    return {"name": path.name, "bytes": stat.st_size, "modified_ns": stat.st_mtime_ns}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
