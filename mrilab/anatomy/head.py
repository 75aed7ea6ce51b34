"""From template points to tissue: which share of every pixel is which tissue, with borders as sharp as in a head.

The template's maps are blurred by averaging; taking a sharp softmax of them *after* interpolation puts the borders
back, and adding smooth noise before it moves them, most where the average is least certain, which is where real
heads differ: in the sulci. Skull, scalp and face come from signed distances in the same way.
"""

from functools import lru_cache

import torch
from torch import Tensor

from mrilab.anatomy.contrast import INDEX, TISSUES
from mrilab.anatomy.deform import Slices
from mrilab.anatomy.template import Volume, load_template
from mrilab.anatomy.vessels import small_vessels, trunks

BRAIN_SHARPNESS = 20.0  # factor in the softmax between CSF, grey and white matter
BORDER = 0.15  # softness of all other borders in mm
FLUID_BIAS = 0.05  # extra score of CSF, which opens sulci that averaging has closed
FOLDING = ((9.0, 0.20), (5.0, 0.18), (3.0, 0.12))  # knot spacing in mm and strength of the noise on the brain's maps


@lru_cache(maxsize=4)
def _template(device: str) -> tuple[Volume, Volume]:
    brain, shell = load_template()
    return brain.to(device), shell.to(device)


def _inside(distance: Tensor) -> Tensor:
    """Return the share of a pixel inside a surface, from the signed distance in mm."""
    return torch.sigmoid(distance / -BORDER)


def tissue_shares(slices: Slices, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw the shares of all tissues (n, tissue, H, W), summing to 1, and the whiteness (n, H, W) of the brain.

    Every pixel is handed out in order: air around the head, brain, cavities, eyes, bone, skin, muscle. What is left
    is fat.
    """
    points = slices.points
    n, height, width, _ = points.shape
    device = points.device
    draws = slices.draws(generator)
    brain, shell = _template(str(device))
    pixel = float(slices.pixel.mean())  # mm
    fluid, grey, white, whiteness = brain.sample(points).unbind(1)  # each (n, H, W)
    # Distances are smooth: half the resolution costs a quarter and looks the same. Averaged points lie where
    # interpolation with align_corners=False expects them.
    averaged = torch.nn.functional.avg_pool2d(points.permute(0, 3, 1, 2), 2, ceil_mode=True).permute(0, 2, 3, 1)
    distances = torch.nn.functional.interpolate(shell.sample(averaged), scale_factor=2, mode="bilinear")
    inner, skin, cavity, eye, muscle, face_bone = distances[..., :height, :width].unbind(1)

    scores = torch.stack([fluid + FLUID_BIAS, grey, white], 1)  # (n, 3, H, W)
    quiet = scores.new_tensor([0.4, 1.0, 1.0])[:, None, None]  # or lakes of CSF appear inside the brain
    for spacing, strength in FOLDING:
        scores += strength * quiet * draws.fields(3, spacing / pixel)
    csf, grey, white = (BRAIN_SHARPNESS * scores).softmax(1).unbind(1)

    thickness = 1 + 0.12 * draws.fields(2, 40.0 / pixel)  # relative thickness of skull and dura, each (n, H, W)
    patches = draws.field(9.0 / pixel)  # where fat lies between muscles, and muscle in fat
    folds = draws.field(14.0 / pixel)
    skull = 6.5 * thickness[:, 0] + 2.0 * (points[..., 1] < -60)
    inner = inner + 0.35 * folds
    shares = torch.zeros(n, len(TISSUES), height, width, device=device)
    left = torch.ones(n, height, width, device=device)

    def take(name: str, share: Tensor) -> None:
        nonlocal left
        taken = left * share
        shares[:, INDEX[name]] += taken
        left = left - taken

    take("air", _inside(-skin))
    in_brain = _inside(inner)
    surface_vessels, inner_vessels = small_vessels(draws, pixel)
    blood = torch.maximum(trunks(points, inner), surface_vessels * csf)
    blood = torch.maximum(blood, 0.5 * inner_vessels * (1 - csf))
    take("blood", in_brain * blood)
    take("grey matter", in_brain * grey)
    take("white matter", in_brain * white / (1 - in_brain * grey).clamp_min(1e-6))
    outside = _inside(-inner - 0.5)
    take("air", _inside(cavity + 0.8 * folds) * outside)
    bony = face_bone + 0.8 * folds
    take("cortical bone", _inside((bony + 0.6).abs() - 0.7))
    take("marrow", _inside(bony))
    take("dura", _falx(slices) * in_brain)
    take("csf", in_brain)
    take("dura", _inside(inner - 0.7 * thickness[:, 1]))
    wall = 1.4 * thickness[:, 1]
    take("cortical bone", _inside(inner - wall - 0.7))
    take("marrow", _inside(inner - skull + wall))
    take("cortical bone", _inside(inner - skull))
    take("skin", _inside(-(skin + 1.8)))
    take("skin", _inside((eye - 0.3).abs() - 0.5))  # sclera
    take("vitreous", _inside(eye))
    scalp = inner - skull
    take("muscle", _inside((scalp - 1.2).abs() - 0.6))  # galea and thin muscles over the bone
    take("muscle", _inside(muscle - 1.2 * patches) * _inside(-0.3 * patches - 0.6))
    deep = _inside(skin + 6 + 1.5 * folds) * torch.sigmoid((-40 - points[..., 2]) / 4)
    take("muscle", deep * _inside(-0.5 - patches))  # the unnamed muscles of face and neck, with fat between them
    shares[:, INDEX["fat"]] += left
    return shares, whiteness


def _falx(slices: Slices) -> Tensor:
    """Return the membrane between the hemispheres (n, H, W), in the midline above the corpus callosum and in front.

    Sagittal slices have none: a slice that lay in the membrane would show nothing else.
    """
    x, y, z = slices.points.unbind(-1)
    height = z - (28 - 0.004 * (y + 10).square())
    crossed = torch.tensor([name != "sagittal" for name in slices.orientation], device=x.device)[:, None, None]
    return _inside(x.abs() - 0.5) * torch.sigmoid(height / 2) * crossed
