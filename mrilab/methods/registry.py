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

from __future__ import annotations

import difflib
import functools
import inspect
import math
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, Literal, Protocol, TypeVar, Union, get_args, get_origin, get_type_hints

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


def method(name: str) -> Callable[[Function], Function]:
    """Register the decorated function under `name`. Raises `ValueError` where another module has it."""

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


def method_options(name: str) -> dict[str, inspect.Parameter]:
    """Return the options of a method, with their annotations resolved to types."""
    function = find_method(name)
    hints = get_type_hints(function)
    return {
        key: parameter.replace(annotation=hints.get(key, str))
        for key, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and key not in ("generator", "progress")
    }


def check_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of method `name` in their types. Text is converted by the annotation; other values stay as they are.

    Raises:
        UserError: an option that the method does not have, lacks and needs, or that its type does not allow.
    """
    known = method_options(name)
    checked = {}
    for key, value in options.items():
        if key not in known:
            raise UserError(unknown_option(name, key))
        checked[key] = _convert(value, known[key].annotation, key) if isinstance(value, str) else value
    for key, parameter in known.items():
        if parameter.default is parameter.empty and key not in checked:
            raise UserError(f"{name} needs the option {flag(key)}")
    return checked


def unknown_option(name: str, key: str, others: tuple[str, ...] = ()) -> str:
    """The sentence for an option that neither the method nor the command (`others`) has."""
    own = [flag(known) for known in method_options(name)]
    close = difflib.get_close_matches(flag(key), [*own, *others], n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"unknown option {flag(key)}; {hint}{name} has " + (", ".join(own) if own else "no options of its own")


def flag(key: str) -> str:
    """How an option reads on the command line."""
    return "--" + key.replace("_", "-")


def _convert(text: str, kind: Any, key: str) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        kinds = get_args(kind)
        if type(None) in kinds and text.lower() == "none":
            return None
        kind = next(each for each in kinds if each is not type(None))
    if get_origin(kind) is Literal:
        choices = {str(choice): choice for choice in get_args(kind)}
        if text not in choices:
            raise UserError(f"{flag(key)} {text} is not possible; choose one of {', '.join(choices)}")
        return choices[text]
    if kind is bool:
        values = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() not in values:
            raise UserError(f"{flag(key)} takes true or false, not {text!r}")
        return values[text.lower()]
    words = {int: "a whole number", float: "a number"}
    try:
        value = kind(text) if kind in (int, float, Path) else text
    except ValueError as error:
        raise UserError(f"{flag(key)} takes {words[kind]}, not {text!r}") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{flag(key)} takes a finite number, not {text!r}")
    return value


def scaled(y: Tensor, model: LinearModel, scale: float | Tensor | None) -> tuple[Tensor, Tensor]:
    """Return A^H y / q, (*batch, H, W), and q, (*batch, 1, 1): `scale`, or the 0.99 quantile of |A^H y|.

    Raises:
        UserError: a scale that is not a positive finite number.
    """
    adjoint = model.adjoint(y)
    if scale is None:
        scale = quantile_scale(adjoint)[..., 0, 0]  # (*batch)
    magnitudes = adjoint.abs()
    q = torch.as_tensor(scale, dtype=magnitudes.dtype, device=y.device)[..., None, None]
    if not ((q > 0) & torch.isfinite(q)).all():
        raise UserError("the scale of the data is zero or not finite; check that k-space holds a signal")
    return adjoint / q, q


def posterior_summary(samples: Tensor) -> Reconstruction:
    """Return the mean of samples (K, H, W) and the standard deviation of their magnitude, which is what is shown."""
    deviation = samples.abs().std(dim=0) if len(samples) > 1 else None
    return Reconstruction(samples.mean(dim=0), deviation, samples)
