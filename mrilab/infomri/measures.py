"""What the experiments measure of a trained model at one ratio: image quality, the masks, and the error bar."""

import math

import torch
from torch import Tensor

from mrilab.evaluation.metrics import psnr, ssim
from mrilab.evaluation.uncertainty import inside_object, pearson
from mrilab.infomri.gaussian import share_of_best
from mrilab.infomri.images import gaussian_heads
from mrilab.infomri.losses import Posterior, nll
from mrilab.infomri.model import InfoMRI
from mrilab.infomri.sampling import Sampled, Staged
from mrilab.infomri.scans import Examples
from mrilab.physics.pairs import own_partner, partners, redundancy

BATCH = 32
IMAGE = ("psnr", "ssim", "nll", "correlation", "correlation_image", "deviation", "error")
MASK = ("redundancy", "redundancy_density", "information")
MEASURED = ("samples", "tries", *(f"{name}_{way}" for way in ("drawn", "top") for name in (*IMAGE, *MASK)))


@torch.no_grad()
def measured(network: InfoMRI, ratio: float, examples: Examples) -> dict[str, float]:
    """Return the values of MEASURED: one mask an image, drawn, and the top k of the pattern.

    All masks have the same number of samples. The draws are the same at every call.
    """
    network.eval()
    values: dict[str, float] = {}
    for way, generator in (("drawn", torch.Generator().manual_seed(1)), ("top", None)):
        posterior, sampled = reconstructed(network, examples, ratio, generator)
        found = image_measures(posterior, examples.x) | mask_measures(sampled, examples)
        values |= {f"{name}_{way}": value for name, value in found.items()}
        values |= {"samples": float(sampled.mask[0].sum())}
        values.setdefault("tries", float(sampled.tries.mean()))
    return values


def reconstructed(
    network: InfoMRI, examples: Examples, ratio: float, generator: torch.Generator | None
) -> tuple[Posterior, Sampled]:
    """Return posterior and masks of images at one ratio; of a sequential model, after the part of it that fits."""
    sampling, stage = network.sampling, -1
    if isinstance(sampling, Staged):
        stage = round(ratio / network.ratios[1] * sampling.steps) - 1
        ratio = network.ratios[1]
    full, maps = examples.full, examples.maps
    maps = maps.expand(len(full), *maps.shape[-3:])
    count = torch.full((len(full),), round(ratio * math.prod(sampling.unit)))
    parts = [
        network.stages(*each, generator)[stage]
        for each in zip(full.split(BATCH), maps.split(BATCH), count.split(BATCH), strict=True)
    ]
    posteriors, samples = zip(*parts, strict=True)
    mean, variance = (torch.cat(each) for each in zip(*posteriors, strict=True))
    masks, tries = torch.cat([each.mask for each in samples]), torch.cat([each.tries for each in samples])
    return Posterior(mean, variance), Sampled(masks, samples[0].p, tries)


def image_measures(posterior: Posterior, x: Tensor) -> dict[str, float]:
    """Return the values of IMAGE, means over images x (n, parts, H, W). Correlations are inside the object."""
    rows: list[list[float]] = []
    for mean, variance, true in zip(posterior.mean, posterior.variance, x, strict=True):
        parts = Posterior(mean, variance)
        error = (mean - true).square().mean(0).sqrt()  # (H, W), per part
        mean, true = (torch.complex(*each) if len(each) == 2 else each[0] for each in (mean, true))
        deviation, inside = variance[0].sqrt(), inside_object(true)
        row = [psnr(mean, true), ssim(mean, true), float(nll(parts, x[len(rows)]))]
        row += [pearson(deviation, error, inside), pearson(mean.abs(), error, inside)]
        rows.append([*row, float(variance[0][inside].mean().sqrt()), float(error[inside].square().mean().sqrt())])
    return dict(zip(IMAGE, torch.tensor(rows, dtype=torch.float64).mean(0).tolist(), strict=True))


def mask_measures(sampled: Sampled, examples: Examples) -> dict[str, float]:
    """Return the values of MASK of masks, the redundancy of points also for their density made symmetric.

    The information is that of a real image seen by one coil, as a share of the best, and nan where they are others.
    """
    mask = sampled.mask
    unit = (mask.shape[-2], mask.shape[-1])
    found = [redundancy(each.bool(), unit) for each in mask]
    density = mask.mean(0) if sampled.p is None else sampled.p[0]
    real = examples.x.shape[1] == 1
    best = share_of_best(gaussian_heads(mask.shape[-1]), mask[:16]) if real else torch.tensor([torch.nan])
    return {
        "redundancy": sum(found) / len(found),
        "redundancy_density": independent_redundancy(density),
        "information": float(best.mean()),
    }


def independent_redundancy(p: Tensor) -> float:
    """Return (6) of independent draws from the symmetric density (p_i + p_i') / 2, for p (H, W): E|A| / E|samples|.

    Such a density is as low at a point as at its partner, so nothing but chance avoids pairs.
    """
    even = ((p + partners(p)) / 2).double()
    paired = even.masked_fill(own_partner((p.shape[-2], p.shape[-1])), 0)
    return float(paired.square().sum() / paired.sum().clamp(min=1e-12))
