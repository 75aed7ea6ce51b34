"""How good a trained reconstruction network is beside L1-wavelet, for its card: PSNR on fixed validation scans."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from mrilab.data.embedded import dataset
from mrilab.data.scans import Scan
from mrilab.evaluation.measured import Conditions, measured_slices
from mrilab.evaluation.metrics import psnr
from mrilab.methods.registry import find_method
from mrilab.physics.coils import calibration_lines
from mrilab.training.supervised import Supervised

SETS = ("heads-t2-val", "heads-randomised-val")
CONDITIONS = Conditions(acceleration=4)  # equispaced vertical lines
BASELINE = "l1-wavelet"
PSNR, GAIN = "psnr", "gain over l1-wavelet"  # first words of the names of the metrics


def validation_sets() -> dict[str, list[Path]]:
    """Return the fixed validation scans by set, which are simulated where they are missing."""
    return {name: dataset(name) for name in SETS}


@torch.no_grad()
def measure_network(
    task: Supervised, network: nn.Module, sets: Mapping[str, Iterable[Scan | Path]], progress: bool = True
) -> dict[str, float]:
    """Return the mean PSNR in dB by set, at R = 4 from equispaced lines, and by how much L1-wavelet's is exceeded.

    All slices of a set count alike. The network runs on the device where it lies, in float32, with maps from the
    calibration lines, as `mrilab recon` has them.
    """
    device = next(network.parameters()).device
    wavelet = find_method(BASELINE)
    metrics: dict[str, float] = {}
    for name, scans in sets.items():
        ours, theirs = [], []
        for source in tqdm(
            list(scans), desc=f"Measuring on {name}", unit="scan", mininterval=0.5, disable=not progress
        ):
            for slice in measured_slices(source, CONDITIONS, device):
                reference = slice.reference
                assert reference is not None  # the sets are fully sampled
                lines = calibration_lines(slice.mask, slice.scan.shape).to(device)
                scan = slice.acquisition._replace(reference=reference, acs=lines)
                y, model, unit = scan.kspace, scan.model, scan.scale()  # unit: (1, 1)
                batch = task.batch(scan.over(unit), slice.generator())
                ours.append(psnr(task.run(network, batch).image[0] * unit, reference))
                found = wavelet(y, model, generator=slice.generator(), progress=iter)
                theirs.append(psnr(found.image, reference))
        mean = sum(ours) / len(ours)
        metrics |= {f"{PSNR} {name}": round(mean, 3), f"{GAIN} {name}": round(mean - sum(theirs) / len(theirs), 3)}
    return metrics
