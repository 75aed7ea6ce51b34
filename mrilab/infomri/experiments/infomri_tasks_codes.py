"""How much of an answer LI-Net's code keeps: the ceiling of what LI-Net can reach, on validation heads."""

import torch

from mrilab.evaluation.experiments import experiment
from mrilab.evaluation.segmentation import dice
from mrilab.infomri.tasks.linet import AnswerCodes
from mrilab.infomri.tasks.scans import MassHeads
from mrilab.infomri.tasks.study import trained_stage

AT_A_TIME = 32  # answers


@experiment(
    "LI-Net: Dice of answers that went through their code, on validation heads (trains one autoencoder)",
    ("dice",),
    lambda: [("all",), ("with a mass",)],
)
def measure(answers: str) -> dict[str, float]:
    """Return the mean Dice over all raters' answers, or over those that are not empty."""
    codes = trained_stage("linet-codes", 0)
    assert isinstance(codes, AnswerCodes)
    z = MassHeads().fixed("val").outlines.flatten(0, 1)  # (heads * raters, H, W)
    if answers == "with a mass":
        z = z[z.flatten(1).any(1)]
    with torch.no_grad():
        back = torch.cat([codes(part.float()) > 0 for part in z.split(AT_A_TIME)])
    return {"dice": sum(float(dice(a[None], b[None])) for a, b in zip(back, z, strict=True)) / len(z)}
