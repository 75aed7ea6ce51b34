"""Everything that a run needs to be resumed, in one safetensors file: tensors, and the rest as JSON in its header."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from mrilab.data.atomic import atomic_path
from mrilab.errors import UserError

NOTES = "mrilab"  # Key of the JSON text in the file's header.


def save_state(path: Path, network: nn.Module, ema: AveragedModel, optimizer: Optimizer, notes: dict) -> None:
    """Write the state. The file is replaced whole or not at all. `notes` is anything that JSON can hold."""
    parts = {"network": network.state_dict(), "ema": ema.state_dict()}
    parts |= {f"optimizer.{index}": values for index, values in optimizer.state_dict()["state"].items()}
    named = {f"{part}.{name}": value for part, values in parts.items() for name, value in values.items()}
    plain = {name: value.detach().cpu().contiguous() for name, value in named.items()}
    with atomic_path(path) as temporary:
        save_file(plain, temporary, metadata={NOTES: json.dumps(notes)})


def read_state(path: Path) -> tuple[dict[str, Tensor], dict]:
    """Return the tensors and the notes of a state.

    Raises:
        UserError: the file is missing, truncated or something else.
    """
    if not path.is_file():
        raise UserError(f"there is nothing to resume in {path.parent}; leave out --resume to start")
    try:
        with safe_open(path, framework="pt") as file:
            notes = json.loads((file.metadata() or {})[NOTES])
            return {name: file.get_tensor(name) for name in file.keys()}, notes
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise UserError(f"{path} is damaged or not a training state; remove it and start again") from error


def restore_state(tensors: dict[str, Tensor], network: nn.Module, ema: AveragedModel, optimizer: Optimizer) -> None:
    """Put the tensors of `read_state` in place, on the devices and in the memory layouts that are there."""
    network.load_state_dict(_below("network.", tensors))
    ema.load_state_dict(_below("ema.", tensors))
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _below("optimizer.", tensors).items():
        index, _, key = name.partition(".")
        parameter = parameters[int(index)]
        if value.shape == parameter.shape:
            value = torch.empty_like(parameter).copy_(value)  # channels_last, as the parameter
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
