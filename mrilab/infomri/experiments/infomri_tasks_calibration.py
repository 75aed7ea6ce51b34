"""What the answers of stored models are worth: calibration, which cases to look at again, and what the masks tell.

No training: `infomri_tasks_segmentation` does it. All values are over the 128 test heads together.
"""

import numpy as np
import torch
from monai.metrics import compute_roc_auc
from torch import Tensor

from mrilab.evaluation.experiments import experiment
from mrilab.evaluation.segmentation import brier, disagreement, expected_calibration_error
from mrilab.infomri.experiments.infomri_tasks_segmentation import ALL, ONE
from mrilab.infomri.gaussian import share_of_best
from mrilab.infomri.images import SIGMA
from mrilab.infomri.information import GaussianKspace
from mrilab.infomri.tasks.measures import majority_dice
from mrilab.infomri.tasks.predict import DRAWS, answered
from mrilab.infomri.tasks.scans import MassHeads
from mrilab.infomri.tasks.stages import ACCELERATIONS
from mrilab.infomri.tasks.study import trained_stage

HARD = 0.7  # Dice below which an answer is called hard
MEASURED = ("ece", "brier", "auroc", "triage", "hard", "information", "threshold", "dice_chosen")
STRONG = ("closed-form", "variable-density")  # masks
THRESHOLDS = torch.linspace(0.05, 0.95, 19)


def listed() -> list[tuple[str, int]]:
    """Return the cases (model, acceleration), models of one acceleration at theirs, what may be left out last."""
    others = sorted(ALL, key=lambda name: not name.endswith(STRONG))  # the two kinds of masks that know images first
    single = [(f"{name}-{R}", R) for name, rates in ONE.items() for R in rates]
    single.sort(key=lambda case: case[1] != 32)  # the claims are about 32x
    return [(name, R) for name in ("infomri", *others[:4]) for R in ACCELERATIONS] + [
        *single, *((name, R) for name in others[4:] for R in ACCELERATIONS)
    ]  # fmt: skip


@experiment("segmentation from samples: calibration, triage, and what the masks tell (no training)", MEASURED, listed)
def measure(model: str, acceleration: int) -> dict[str, float]:
    """Measure a trained model at one acceleration.

    ece, brier, auroc: of the probabilities of all pixels, against the majority of the raters. triage: AUROC of the
    disagreement between answers for heads with a Dice below HARD, whose share is `hard`; nan where there are none, or
    where a model has one answer. information: of the masks, as a share of the best of a Gaussian image.
    dice_chosen: Dice at the `threshold` of the probability that is best on the 64 validation heads, not at one half.
    """
    network, source = trained_stage(model, 0), MassHeads()
    held, cases = source.fixed("val"), source.fixed("test")
    earlier, found = (answered(network, each.full, each.maps, 1 / acceleration, DRAWS) for each in (held, cases))
    on_val = torch.stack([majority_dice(earlier.probability, held.outlines, float(t)).mean() for t in THRESHOLDS])
    threshold = float(THRESHOLDS[on_val.argmax()])
    majority = cases.outlines.float().mean(1) >= 0.5  # (n, H, W)
    hard = majority_dice(found.probability, cases.outlines) < HARD
    apart = torch.tensor([disagreement(found.samples[:, n]) for n in range(len(hard))])
    gaussian = GaussianKspace.of_images(source.images("train"), SIGMA)
    with torch.no_grad():
        count = torch.full((16,), round(source.side**2 / acceleration))
        masks = network.sampling(count, torch.Generator().manual_seed(1)).mask
    return {
        "ece": expected_calibration_error(found.probability, majority),
        "brier": brier(found.probability, majority),
        "auroc": roc(found.probability.flatten(), majority.flatten()),
        "triage": roc(apart, hard) if len(found.samples) > 1 else float("nan"),
        "hard": float(hard.float().mean()),
        "information": float(share_of_best(gaussian, masks).mean()),
        "threshold": threshold,
        "dice_chosen": float(majority_dice(found.probability, cases.outlines, threshold).mean()),
    }


def roc(score: Tensor, true: Tensor) -> float:
    """Return the area under the ROC curve, or nan where all or none are true."""
    if bool(true.all()) or not bool(true.any()):
        return float("nan")
    return float(np.asarray(compute_roc_auc(score, true.long())))
