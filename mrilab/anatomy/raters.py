"""Raters who outline the same mass and disagree: simulated, so that every answer to the question is known.

A rater calls a pixel part of the mass where the logit of its membership, plus a bias of the rater, plus a smooth field
that is drawn for each head and rater, is above 0. A soft border moves far by that, a sharp one hardly at all. So an
image shows how much raters disagree, and not what each will say.
"""

import torch
from torch import Tensor

from mrilab.anatomy.fields import Draws

# of the logit: from the rater who outlines least to the one who does most
BIASES = (-0.25, -0.15, -0.05, 0.05, 0.15, 0.25)
FIELD, SPACING = 0.2, 6.0  # standard deviation of the field, and its knot spacing in pixels
LARGEST = 12.0  # magnitude of the logit at memberships of 0 and 1


def rate(membership: Tensor, generator: torch.Generator) -> Tensor:
    """Return the outlines bool (n, rater, H, W) of what belongs to a mass by `membership` (n, H, W), between 0 and 1.

    Where membership is 0 everywhere, so is every outline.
    """
    n, height, width = membership.shape
    logit = torch.logit(membership.double().clamp(0, 1)).clamp(-LARGEST, LARGEST).float()
    fields = Draws(n, (height, width), generator).fields(len(BIASES), SPACING)  # (n, rater, H, W)
    return logit[:, None] + torch.tensor(BIASES)[:, None, None] + FIELD * fields > 0
