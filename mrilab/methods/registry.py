"""Reconstruction methods by name. Each paper's recon.py registers its own; no list names them.

    @method("ddim")
    def ddim(
        y: Tensor, model: SenseModel, *, generator: torch.Generator, progress: Progress, samples: int = 8
    ) -> Reconstruction:
        "Images drawn from noise in few steps."   # the first line is shown in the list of methods

`y` is k-space (coil, H, W) as the scanner gave it (about 1e-6 in fastMRI files), zero where `model.mask` is not. The
method scales it as it needs, and a test holds every method to it. The result is an image (H, W), or a `Reconstruction`.
A method that draws random numbers takes `generator`, on the CPU. One that takes long wraps its loop in `progress`. All
other keyword-only parameters are its options: `mrilab recon METHOD` reads them as their annotations say.
"""

import difflib
import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, Literal, Protocol, TypeVar, get_args, get_origin, get_type_hints

import torch
from torch import Tensor

from mrilab import papers
from mrilab.errors import UserError
from mrilab.physics import SenseModel
from mrilab.physics.acquisition import LinearModel
from mrilab.physics.scale import quantile_scale

T = TypeVar("T")


@dataclass(frozen=True)
class Reconstruction:
    """What a method returns when it knows more than one image.

    image: (H, W) complex, on the scale of the data.
    uncertainty: (H, W) real, standard deviation of the magnitude on the same scale.
    samples: (K, H, W) complex draws from the posterior.
    """

    image: Tensor
    uncertainty: Tensor | None = None
    samples: Tensor | None = None


class Progress(Protocol):
    """Wrap a loop as tqdm does: `for step in progress(range(steps))`."""

    def __call__(self, steps: Iterable[T], /) -> Iterable[T]: ...


class Method(Protocol):
    """A registered method as the pipeline calls it, whether or not its function takes generator and progress."""

    def __call__(
        self, y: Tensor, model: SenseModel, *, generator: torch.Generator, progress: Progress, **options: Any
    ) -> Reconstruction: ...


Function = TypeVar("Function", bound=Callable[Concatenate[Tensor, SenseModel, ...], Tensor | Reconstruction])
_registered: dict[str, Method] = {}
_estimating: set[str] = set()  # methods that do not look at the coil maps of the model


def method(name: str, own_maps: bool = False) -> Callable[[Function], Function]:
    """Register the decorated function under `name`; with `own_maps` it does not look at the coil maps of the model.

    Raises `ValueError` where another module has the name.
    """
    if own_maps:
        _estimating.add(name)

    def register(function: Function) -> Function:
        other = _registered.get(name)
        if other is not None and other.__module__ != function.__module__:
            raise ValueError(f"{function.__module__} and {other.__module__} both register the method {name!r}")
        parameters = inspect.signature(function).parameters

        @functools.wraps(function)
        def run(
            y: Tensor, model: SenseModel, *, generator: torch.Generator, progress: Progress, **options: Any
        ) -> Reconstruction:
            offered = {"generator": generator, "progress": progress}
            image = function(y, model, **{key: offered[key] for key in offered if key in parameters}, **options)
            return image if isinstance(image, Reconstruction) else Reconstruction(image)

        _registered[name] = run
        return function

    return register


def available_methods() -> dict[str, Method]:
    """Return all methods by name, in alphabetical order."""
    papers.modules("recon")  # importing them registers their methods
    return dict(sorted(_registered.items()))


def find_method(name: str) -> Method:
    """Return the method of this name. Raises `UserError` with the names that there are."""
    known = available_methods()
    if name not in known:
        raise UserError(f"unknown method {name!r}; choose one of {', '.join(known)}")
    return known[name]


def estimates_maps(name: str) -> bool:
    """Return whether a method estimates coil maps of its own, and does not look at those of the model."""
    find_method(name)
    return name in _estimating


def method_options(name: str) -> dict[str, inspect.Parameter]:
    """Return the options of a method, with their annotations resolved to types."""
    function = find_method(name)
    hints = get_type_hints(function)
    return {
        key: parameter.replace(annotation=hints.get(key, str))
        for key, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and key not in ("generator", "progress")
    }


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Raise `UserError` for an option that method `name` lacks, a choice that it has not, or a number not finite."""
    known = method_options(name)
    for key, value in options.items():
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise UserError(f"unknown option {key}; {hint}{name} has {', '.join(known) or 'no options of its own'}")
        annotation = known[key].annotation
        if get_origin(annotation) is Literal and value not in get_args(annotation):
            raise UserError(f"{key} {value!r} is not possible; choose one of {', '.join(get_args(annotation))}")
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"{key} must be a finite number, not {value}")


def scaled(y: Tensor, model: LinearModel, scale: float | Tensor | None) -> tuple[Tensor, Tensor]:
    """Return A^H y / q, (*batch, H, W), and q, (*batch, 1, 1): `scale`, or the 0.99 quantile of |A^H y|.

    Raises:
        UserError: a scale that is not a positive finite number.
    """
    adjoint = model.adjoint(y)
    if scale is None:
        scale = quantile_scale(adjoint)[..., 0, 0]  # (*batch)
    q = torch.as_tensor(scale, dtype=adjoint.real.dtype, device=y.device)[..., None, None]
    if not ((q > 0) & torch.isfinite(q)).all():
        raise UserError("the scale of the data is zero or not finite; check that k-space holds a signal")
    return adjoint / q, q


def posterior_summary(samples: Tensor) -> Reconstruction:
    """Return the mean of samples (K, H, W) and the standard deviation of their magnitude, which is what is shown."""
    deviation = samples.abs().std(dim=0) if len(samples) > 1 else None
    return Reconstruction(samples.mean(dim=0), deviation, samples)
