"""A sagittal knee phantom: drawn, not scanned; front to the left, as radiologists hang it.

Two kinds of slice: through a condyle (menisci, cartilage, fibula) and through the notch (cruciate ligaments).
Proton-density weighted, with or without fat suppression. Relaxation times at 3 T: Gold et al., AJR 183, 2004
(cartilage, muscle, fluid, fat, marrow); tissues with few mobile protons (cortex, tendon, meniscus) have effective
values that make them as dark as they look.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mrilab.anatomy.arrays import pixel_coordinates
from mrilab.anatomy.drawing import Canvas, Points, Signals, cut, tissue_signals
from mrilab.errors import UserError

STRUCTURES = (
    "background skin subcutaneous_fat deep_fat muscle femur_cortex femur_marrow tibia_cortex tibia_marrow "
    "fibula patella articular_cartilage meniscus acl pcl patellar_tendon quadriceps_tendon hoffa_fat_pad "
    "effusion vessel"
).split()
FOV = 160.0  # side of the square field of view in mm
COIL_LENGTH = 118.0  # length in mm that a knee coil sees at full strength; its signal fades from there to the ends

# T1 and T2 in ms, proton density, whether it is fat
TISSUES = {
    "skin": (900, 25, 0.70, False),
    "fat": (371, 133, 0.90, True),
    "marrow": (365, 133, 0.78, True),
    "muscle": (1420, 32, 0.80, False),
    "cartilage": (1240, 40, 0.85, False),
    "fluid": (2400, 500, 1.00, False),
    "meniscus": (1000, 12, 0.35, False),
    "ligament": (1000, 14, 0.40, False),
    "tendon": (900, 9, 0.30, False),
    "cortex": (900, 6, 0.25, False),
    "blood": (1600, 60, 0.30, False),
}

# outlines in mm from the joint line: x backwards, y downwards
FEMUR = {
    "condyle": [(-15, -130), (-15, -62), (-19, -49), (-27, -39), (-32, -27), (-33, -15), (-28, -3), (-16, 6),
                (0, 9), (15, 7), (27, -1), (34, -14), (32, -27), (22, -37), (15, -46), (14, -62), (14, -130)],
    "notch": [(-15, -130), (-15, -62), (-19, -49), (-27, -39), (-31, -27), (-31, -15), (-26, -6), (-18, -3),
              (-9, -8), (0, -20), (8, -34), (13, -47), (14, -62), (14, -130)],
}  # fmt: skip
TIBIA = {
    "condyle": [(-29, 16), (-22, 14), (-10, 14), (0, 14), (10, 14), (22, 14), (29, 16), (29, 23), (25, 34), (19, 47),
                (17, 62), (16, 130), (-13, 130), (-15, 80), (-21, 60), (-27, 49), (-30, 42), (-29, 30)],
    "notch": [(-29, 18), (-20, 16), (-8, 15), (-2, 10), (4, 9), (9, 14), (20, 17), (28, 22), (28, 28), (24, 36),
              (19, 47), (17, 62), (16, 130), (-13, 130), (-15, 80), (-21, 60), (-27, 50), (-31, 43), (-30, 30)],
}  # fmt: skip
FIBULA = [(27, 30), (33, 28), (37, 33), (36, 42), (33, 54), (32, 130), (24, 130), (25, 55), (25, 40)]
PATELLA = [(-51, -42), (-45, -43), (-40, -35), (-38, -25), (-41, -13), (-47, -5), (-51, -7), (-54, -18), (-55, -32)]
LEG = [(-45, -130), (-50, -85), (-57, -58), (-62, -35), (-62, -18), (-57, 4), (-49, 24), (-41, 43), (-36, 62),
       (-29, 130), (62, 130), (64, 75), (60, 42), (55, 12), (54, -10), (57, -40), (62, -80), (66, -130)]  # fmt: skip
QUADRICEPS = [(-17, -130), (-36, -130), (-40, -88), (-40, -68), (-35, -57), (-24, -55), (-18, -64)]
HAMSTRING = [(24, -130), (56, -130), (54, -80), (50, -52), (45, -30), (40, -29), (35, -50), (28, -80)]
GASTROCNEMIUS = {
    "condyle": [(33, -34), (39, -36), (45, -20), (48, 0), (54, 30), (57, 60), (55, 130), (36, 130), (36, 70),
                (38, 40), (39, 15), (39, 0), (38, -16)],
    "notch": [(41, 0), (45, -4), (49, 12), (54, 32), (57, 60), (55, 130), (36, 130), (36, 70), (37, 42), (39, 18)],
}  # fmt: skip
POPLITEUS = [(21, 46), (29, 30), (33, 40), (34, 62), (34, 130), (19, 130), (19, 70)]
HOFFA = [(-47, -4), (-39, -10), (-33, -2), (-25, 7), (-19, 12), (-28, 17), (-30, 30), (-32, 38), (-40, 24), (-45, 8)]


RECESS = {
    "condyle": ([(29, 3), (34, -6), (37, -18)], 1.0, 0.6),
    "notch": ([(-16, 4), (-8, -2), (0, -8)], 0.5, 0.5),
}  # where fluid lies in the joint: path, widths at its ends in mm
VESSELS: dict[str, list[tuple[Points, Sequence[float]]]] = {
    "condyle": [([(22, -130), (22, -85), (26, -60), (30, -48)], [4.5, 4.5, 3, 1])],
    "notch": [
        ([(24, -130), (27, -75), (33, -38), (36, -5), (35, 25), (34, 70)], [6, 6, 6, 5.5, 4, 2]),
        ([(31, -130), (34, -75), (39, -40), (39, -8), (38, 25)], [5, 5, 5, 4, 2]),
    ],
}  # popliteal vessels: path, widths along it in mm
SCARS = {
    "femur": [(-34, -30), (-15, -35), (5, -33), (20, -38), (36, -30)],
    "tibia": [(-34, 36), (-15, 31), (5, 33), (34, 31)],
}  # where the growth plates were
QUADRICEPS_TENDON = [(-40, -130), (-44, -85), (-48, -58), (-50, -40)]


def knee_phantom(
    shape: tuple[int, int], generator: torch.Generator | None = None, contrast: str = "pd", kind: str | None = None
) -> tuple[Tensor, Tensor]:
    """Draw a random sagittal knee over 160 x 160 mm: image complex64 (H, W) and labels int64 (H, W), see STRUCTURES.

    The same seed draws the same knee on every grid.

    Args:
        contrast: "pd" or "pd-fs" (fat suppressed).
        kind: "condyle", "notch" or None, which draws one of them.

    Raises:
        UserError: unknown contrast or kind.
    """
    if contrast not in ("pd", "pd-fs"):
        raise UserError(f"Unknown knee contrast {contrast!r}: choose 'pd' or 'pd-fs'.")
    if kind not in (None, "condyle", "notch"):
        raise UserError(f"Unknown kind of knee slice {kind!r}: choose 'condyle' or 'notch'.")
    c = Canvas(shape, FOV, generator, STRUCTURES)
    drawn, residual = c.uniform(0, 1), c.uniform(0.12, 0.22)  # drawn in any case: options must not move the rest
    kind = kind or ("condyle" if drawn < 0.5 else "notch")
    residual = residual if contrast == "pd-fs" else 1.0
    s = tissue_signals(TISSUES, c.uniform(2400, 3400), c.uniform(26, 36), residual, generator)
    c.place(c.uniform(-0.08, 0.08), (c.uniform(0.93, 1.1), c.uniform(0.93, 1.08)), (c.uniform(-5, 5), c.uniform(-8, 8)))
    c.deform((2.2, 45), (0.6, 14), (0.2, 5))

    bones = {name: c.shape(outline[kind], 0.6) for name, outline in (("femur", FEMUR), ("tibia", TIBIA))}
    _soft_tissue(c, s, kind)
    _bones(c, s, kind, bones)
    _joint(c, s, kind, **bones)
    c.signal *= _coil_profile(shape)
    return c.image(), c.labels


def _coil_profile(shape: tuple[int, int]) -> Tensor:
    """Return what a coil array around the joint sees of the leg, (H, 1). The leg is longer than the field of view.

    Without it thigh would lie next to shin across the periodic edge, where no smooth map explains both.
    """
    rows, _ = pixel_coordinates(shape, (FOV, FOV))  # (H, 1) mm
    beyond = (rows.abs() - COIL_LENGTH / 2).clamp(min=0) / ((FOV - COIL_LENGTH) / 2)
    return torch.cos(0.5 * math.pi * beyond.clamp(max=1)) ** 2


def _fat(c: Canvas, s: Signals, strength: float = 0.25) -> Tensor:
    lobules = strength * (c.septa(7, 0.12) + 0.7 * c.septa(3.5, 0.15))
    return s["fat"] * (1 + 0.06 * c.fractal(8, 4) - lobules).clamp(min=0.2)


def _fibres(c: Canvas, signal: float, angle: float, streak: float = 0.25) -> Tensor:
    return signal * (1 + streak * c.noise(14, 0.8, angle)).clamp(min=0.3)


def _marrow(c: Canvas, s: Signals) -> Tensor:
    """Draw trabeculae along the load, patches of red marrow, and the sponge in between."""
    trabeculae = 0.035 * c.noise(4, 0.8, math.pi / 2) + 0.05 * c.grain + 0.05 * c.noise(9)
    red = (0.6 * c.noise(14) + 0.4 * c.noise(6) - 0.2).clamp(0, 1)
    return s["marrow"] * (1 + trabeculae) * (1 - 0.22 * red) + 0.22 * red * s["muscle"]


def _muscle(c: Canvas, s: Signals, outline: Points, angle: float) -> None:
    """Paint a belly inside its fascia, with fat streaks along the fibres."""
    distance = c.shape(outline, 1.0)
    streaks = c.noise(22, 1.3, angle)
    fat = ((streaks - 1.3) / 0.8).clamp(0, 1) * (0.5 + 0.5 * c.noise(15)).clamp(0, 1)
    belly = s["muscle"] * (1 + 0.07 * streaks + 0.06 * c.grain) * (1 - 0.6 * fat) + 0.6 * fat * s["fat"]
    c.paint(None, distance - 0.7, 0.7 * s["tendon"] + 0.3 * s["fat"], edge=1.0)
    c.paint("muscle", distance, belly, edge=0.8)


def _vessel(c: Canvas, s: Signals, path: Points, widths: Sequence[float]) -> None:
    distance = c.tube(path, widths, 0.8)
    c.paint(None, distance - 0.4, s["muscle"], edge=1.0, opacity=0.6)  # the wall
    c.paint("vessel", distance, s["blood"] * c.uniform(0.4, 1.8) * (1 + 0.1 * c.noise(9)), edge=1.0)


def _soft_tissue(c: Canvas, s: Signals, kind: str) -> None:
    leg = c.shape(LEG, 1.5)
    thickness = c.uniform(3.5, 9) * (1 + 0.25 * c.noise(40)).clamp(0.4, 2) * torch.where(c.x < -20, 0.55, 1.0)
    c.paint("skin", leg, s["skin"] * (1 + 0.1 * c.noise(2)))
    c.paint("subcutaneous_fat", leg + 1.4, _fat(c, s))
    c.paint(None, leg + 1.4 + thickness, 0.5 * (s["tendon"] + s["fat"]), edge=0.6)  # fascia
    c.paint("deep_fat", leg + 2.2 + thickness, _fat(c, s, 0.35), edge=0.6)
    for outline, tilt in ((QUADRICEPS, 0.12), (HAMSTRING, 0.15), (POPLITEUS, 0), (GASTROCNEMIUS[kind], -0.1)):
        _muscle(c, s, outline, math.pi / 2 + tilt)
    for path, widths in VESSELS[kind]:
        _vessel(c, s, path, widths)
    for _ in range(4):  # small vessels in fat, seen end on or for a short way
        x, y, run = c.uniform(38, 52), c.uniform(-75, 75), c.uniform(1, 14)
        _vessel(c, s, [(x, y), (x + 1, y + 0.5 * run), (x, y + run)], [0.6, c.uniform(0.9, 1.8), 0.5])


def _bones(c: Canvas, s: Signals, kind: str, bones: dict[str, Tensor]) -> None:
    dark = s["cortex"] * (1 + 0.1 * c.noise(2))
    c.paint(None, c.tube(QUADRICEPS_TENDON, 7.5), _fibres(c, s["tendon"], 1.4))
    c.labels[c.tube(QUADRICEPS_TENDON, 7.5) < 0] = STRUCTURES.index("quadriceps_tendon")
    shaft = {"femur": (-c.y - 48) / 22, "tibia": (c.y - 46) / 22}
    for name, distance in bones.items():
        marrow = distance + (0.9 + 3.0 * shaft[name].clamp(0, 1))
        c.paint(f"{name}_cortex", distance, dark)
        c.paint(f"{name}_marrow", marrow, _marrow(c, s), edge=0.8)
        c.paint(None, cut(c.tube(SCARS[name], 1.1, 1.2), marrow), dark, edge=1.0, opacity=0.55)
    if kind == "condyle":
        distance = c.shape(FIBULA, 0.8)
        c.paint("fibula", distance, dark)
        c.paint("fibula", distance + 1.0 + 1.2 * ((c.y - 45) / 15).clamp(0, 1), _marrow(c, s))


def _joint(c: Canvas, s: Signals, kind: str, femur: Tensor, tibia: Tensor) -> None:
    patella = c.shape(PATELLA, 0.7)
    hoffa = cut(c.shape(HOFFA, 0.8), -femur, -tibia)
    c.paint("hoffa_fat_pad", hoffa, _fat(c, s, 0.5) * (1 - 0.3 * c.septa(5, 0.12)), edge=1.0)

    fluid = s["fluid"] * (1 + 0.04 * c.grain)
    amount = c.uniform(0.6, 2.6)
    bursa = c.tube([(-37, -38), (-40, -46), (-39, -55), (-36, -64)], [1.2, 2.2 * amount, 2.0 * amount, 0.4], 0.7)
    path, start, end = RECESS[kind]
    pools = [bursa, c.tube(path, [start, (1.2 if kind == "condyle" else 1.5) * amount, end])]
    pools.append(cut(femur - 3.2, patella - 3.6))
    if kind == "condyle":
        pools.append(cut(femur - 5.5, tibia - 5.5, c.x.abs() - 27))
    for pool in pools:
        c.paint("effusion", cut(pool, -femur, -tibia), fluid, edge=0.8)

    cartilage = s["cartilage"] * (1 + 0.06 * c.grain)
    if kind == "notch":
        _cruciates(c, s, femur, tibia)
        front = ((c.y + 30) / 10).clamp(0, 1) * ((-10 - c.x) / 6).clamp(0, 1)
    else:
        front = ((c.y + 28) / 10).clamp(0, 1)
    layers = [(femur, c.uniform(1.9, 2.7) * front), (patella, c.uniform(2.2, 3.2) * ((c.x + 46) / 4).clamp(0, 1))]
    if kind == "condyle":
        plateau = ((26 - c.x.abs()) / 3).clamp(0, 1) * (c.y < 22)
        layers.append((tibia, c.uniform(1.9, 2.6) * plateau))
        for side in (-1, 1):  # the wedge that is left between the two cartilages, cut off towards the middle
            inwards = side * c.x - 12  # from the free edge, where the wedge is thin
            wedge = cut(inwards - 15.5, 2.3 - femur, femur - 9, 2.2 - tibia, tibia - 2.2 - 0.5 * inwards)
            c.paint("meniscus", wedge, s["meniscus"] * (1 + 0.15 * c.noise(2)), edge=0.7)
    for bone, thickness in layers:
        others = [-other for other in (femur, tibia, patella) if other is not bone]
        layer = cut(bone - thickness, -bone, *others, 0.05 - thickness)
        c.paint("articular_cartilage", layer, cartilage * (1 + 0.12 * (bone / 2 - 0.5)), edge=0.6)

    tendon = c.tube([(-49, -7), (-46, 12), (-39, 28), (-31, 43)], [5.0, 4.6, 4.8, 5.5])
    c.paint("patellar_tendon", tendon, _fibres(c, s["tendon"], 1.15))
    c.paint("patella", patella, s["cortex"])
    c.paint("patella", patella + 1.1, _marrow(c, s), edge=0.8)
    # tendon fibres over the kneecap
    c.paint("quadriceps_tendon", cut((patella - 1.2).abs() - 0.8, c.x + 47), s["tendon"])


def _cruciates(c: Canvas, s: Signals, femur: Tensor, tibia: Tensor) -> None:
    acl = cut(c.tube([(9, -29), (2, -12), (-6, 3), (-11, 15)], [8, 7, 8, 10], 0.6), -femur, -tibia)
    pcl = cut(c.tube([(-6, -10), (5, -13), (16, -5), (22, 8), (27, 24)], [8, 7, 6, 6, 6], 0.6), -femur, -tibia)
    for label, ligament, angle, brightness in (("acl", acl, 1.95, 2.0), ("pcl", pcl, 0.8, 1.0)):
        c.paint(None, ligament - 0.8, 0.5 * (s["fluid"] + s["fat"]), edge=1.2, opacity=0.4)
        c.paint(label, ligament, brightness * _fibres(c, s["ligament"], angle, 0.35), edge=0.8)
