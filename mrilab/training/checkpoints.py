"""Trained weights by name: NAME.safetensors and its card NAME.json, in data/checkpoints."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

import mrilab
from mrilab.data.atomic import atomic_path
from mrilab.errors import UserError
from mrilab.machine import commit, device_name
from mrilab.papers import network_class, network_kind
from mrilab.paths import CHECKPOINTS

N = TypeVar("N", bound=nn.Module)
LARGEST = 8_000_000  # Most bytes that a weights file may take, because git has to carry it.
STORAGE = "float16; buffers and parameters of fewer than two dimensions as in training"
MEND = "get it again with `git checkout -- data/checkpoints` or train it anew"
# What the card of a later run keeps of the run whose weights it started from.
RUN = ("name", "data", "profile", "seeds", "steps", "batch", "minutes", "sha256")
# What every card holds.
CARD = ("name", "network", "data", "seeds", "steps", "device", "minutes", "metrics", "versions", "licence", "sha256")


def save_checkpoint(
    name: str, network: nn.Module, facts: dict, folder: Path = CHECKPOINTS, code: str | None = None
) -> Path:
    """Write weights and card, and return the path of the card.

    `facts` holds data, seeds, steps, minutes and metrics, and may hold more; the rest of `CARD` is added here. `code`
    is the commit that trained, by default the present one.

    Raises:
        UserError: the weights would take more than `LARGEST` bytes, or the folder cannot be written.
    """
    content = save(stored_weights(network))
    if len(content) > LARGEST:
        size = f"{len(content) / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f} MB"
        raise UserError(f"{name} takes {size}; train a narrower network")
    parameters = sum(p.numel() for p in network.parameters())
    packages = ("torch", "monai", "lightning-fabric", "safetensors")
    card = {
        "name": name,
        "network": {"kind": network_kind(network), "config": network.config, "parameters": parameters},
        **facts,
        "device": device_name(),
        "versions": {"mrilab": mrilab.__version__, "commit": code or commit()} | {p: version(p) for p in packages},
        "licence": "MIT",
        "storage": STORAGE,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    if absent := [key for key in CARD if key not in card]:
        raise ValueError(f"the card of {name} lacks {', '.join(absent)}")
    path = folder / f"{name}.json"
    try:
        with atomic_path(folder / f"{name}.safetensors") as temporary:
            temporary.write_bytes(content)
        _write_card(path, card)
    except (OSError, UserError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        reason = getattr(cause, "strerror", None) or error
        raise UserError(
            f"the checkpoint {name} could not be written to {folder} ({reason}), but "
            "the finished training is kept: free some space or make the folder writable, and repeat the command with "
            "--resume, which writes it"
        ) from error
    return path


def add_metrics(name: str, metrics: dict[str, float], folder: Path = CHECKPOINTS) -> None:
    """Put further metrics into the card of a checkpoint, in place of those of the same names.

    Raises:
        UserError: the card cannot be read or written.
    """
    path = folder / f"{name}.json"
    card = read_card(path)
    card["metrics"] |= metrics
    _write_card(path, card)


def _write_card(path: Path, card: dict) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def stored_weights(network: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of a network by name on the CPU, in half the bytes: see `STORAGE`.

    Raises:
        UserError: a weight is beyond the range of float16.
    """
    kernels = {key for key, parameter in network.named_parameters() if parameter.ndim > 1}
    state = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    weights = {key: value.half() if key in kernels else value for key, value in state.items()}
    if not all(weights[key].isfinite().all() for key in kernels):
        raise UserError("a weight of the network is not finite or above 65,504; train with a lower learning rate")
    return weights


def checkpoint_names(folder: Path = CHECKPOINTS) -> list[str]:
    """Return the names of all checkpoints in alphabetical order."""
    return sorted(path.stem for path in folder.glob("*.json"))


def checkpoint_cards(folder: Path = CHECKPOINTS) -> dict[str, dict]:
    """Return the cards of all checkpoints by name. Raises UserError for one that cannot be read or is not complete."""
    return {name: read_card(folder / f"{name}.json") for name in checkpoint_names(folder)}


def load_checkpoint(name: str, folder: Path = CHECKPOINTS) -> tuple[nn.Module, dict]:
    """Return the float32 network of this name, in evaluation mode on the CPU, and its card.

    Raises:
        UserError: there is no such checkpoint, or one of its two files is missing, cut short or altered.
    """
    known = checkpoint_names(folder)
    if name not in known:  # also keeps a name that is a path from leading elsewhere
        choose = f"choose one of {', '.join(known)}, or " if known else ""
        raise UserError(f"there is no checkpoint {name!r} in {folder}; {choose}train it, see `mrilab train --help`")
    card = read_card(folder / f"{name}.json")
    path = folder / f"{name}.safetensors"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"the weights {path} of checkpoint {name!r} are missing; {MEND}") from error
    if hashlib.sha256(content).hexdigest() != card["sha256"]:
        raise UserError(f"{path} is not the file that its card describes; {MEND}")
    try:
        network = network_class(card["network"]["kind"])(**card["network"]["config"])
        network.load_state_dict(load(content))
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"the card of checkpoint {name!r} does not fit its weights; {MEND}") from error
    return network.eval().requires_grad_(False), card


def read_card(path: Path) -> dict:
    """Return the card in a file. Raises UserError where it cannot be read or is not complete."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"the card {path} cannot be read; {MEND}") from error
    if not isinstance(card, dict) or not card.keys() >= set(CARD):
        raise UserError(f"the card {path} is not complete; {MEND}")
    return card


def trained(name: str, kind: type[N], device: torch.device) -> N:
    """Return the network of this checkpoint on `device`. Raises UserError where it is of another kind."""
    network, card = load_checkpoint(name)
    if not isinstance(network, kind):
        found, asked = card["network"]["kind"], kind.__name__
        raise UserError(
            f"checkpoint {name!r} is a {found}, not a {asked}; give one of `mrilab train {asked.lower()}-...`"
        )
    return network.to(device)


def start_from(name: str, network: nn.Module, folder: Path = CHECKPOINTS) -> tuple[dict[str, str], list[dict]]:
    """Give the network a checkpoint's weights. Return what the card says about that, and the runs behind it.

    Raises:
        UserError: there is no such checkpoint, or its weights do not fit.
    """
    origin, card = load_checkpoint(name, folder)
    try:
        network.load_state_dict(origin.state_dict())
    except RuntimeError as error:
        raise UserError(f"the weights of {name!r} do not fit this network; choose another or none") from error
    run = {key: card[key] for key in RUN} | {"commit": card["versions"]["commit"]}
    return {"checkpoint": name, "sha256": card["sha256"]}, [*card.get("earlier", []), run]
