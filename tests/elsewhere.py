"""A device that is not there: tensors that say "meta" and hold their values on the CPU.

`with elsewhere():` lets `device="meta"` compute, and raises where an operation meets tensors of two devices, as a GPU
would. So what a GPU would stumble over is found without one. Numbers (tensors without dimensions) may come from
anywhere, and so may indices, as for a GPU.
"""

from __future__ import annotations

import contextlib
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

META = torch.device("meta")
aten = torch.ops.aten
MOVES = {aten._to_copy.default, aten.copy_.default}
# Lazy conjugates and negatives are a mark on a tensor, which a wrapper does not hand on: they are computed at once.
AT_ONCE = {aten._conj.default: aten.conj_physical.default, aten._neg_view.default: aten.neg.default}
INDEXED = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default, aten._index_put_impl_.default}


class Elsewhere(torch.Tensor):
    """A tensor on the device that is not there; `inner` is on the CPU."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> Elsewhere:
        self = torch.Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            device=META,
        )  # fmt: skip
        self.inner = inner
        return self

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return run(function, args, kwargs or {})


class MixedDevices(RuntimeError):
    """An operation met tensors of two devices."""


def run(function, args, kwargs):
    tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, torch.Tensor)]
    there = [value for value in tensors if isinstance(value, Elsewhere)]
    here = [value for value in tensors if not isinstance(value, Elsewhere) and value.ndim]
    if function in INDEXED:
        here = [value for value in here if value is args[0]]
    if there and here and function not in MOVES:
        raise MixedDevices(f"{function} of {[(type(t).__name__, tuple(t.shape)) for t in tensors]}")
    asked = kwargs.get("device")
    target = bool(there) if asked is None else torch.device(asked).type == "meta"
    if function is aten.copy_.default:
        target = isinstance(args[0], Elsewhere)
    if asked is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    inner_args, inner_kwargs = tree_map_only(Elsewhere, lambda value: value.inner, (args, kwargs))
    result = AT_ONCE.get(function, function)(*inner_args, **inner_kwargs)
    if function._schema.is_mutable and function._schema.name.endswith("_"):
        return args[0]
    return tree_map_only(torch.Tensor, Elsewhere, result) if target else result


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return run(function, args, kwargs or {})


@contextlib.contextmanager
def elsewhere():
    """Let `device="meta"` compute inside the block.

    What cannot be told so by its dispatch is replaced: autocast, which knows no such device; inference mode, which
    takes no tensors of a class of one's own; quantiles, which change shapes in place; tensors made of numbers.
    """
    autocast, quantile, tensor, new_tensor = torch.autocast, torch.quantile, torch.tensor, torch.Tensor.new_tensor
    tolist = torch.Tensor.tolist

    def no_autocast(device_type, *args, **kwargs):
        return contextlib.nullcontext() if device_type == "meta" else autocast(device_type, *args, **kwargs)

    def quantile_of(x, *args, **kwargs):
        return (
            Elsewhere(quantile(x.inner, *args, **kwargs)) if isinstance(x, Elsewhere) else quantile(x, *args, **kwargs)
        )

    def tensor_of(data, *, device="cpu", **kwargs):
        made = tensor(data, **kwargs)
        return Elsewhere(made) if torch.device(device).type == "meta" else made

    def new_tensor_of(self, data, **kwargs):
        return (
            Elsewhere(new_tensor(self.inner, data)) if isinstance(self, Elsewhere) else new_tensor(self, data, **kwargs)
        )

    def tolist_of(self):
        return tolist(self.inner if isinstance(self, Elsewhere) else self)

    changes = {"autocast": no_autocast, "quantile": quantile_of, "tensor": tensor_of}
    changes["inference_mode"] = lambda mode=True: torch.no_grad() if mode else torch.enable_grad()
    methods = {"new_tensor": new_tensor_of, "tolist": tolist_of}
    with mock.patch.multiple(torch, **changes), mock.patch.multiple(torch.Tensor, **methods), _Mode():
        yield META
