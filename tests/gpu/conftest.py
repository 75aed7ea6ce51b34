"""Tests that compare a device with the CPU, and the table of the differences that they print at the end.

On a machine with a GPU all of them run on it. On one without, those marked `gpu(on_cpu=True)` run on the CPU, which
keeps the code from rotting, and `--device cpu` runs all of them there. A difference is max |a - b| / max |b|.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}


def chosen(config: pytest.Config) -> torch.device:
    asked = config.getoption("--device")
    return torch.device(asked or ("cuda" if torch.cuda.is_available() else "cpu"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--device") or torch.cuda.is_available():
        return

    def needs_a_gpu(item: pytest.Item) -> bool:
        mark = item.get_closest_marker("gpu")
        return mark is not None and not mark.kwargs.get("on_cpu", False)

    left_out = [item for item in items if needs_a_gpu(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not needs_a_gpu(item)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the differences of all tests that recorded some."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    rows = [value for report in reports for name, value in report.user_properties if name == "difference"]
    if not rows or not (config.getoption("--device") or torch.cuda.is_available()):
        return
    device = chosen(config)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU with itself"
    terminalreporter.section(f"largest relative differences, torch {torch.__version__}, {name}")
    table: dict[str, dict[str, str]] = {}
    for what, kind, difference, tolerance in rows:
        table.setdefault(what, {})[kind] = f"{difference:8.1e} ({tolerance:.0e})"
    kinds = ("float64", "float32", "bfloat16")
    terminalreporter.write_line(f"{'in brackets: the tolerance':<44}" + "".join(f"{kind:>20}" for kind in kinds))
    for what, cells in table.items():
        terminalreporter.write_line(f"{what:<44}" + "".join(f"{cells.get(kind, '-'):>20}" for kind in kinds))


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> torch.device:
    """The device under test. Convolutions in float32 must not be those of TF32, or nothing here could be compared."""
    assert not torch.backends.cudnn.allow_tf32 and torch.get_float32_matmul_precision() == "highest"
    return chosen(request.config)


@dataclass(frozen=True)
class Place:
    """A device and a real type; `place(x)` is the tensor, or a copy of the network, there."""

    device: torch.device
    dtype: torch.dtype

    def __call__(self, x):
        if isinstance(x, nn.Module):
            return copy.deepcopy(x).to(self.device, self.dtype)
        if x.is_complex():
            return x.to(self.device, COMPLEX[self.dtype])
        return x.to(self.device, self.dtype) if x.is_floating_point() else x.to(self.device)


@pytest.fixture
def compare(device, record_property) -> Callable[..., None]:
    """A function that computes the same on the device and on the CPU, notes the difference, and asserts it.

    `compute(place)` returns a tensor, from what it put in `place`. `float32`, `float64` and `bfloat16` are the
    tolerances; bfloat16 is float32 under autocast on the device, compared with float32 on the CPU.
    """

    def compare(name: str, compute: Callable[[Place], Tensor], float64: float, float32: float, bfloat16: float = 0.0):
        kinds = {"float64": (torch.float64, float64), "float32": (torch.float32, float32)}
        kinds |= {"bfloat16": (torch.float32, bfloat16)} if bfloat16 else {}
        failed = []
        for kind, (dtype, tolerance) in kinds.items():
            expected = compute(Place(torch.device("cpu"), dtype))
            with torch.autocast(device.type, torch.bfloat16, enabled=kind == "bfloat16"):
                result = compute(Place(device, dtype))
            assert result.device.type == device.type, "the result left the device"
            difference = relative(result, expected)
            record_property("difference", (name, kind, difference, tolerance))
            if not difference <= tolerance:
                failed.append(f"{name} in {kind}: {difference:.1e}, more than {tolerance:.0e}")
        assert not failed, "; ".join(failed)

    return compare


def relative(result: Tensor, expected: Tensor) -> float:
    """max |result - expected| / max |expected|."""
    assert result.shape == expected.shape
    return float((result.detach().cpu() - expected.detach().cpu()).abs().max() / expected.detach().cpu().abs().max())
