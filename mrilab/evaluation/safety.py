"""A safety net for trained methods: is the image anywhere near what the data alone would give?

A network that meets data unlike its training paints an image that is wrong and looks right. What it makes is held
against two methods that know no training, L1-wavelet and CG-SENSE. Where the data decide much, the three agree. Where
they decide little, the two differ from each other, and a network may differ as well. So the measure is a ratio.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mrilab.methods.registry import method_options
from mrilab.physics import cg_sense, l1_wavelet
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.fourier import fft2c

# largest ratio of distances; by results/safety_net.csv, of 256 images better than L1-wavelet's 5 have more, and of 198
# that are 3 dB worse 170
LIMIT = 1.55
LEAST = 0.02  # relative distance that is never called large, whatever CG-SENSE says


@dataclass(frozen=True)
class Safety:
    """What one image is like, beside L1-wavelet's and CG-SENSE's.

    Only magnitudes are looked at, as in the pictures: the image x has the phase of L1-wavelet's. A method such as
    VarNet, which estimates maps of its own, gives its image another phase, and that is no fault.

    residual: |A x - y| / |y|, over the measured points. unmeasured: share of the energy of A x without a mask that lies
    at points that nobody measured. Both for the method's image, L1-wavelet's and CG-SENSE's.
    distance: | |x| - |l| | over | |c| - |l| |, with the images l of L1-wavelet and c of CG-SENSE.
    """

    residual: dict[str, float]
    unmeasured: dict[str, float]
    distance: float

    @property
    def flagged(self) -> bool:
        """Return whether the image is not to be trusted."""
        return self.distance > LIMIT

    def summary(self) -> dict[str, Any]:
        """Return the figures as `--json` prints them."""
        figures = {"residual": self.residual, "unmeasured": self.unmeasured}
        return {"flagged": self.flagged, "distance": self.distance, "limit": LIMIT, **figures}


def is_trained(method: str) -> bool:
    """Return whether a method takes weights from training."""
    return bool({"network", "prior"} & method_options(method).keys())


def judge(image: Tensor, y: Tensor, model: SenseModel) -> Safety:
    """Hold an image (h, w) against the data y (coil, h, w) and against what L1-wavelet and CG-SENSE make of them."""
    with torch.inference_mode():
        wavelet, sense = l1_wavelet(y, model), cg_sense(y, model)
        images = {"method": image.abs() * torch.sgn(wavelet), "l1-wavelet": wavelet, "cg-sense": sense}
        residual = {name: _norm(model.forward(x) - y) / _norm(y) for name, x in images.items()}
        unmeasured = {name: _share(fft2c(model.coil_maps * x), model.mask) for name, x in images.items()}
        own, other = (_norm(x.abs() - wavelet.abs()) / _norm(wavelet) for x in (image, sense))
    return Safety(residual, unmeasured, own / max(other, LEAST))


def _norm(x: Tensor) -> float:
    return float(torch.linalg.vector_norm(x))


def _share(kspace: Tensor, mask: Tensor) -> float:
    """Return the share of the energy of k-space (coil, h, w) outside of the mask."""
    return (_norm(kspace * ~mask) / _norm(kspace)) ** 2
