"""A TOML file with options of `mrilab train` and settings of the training."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

from mrilab.errors import UserError
from mrilab.training.settings import Settings

ACCEPTED: dict[type, tuple[type, ...]] = {float: (int, float), Path: (str,)}  # what stands in a file for these types
WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", Path: "a text"}
POSITIVE = ("batch", "parts", "learning_rate", "clip", "log_every", "validate_every")


def read_config(path: Path, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options and the settings that are no options, by name, as the file says them.

    `options` are the types of the options by name. Names may be written with - or with _.

    Raises:
        UserError: no such file, not TOML, an unknown key, a value of another type or one that makes no sense.
    """
    hints = get_type_hints(Settings)
    known = dict(options) | {field.name: hints[field.name] for field in fields(Settings) if field.name not in options}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"cannot read {path} ({reason}); give a TOML file with lines such as `steps = 2000`") from error
    values = {key.replace("-", "_"): value for key, value in values.items()}
    for key, value in values.items():
        if key not in known:
            raise UserError(f"{path} has the unknown key {key!r}; known are {', '.join(sorted(known))}")
        _check(path, key, value, known[key])
    return (
        {key: value for key, value in values.items() if key in options},
        {key: value for key, value in values.items() if key not in options},
    )


def _check(path: Path, key: str, value: Any, annotation: Any) -> None:
    """Raise UserError where a value has not the type of its key, or cannot be meant."""
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)] if _is_union(annotation) else [annotation]
    fits = any(type(value) in ACCEPTED.get(kind, (kind,)) for kind in kinds)  # type(): True is no whole number
    if not fits:
        raise UserError(f"{key} in {path} takes {WORDS[kinds[0]]}, not {value!r}")
    if key in POSITIVE and value <= 0:
        raise UserError(f"{key} in {path} must be above 0, not {value!r}")
    if key == "warmup" and value < 0 or key == "ema" and not 0 <= value < 1:
        raise UserError(f"{key} in {path} must be {'0 or more' if key == 'warmup' else 'from 0 to below 1'}")


def _is_union(annotation: Any) -> bool:
    return isinstance(annotation, UnionType)
