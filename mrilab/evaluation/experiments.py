"""Long experiments that run outside the notebooks and can be stopped and resumed.

An experiment declares a grid of cases and a function that measures one case. Each finished case is one line
of results/NAME.csv: the case, what was measured, and where it comes from (commit, version, device, seconds).
Lines are forced to disk one by one, so a run that is killed loses only the case that it was in. The next run does
the cases that are not in the file yet.
"""

import csv
import importlib
import inspect
import os
import pkgutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from tqdm import tqdm

import mrilab
from mrilab import papers
from mrilab.data.embedded import dataset
from mrilab.data.recipes import Simulated, simulate
from mrilab.data.scans import Scan, read_scan
from mrilab.errors import UserError
from mrilab.machine import commit, device_name
from mrilab.paths import RESULTS

PROVENANCE = ("seconds", "device", "commit", "version")


@dataclass(frozen=True)
class Experiment:
    """A grid of cases, each a dict with the same keys, and what is measured in each.

    Attributes:
        title: one line for `mrilab experiment --list`.
        keys, measured: the columns.
        cases: () -> the cases, in the order in which they run; called when needed, since it may build data.
        measure: case -> measured values by the names in `measured`. The same case must give the same values.
    """

    title: str
    keys: tuple[str, ...]
    measured: tuple[str, ...]
    cases: Callable[[], Sequence[Mapping[str, Any]]]
    measure: Callable[[Mapping[str, Any]], Mapping[str, float]]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.keys + self.measured + PROVENANCE


Measure = TypeVar("Measure", bound=Callable[..., Mapping[str, float]])
_registered: dict[str, Experiment] = {}


def experiment(
    title: str, measured: tuple[str, ...], cases: Callable[[], Sequence[tuple]]
) -> Callable[[Measure], Measure]:
    """Register the decorated function, which measures one case, as the experiment that its module is named after.

    The names of its parameters are the keys. `cases` gives the values of each case in the same order.
    """

    def register(measure: Measure) -> Measure:
        keys = tuple(inspect.signature(measure).parameters)
        quiet = fallback_expected()(measure)
        _registered[measure.__module__.rpartition(".")[2]] = Experiment(
            title,
            keys,
            measured,
            cases=lambda: [dict(zip(keys, case, strict=True)) for case in cases()],
            measure=lambda case: quiet(**case),
        )
        return measure

    return register


@contextmanager
def fallback_expected() -> Iterator[None]:
    """Silence the warning that a calibration area is too small for ESPIRiT, as many are above R = 6."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*ESPIRiT")
        yield


def scan_of(name: str) -> Scan:
    """Read the embedded scan of this name: "heads-t2-test-03" is number 3 of its data set."""
    recipe, _, index = name.rpartition("-")
    return read_scan(dataset(recipe)[int(index)])


def simulation_of(name: str) -> Simulated:
    """Simulate the embedded scan of this name again, for what its file does not hold: the noise-free image."""
    recipe, _, index = name.rpartition("-")
    return simulate(recipe, int(index))


def experiment_names() -> list[str]:
    """Return the names of all papers' experiments, in alphabetical order."""
    for folder in papers.modules("experiments"):
        for module in pkgutil.iter_modules(folder.__path__):
            importlib.import_module(f"{folder.__name__}.{module.name}")  # which registers its experiment
    return sorted(_registered)


def find_experiment(name: str) -> Experiment:
    """Return the experiment of this name.

    Raises:
        UserError: there is none. The message lists those that there are.
    """
    if name not in experiment_names():
        raise UserError(f"there is no experiment {name!r}; choose one of {', '.join(sorted(_registered))}")
    return _registered[name]


def run_experiment(experiment: Experiment, path: Path, progress: bool = True, part: tuple[int, int] = (1, 1)) -> int:
    """Measure every case that `path` does not hold yet, and return how many were measured.

    With `part` (k, n), only the k-th of n runs of neighbouring cases: so n processes share an experiment, and each
    still computes once what neighbours have in common. Each appends whole lines, so they may share `path` as well, if
    the second starts when the first has written the header.

    Raises:
        UserError: `path` holds other columns than this experiment writes, or there is no such part.
    """
    k, n = part
    if not 1 <= k <= n:
        raise UserError(f"there is no part {k} of {n}; give 1/{max(n, 1)} and so on")
    path.parent.mkdir(parents=True, exist_ok=True)
    done = _finished(experiment, path)
    cases = experiment.cases()
    own = cases[len(cases) * (k - 1) // n : len(cases) * k // n]
    todo = [case for case in own if _key(experiment, case) not in done]
    where = {"device": device_name(), "commit": commit(), "version": mrilab.__version__}
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, experiment.columns, lineterminator="\n")
        if file.tell() == 0:
            writer.writeheader()
            file.flush()  # at once, for a second process that looks whether there is one
        for case in tqdm(todo, desc=path.stem, unit="case", disable=not progress):
            start = time.perf_counter()
            values = experiment.measure(case)
            seconds = time.perf_counter() - start
            row = {name: f"{values[name]:.6g}" for name in experiment.measured}
            writer.writerow({**case, **row, **where, "seconds": f"{seconds:.3g}"})
            file.flush()
            os.fsync(file.fileno())
    return len(todo)


def read_results(name: str, folder: Path = RESULTS) -> pd.DataFrame:
    """Return what `mrilab experiment NAME` has measured, one row a case.

    Raises:
        UserError: it was never run.
    """
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise UserError(f"there are no results of {name!r} yet; run `mrilab experiment {name}` first")
    return pd.read_csv(path, keep_default_na=False, na_values=["nan"])  # an empty key stays empty


def recompute_rows(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Measure some rows of `read_results(name)` again, and return the measured columns of the same rows.

    A lesson that shows stored results calls this on at least two rows and asserts that they agree:

        rows = read_results("classical").sample(2, random_state=seed)
        difference = recompute_rows("classical", rows)["psnr"] - rows["psnr"]
        assert difference.abs().max() < 0.05  # dB
    """
    experiment = find_experiment(name)
    cases = {_key(experiment, case): case for case in experiment.cases()}
    wanted = [_key(experiment, row) for row in rows.to_dict("records")]
    for key in wanted:
        if key not in cases:
            raise UserError(f"experiment {name!r} has no case {dict(zip(experiment.keys, key, strict=True))}")
    values = [experiment.measure(cases[key]) for key in wanted]
    return pd.DataFrame(values, index=rows.index)[list(experiment.measured)]


def _key(experiment: Experiment, case: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a case as it reads in the file."""
    return tuple(str(case[name]) for name in experiment.keys)


def _finished(experiment: Experiment, path: Path) -> set[tuple[str, ...]]:
    """Return the keys of the rows in `path`. What a kill left of a last line is cut off first."""
    if not path.exists():
        return set()
    whole = path.read_bytes()
    if not whole.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(whole.rfind(b"\n") + 1)
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames is not None and tuple(reader.fieldnames) != experiment.columns:
            raise UserError(f"{path} has other columns than this experiment; move it away and run again")
        return {_key(experiment, row) for row in reader}
