"""Pools of knees with labels: drawn once and kept on disk, because drawing takes longer than training."""

import hashlib
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from mrilab.anatomy.acquire import band_limit
from mrilab.anatomy.knee import knee_phantom
from mrilab.data.atomic import atomic_path
from mrilab.data.embedded import fingerprint
from mrilab.data.slices import FINENESS, split_generator
from mrilab.paths import BUILD


def knee_pool(
    count: int, shape: tuple[int, int], split: str, seed: int, kind: str = "condyle", folder: Path = BUILD / "pools"
) -> tuple[Tensor, Tensor]:
    """Return images complex64 (count, H, W) of different knees without noise, and labels uint8 (count, H, W).

    Labels are positions in `anatomy.knee.STRUCTURES`. Pools of different splits never share a seed. A pool lies in one
    file of `folder`, which is named after the arguments and the code that draws it, and is drawn where it is missing.

    Raises:
        UserError: unknown split or kind, a folder that cannot be written.
    """
    generator = split_generator(split, seed)
    code = hashlib.sha256(fingerprint().encode() + Path(__file__).read_bytes()).hexdigest()[:16]
    path = folder / f"knee-{kind}-{split}-{seed}-{count}-{shape[0]}x{shape[1]}-{code}.safetensors"
    if not path.is_file():
        images, labels = [], []
        for _ in tqdm(range(count), desc="Drawing knees", unit="knee", mininterval=0.5):
            fine, fine_labels = knee_phantom((FINENESS * shape[0], FINENESS * shape[1]), generator, kind)
            images.append(band_limit(fine, shape))
            # pixel i of the coarse grid lies where pixel FINENESS * i of the fine one does
            labels.append(fine_labels[::FINENESS, ::FINENESS].to(torch.uint8))
        parts = {"images": torch.view_as_real(torch.stack(images)), "labels": torch.stack(labels)}
        with atomic_path(path) as temporary:
            save_file(parts, temporary)
    parts = load_file(path)
    return torch.view_as_complex(parts["images"]), parts["labels"]
