"""Training examples as any scanner may have measured them: 1 to 32 coils, any sampling, little noise or much."""

import warnings

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from mrilab.anatomy.acquire import simulate_scan
from mrilab.anatomy.arrays import random_array
from mrilab.data.slices import FINENESS
from mrilab.physics.coils import normalise_maps
from mrilab.physics.compression import combine, compression_matrix
from mrilab.physics.fourier import centre_crop
from mrilab.physics.noise import complex_noise
from mrilab.physics.protocol import Acquisition, acquire, full_reference
from mrilab.training.elsewhere import images, sampling

COILS = (1, 32)  # number of receive coils, uniform in its logarithm, but at least FEW in most draws
FEW = 4
VIRTUAL = 8  # number of virtual coils to which more are compressed, so that all scans of a batch have as many
NOISE = (0.002, 0.05)  # standard deviation per real component, over the image's 0.99 quantile
CORRELATION = 0.3  # size of the random part of the matrix that mixes the noise of the coils
SEEN = {
    "images": images.KINDS,
    "sampling": sampling.KINDS,
    "directions": ["vertical", "horizontal"],
    "acceleration": [sampling.LEAST, sampling.MOST],
    "calibration_lines": list(sampling.CENTRE),
    "coils": list(COILS),
    "noise_std": list(NOISE),
}  # for the card of a network


def acquisitions_from_elsewhere(
    n: int, side: int, generator: torch.Generator, split: str, device: torch.device | str = "cpu"
) -> Acquisition:
    """Draw `n` acquisitions, square with `side` points, of VIRTUAL coils, in units of the zero-filled 0.99 quantile.

    Fewer coils than VIRTUAL have empty ones beside them. Masks are (n, H, W), and maps come from the samples.
    """
    scans = [_one((side, side), generator, split) for _ in range(n)]
    return Acquisition(*(torch.stack(fields).to(device) for fields in zip(*scans, strict=True)))


def _one(shape: tuple[int, int], generator: torch.Generator, split: str) -> Acquisition:
    image = images.draw_image(shape, split, generator)
    u = torch.rand(3, generator=generator).tolist()
    fewest = COILS[0] if u[0] < 0.2 else FEW
    coils = round(fewest * (COILS[1] / fewest) ** u[1])
    maps = _smooth_maps(coils, (image.shape[0], image.shape[1]), generator)
    full = simulate_scan(image, maps, shape)  # (coil, H, W)
    noise_std = NOISE[0] * (NOISE[1] / NOISE[0]) ** u[2]
    mixing = torch.eye(coils) + CORRELATION * torch.randn(coils, coils, generator=generator) / coils**0.5
    full = full + noise_std * combine(mixing.to(full.dtype), complex_noise(full.shape, generator))
    mask = sampling.draw_sampling(shape, coils, generator)
    if coils > VIRTUAL:
        full = combine(compression_matrix(centre_crop(full, (24, 24)), VIRTUAL), full)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few calibration lines
        reference = full_reference(full)
        scan, _ = acquire(full, mask)
    # maps from all of the data and from the samples may differ by a phase of the whole image, which nobody can predict
    reference = reference * torch.sgn((reference.conj() * scan.model.adjoint(scan.kspace)).sum())
    empty = torch.zeros(max(0, VIRTUAL - coils), *shape, dtype=full.dtype)
    kspace, maps = torch.cat([scan.kspace, empty]), torch.cat([scan.coil_maps, empty])
    scan = Acquisition(kspace, mask, maps, reference, mask)
    return scan.over(scan.scale())


def _smooth_maps(coils: int, shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Return maps (coil, H, W) of a random array, computed on the grid of the scan, since they are smooth."""
    coarse = random_array(coils, generator).maps((shape[0] // FINENESS, shape[1] // FINENESS))
    parts = torch.view_as_real(coarse).permute(0, 3, 1, 2)  # (coil, 2, h, w)
    fine = interpolate(parts, shape, mode="bilinear", align_corners=False).permute(0, 2, 3, 1)
    return normalise_maps(torch.view_as_complex(fine.contiguous()))
