"""Reconstructions as HDF5: fastMRI's `reconstruction`, and beside it what fastMRI has no place for."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import mrilab
from mrilab.data.hdf5 import writing
from mrilab.names import readable


def write_reconstruction(
    path: str | Path,
    image: Tensor,
    *,
    mask: Tensor | None = None,
    uncertainty: Tensor | None = None,
    samples: Tensor | None = None,
    attrs: Mapping | None = None,
) -> None:
    """Write a reconstruction, whole or not at all, on the scale of the raw data.

    Args:
        image: complex (slices, H, W), written as `reconstruction`, the float32 magnitude of fastMRI's submissions,
            and as `reconstruction_complex`.
        mask: what was sampled, bool (1, W), (H, 1) or (H, W). Columns are written as (W,), as fastMRI does.
        uncertainty: standard deviation of the magnitude, real (slices, H, W).
        samples: posterior samples, complex (slices, K, H, W).
        attrs: where it comes from: method, accelerations, `maps_from`, seed ... Versions are added. None is left out,
            and what HDF5 has no type for is written as JSON.

    Raises:
        UserError: a place that cannot be written.
    """
    datasets = {
        "reconstruction": image.abs().to(torch.float32),
        "reconstruction_complex": image.to(torch.complex64),
        "uncertainty": uncertainty,
        "samples": samples,
        "mask": mask[0] if mask is not None and mask.shape[0] == 1 else mask,
    }
    write_datasets(path, datasets, attrs or {})


def write_datasets(path: str | Path, datasets: Mapping[str, Tensor | None], attrs: Mapping) -> None:
    """Write tensors by name and attributes, whole or not at all. Versions are added, and None is left out.

    Raises:
        UserError: a place that cannot be written.
    """
    provenance = {
        **attrs,
        "mrilab_version": mrilab.__version__,
        "torch_version": str(torch.__version__),
        "numpy_version": np.__version__,
    }
    with writing(path) as file:
        for name, data in datasets.items():
            if data is not None:
                file[name] = data.detach().cpu().resolve_conj().numpy()
        for name, value in provenance.items():
            if isinstance(value, Mapping | list | tuple):
                value = json.dumps(value, ensure_ascii=False)
            if value is not None:
                file.attrs[name] = readable(value) if isinstance(value, str) else value
