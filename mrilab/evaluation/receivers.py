"""From the coils of a scan to those that are reconstructed: with white noise, and few where few are asked for."""

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mrilab.data.scans import Scan
from mrilab.errors import UserError
from mrilab.physics.coils import MOST_LINES, normalise_maps
from mrilab.physics.compression import combine, combine_along, compression_matrix, geometric_matrices, kept_energy
from mrilab.physics.fourier import centre_crop, ifft1c
from mrilab.physics.whitening import NOISIER, background_noise, noise_covariance, spread, whitening_matrix

WHITEN = ("auto", "no")


@dataclass(frozen=True)
class Receivers:
    """What is done with the coils of a slice; None means that they stay as they are.

    whitening: (coil, coil). compression: (new, coil), or (H, new, coil) for a matrix at each readout position.
    said: what `--json` says of it.
    """

    whitening: Tensor | None
    compression: Tensor | None
    said: dict[str, Any]

    def of_kspace(self, kspace: Tensor) -> Tensor:
        """Return k-space of the new coils, (coil, H, W) -> (new, H, W)."""
        if self.whitening is not None:
            kspace = combine(self.whitening.to(kspace), kspace)
        if self.compression is None:
            return kspace
        apply = combine_along if self.compression.ndim == 3 else combine
        return apply(self.compression.to(kspace), kspace)

    def of_maps(self, maps: Tensor) -> Tensor:
        """Return maps of the new coils, (coil, H, W) -> (new, H, W)."""
        if self.whitening is not None:
            maps = combine(self.whitening.to(maps), maps)
        if self.compression is not None and self.compression.ndim == 3:
            maps = torch.einsum("hvc,chw->vhw", self.compression.to(maps), maps)
        elif self.compression is not None:
            maps = combine(self.compression.to(maps), maps)
        return normalise_maps(maps)


def check_receivers(whiten: str, coils: int | None) -> None:
    """Raise UserError for values that no scan can have."""
    if whiten not in WHITEN:
        raise UserError(f"unknown way to whiten {whiten!r}; choose one of {', '.join(WHITEN)}")
    if coils is not None and coils < 1:
        raise UserError(f"--coils {coils} is impossible; give 1 or more")


def find_receivers(scan: Scan, mask: Tensor, whiten: str, coils: int | None, own_calibration: bool) -> Receivers:
    """Return what to do with the coils of a scan of one slice, sampled by `mask` (1, W), (H, 1) or (H, W).

    Args:
        whiten: "auto" whitens by the noise measurement of the file, or by the image's background where the noise of
            a coil is NOISIER times that of the middle one; "no" never does.
        coils: number of virtual coils; None, or more than there are, keeps all. Each position along the readout gets a
            matrix of its own where maps come from the samples (`own_calibration`) and those are whole columns.

    Raises:
        UserError: a noise measurement that does not fit the scan.
    """
    kspace = scan.kspace[0] * mask  # (coil, H, W)
    whitening, source = (None, "no") if whiten == "no" else _whitening(scan, kspace)
    said: dict[str, Any] = {"whitened": source}
    if coils is None or coils >= len(kspace):
        return Receivers(whitening, None, said)
    if whitening is not None:
        kspace = combine(whitening.to(kspace), kspace)
    calibration = centre_crop(kspace, (kspace.shape[-2], min(MOST_LINES, kspace.shape[-1])))
    if own_calibration and mask.shape[0] == 1:
        matrices = geometric_matrices(calibration, coils)  # (H, coils, coil)
        hybrid = ifft1c(calibration, -2)
        kept = torch.einsum("hvc,chw->vhw", matrices, hybrid).abs().square().sum() / hybrid.abs().square().sum()
        return Receivers(whitening, matrices, said | {"coils": coils, "coils_energy": float(kept)})
    calibration = centre_crop(calibration, (min(MOST_LINES, kspace.shape[-2]), calibration.shape[-1]))
    matrix = compression_matrix(calibration, coils)
    return Receivers(whitening, matrix, said | {"coils": coils, "coils_energy": kept_energy(calibration, matrix)})


def _whitening(scan: Scan, kspace: Tensor) -> tuple[Tensor | None, str]:
    """Return the matrix that whitens the noise of k-space (coil, H, W), or None, and where it comes from."""
    if len(kspace) == 1:
        return None, "no"
    if scan.noise is not None:
        if len(scan.noise) != len(kspace):
            raise UserError(
                f"the noise measurement in {scan.path} has {len(scan.noise)} coils, its k-space {len(kspace)}; remove "
                "the dataset `noise`, or give --whiten no"
            )
        return whitening_matrix(noise_covariance(scan.noise)), "noise measurement"
    samples = background_noise(kspace, (kspace != 0).any(0).any(0))
    if samples.shape[1] < 4 * len(kspace) or not samples.abs().any():
        return None, "no"
    ratio = spread(samples)
    if ratio < NOISIER:
        return None, "no"
    warnings.warn(
        f"{scan.path}: the noise of a coil is {ratio:.0f} times that of the middle one, so the coils are whitened by "
        "the image's background; --whiten no leaves them as they are",
        stacklevel=4,
    )
    return whitening_matrix(noise_covariance(samples)), "background"
