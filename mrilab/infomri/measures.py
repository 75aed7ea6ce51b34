"""What the experiments measure of a trained model at one ratio: image quality, the masks, and the error bar."""

import math

import torch
from torch import Tensor

from mrilab.evaluation.metrics import psnr, ssim
from mrilab.evaluation.uncertainty import inside_object, pearson
from mrilab.infomri.gaussian import share_of_best
from mrilab.infomri.images import gaussian_heads, heads
from mrilab.infomri.losses import Posterior, nll
from mrilab.infomri.model import InfoMRI
from mrilab.infomri.sampling import Sampled
from mrilab.infomri.sequential import SequentialPattern
from mrilab.infomri.train import examples
from mrilab.physics.pairs import own_partner, partners, redundancy

BATCH = 32
IMAGE = ("psnr", "ssim", "nll", "correlation", "correlation_image", "deviation", "error")
MASK = ("redundancy", "redundancy_density", "information")
MEASURED = ("samples", "tries", *(f"{name}_{way}" for way in ("drawn", "top") for name in (*IMAGE, *MASK)))


@torch.no_grad()
def measured(
    network: InfoMRI, ratio: float, split: str, phase: float = 0.0, number: int | None = None
) -> dict[str, float]:
    """Return the values of MEASURED over `number` heads of a split, all by default: one mask a head, drawn and top-k.

    All masks have the same number of samples. Noise and draws are the same at every call.
    """
    network.eval()
    x, full = examples(heads(split)[:number], phase, torch.Generator().manual_seed(0))
    values: dict[str, float] = {}
    for way, generator in (("drawn", torch.Generator().manual_seed(1)), ("top", None)):
        posterior, sampled = reconstructed(network, full, ratio, generator)
        found = image_measures(posterior, x) | mask_measures(sampled)
        values |= {f"{name}_{way}": value for name, value in found.items()}
        values |= {"samples": float(sampled.mask[0].sum())}
        values.setdefault("tries", float(sampled.tries.mean()))
    return values


def reconstructed(
    network: InfoMRI, full: Tensor, ratio: float, generator: torch.Generator | None
) -> tuple[Posterior, Sampled]:
    """Return posterior and masks of k-space (n, 1, H, W) at one ratio, of a sequential model after some parts."""
    maps = torch.ones(full.shape[-3:], dtype=full.dtype)
    sampling = network.sampling
    positions, stage = math.prod(sampling.unit), -1
    if isinstance(sampling, SequentialPattern):
        stage = round(ratio / network.ratios[1] * sampling.steps) - 1
        ratio = network.ratios[1]
    count = torch.full((len(full),), round(ratio * positions))
    parts = [
        network.stages(y, maps, each, generator)[stage]
        for y, each in zip(full.split(BATCH), count.split(BATCH), strict=True)
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


def mask_measures(sampled: Sampled) -> dict[str, float]:
    """Return the values of MASK of masks, the redundancy of points also for their density made symmetric."""
    mask = sampled.mask
    unit = (mask.shape[-2], mask.shape[-1])
    found = [redundancy(each.bool(), unit) for each in mask]
    density = mask.mean(0) if sampled.p is None else sampled.p[0]
    best = share_of_best(gaussian_heads(mask.shape[-1]), mask[:16])
    return {
        "redundancy": sum(found) / len(found),
        "redundancy_density": independent_redundancy(density),
        "information": float(best.mean()),
    }


def independent_redundancy(p: Tensor) -> float:
    """Return (43) of independent draws from the symmetric density (p_i + p_i') / 2, for p (H, W): E|A| / E|samples|.

    Such a density is as low at a point as at its partner, so nothing but chance avoids pairs.
    """
    even = ((p + partners(p)) / 2).double()
    paired = even.masked_fill(own_partner((p.shape[-2], p.shape[-1])), 0)
    return float(paired.square().sum() / paired.sum().clamp(min=1e-12))
