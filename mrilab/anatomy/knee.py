"""A sagittal knee phantom: drawn, not scanned; front to the left, as radiologists hang it.

Two kinds of slice: through a condyle (menisci, cartilage, fibula) and through the notch (cruciate ligaments).
Proton-density weighted at 3 T. Outlines and tissues are in `knee.toml`.
"""

import math
import tomllib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from mrilab.anatomy.arrays import pixel_coordinates
from mrilab.anatomy.drawing import Canvas, Points, Signals, cut, tissue_signals
from mrilab.errors import UserError

TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
STRUCTURES: list[str] = TABLES["structures"]
FOV = 160.0  # side of the square field of view in mm
COIL_LENGTH = 118.0  # length in mm that a knee coil sees at full strength; its signal fades from there to the ends


def knee_phantom(
    shape: tuple[int, int], generator: torch.Generator | None = None, kind: str | None = None
) -> tuple[Tensor, Tensor]:
    """Draw a random sagittal knee over 160 x 160 mm: image complex64 (H, W) and labels int64 (H, W), see STRUCTURES.

    The same seed draws the same knee on every grid. `kind` is "condyle", "notch" or None, which draws one of them.

    Raises:
        UserError: unknown kind.
    """
    if kind not in (None, "condyle", "notch"):
        raise UserError(f"Unknown kind of knee slice {kind!r}: choose 'condyle' or 'notch'.")
    c = Canvas(shape, FOV, generator, STRUCTURES)
    drawn, _ = c.uniform(0, 1), c.uniform(0, 1)  # the second is not used, but the scans depend on the order of draws
    kind = kind or ("condyle" if drawn < 0.5 else "notch")
    s = tissue_signals(TABLES["tissues"], c.uniform(2400, 3400), c.uniform(26, 36), generator)
    c.place(c.uniform(-0.08, 0.08), (c.uniform(0.93, 1.1), c.uniform(0.93, 1.08)), (c.uniform(-5, 5), c.uniform(-8, 8)))
    c.deform((2.2, 45), (0.6, 14), (0.2, 5))

    outlines = TABLES["both"] | TABLES[kind]
    bones = {name: c.shape(outlines[name], 0.6) for name in ("femur", "tibia")}
    _soft_tissue(c, s, outlines)
    _bones(c, s, outlines, bones, kind == "condyle")
    _joint(c, s, outlines, kind == "condyle", **bones)
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


def _vessel(c: Canvas, s: Signals, points: Points, width: Sequence[float]) -> None:
    distance = c.tube(points, width, 0.8)
    c.paint(None, distance - 0.4, s["muscle"], edge=1.0, opacity=0.6)  # the wall
    c.paint("vessel", distance, s["blood"] * c.uniform(0.4, 1.8) * (1 + 0.1 * c.noise(9)), edge=1.0)


def _soft_tissue(c: Canvas, s: Signals, outlines: dict) -> None:
    leg = c.shape(outlines["leg"], 1.5)
    thickness = c.uniform(3.5, 9) * (1 + 0.25 * c.noise(40)).clamp(0.4, 2) * torch.where(c.x < -20, 0.55, 1.0)
    c.paint("skin", leg, s["skin"] * (1 + 0.1 * c.noise(2)))
    c.paint("subcutaneous_fat", leg + 1.4, _fat(c, s))
    c.paint(None, leg + 1.4 + thickness, 0.5 * (s["tendon"] + s["fat"]), edge=0.6)  # fascia
    c.paint("deep_fat", leg + 2.2 + thickness, _fat(c, s, 0.35), edge=0.6)
    for muscle, tilt in {"quadriceps": 0.12, "hamstring": 0.15, "popliteus": 0, "gastrocnemius": -0.1}.items():
        _muscle(c, s, outlines[muscle], math.pi / 2 + tilt)
    for vessel in outlines["vessels"]:
        _vessel(c, s, **vessel)
    for _ in range(4):  # small vessels in fat, seen end on or for a short way
        x, y, run = c.uniform(38, 52), c.uniform(-75, 75), c.uniform(1, 14)
        _vessel(c, s, [(x, y), (x + 1, y + 0.5 * run), (x, y + run)], [0.6, c.uniform(0.9, 1.8), 0.5])


def _bones(c: Canvas, s: Signals, outlines: dict, bones: dict[str, Tensor], condyle: bool) -> None:
    dark = s["cortex"] * (1 + 0.1 * c.noise(2))
    c.paint(None, c.tube(**outlines["quadriceps_tendon"]), _fibres(c, s["tendon"], 1.4))
    c.labels[c.tube(**outlines["quadriceps_tendon"]) < 0] = STRUCTURES.index("quadriceps_tendon")
    shaft = {"femur": (-c.y - 48) / 22, "tibia": (c.y - 46) / 22}
    for name, distance in bones.items():
        marrow = distance + (0.9 + 3.0 * shaft[name].clamp(0, 1))
        c.paint(f"{name}_cortex", distance, dark)
        c.paint(f"{name}_marrow", marrow, _marrow(c, s), edge=0.8)
        c.paint(None, cut(c.tube(outlines[f"{name}_scar"], 1.1, 1.2), marrow), dark, edge=1.0, opacity=0.55)
    if condyle:
        fibula = c.shape(outlines["fibula"], 0.8)
        c.paint("fibula", fibula, dark)
        c.paint("fibula", fibula + 1.0 + 1.2 * ((c.y - 45) / 15).clamp(0, 1), _marrow(c, s))


def _joint(c: Canvas, s: Signals, outlines: dict, condyle: bool, femur: Tensor, tibia: Tensor) -> None:
    patella = c.shape(outlines["patella"], 0.7)
    hoffa = cut(c.shape(outlines["hoffa"], 0.8), -femur, -tibia)
    c.paint("hoffa_fat_pad", hoffa, _fat(c, s, 0.5) * (1 - 0.3 * c.septa(5, 0.12)), edge=1.0)

    fluid = s["fluid"] * (1 + 0.04 * c.grain)
    amount = c.uniform(0.6, 2.6)
    pools = [c.tube(outlines["bursa"], [1.2, 2.2 * amount, 2.0 * amount, 0.4], 0.7)]
    start, middle, end = outlines["recess"]["width"]
    pools += [c.tube(outlines["recess"]["points"], [start, middle * amount, end]), cut(femur - 3.2, patella - 3.6)]
    if condyle:
        pools.append(cut(femur - 5.5, tibia - 5.5, c.x.abs() - 27))
    for pool in pools:
        c.paint("effusion", cut(pool, -femur, -tibia), fluid, edge=0.8)

    cartilage = s["cartilage"] * (1 + 0.06 * c.grain)
    if condyle:
        front = ((c.y + 28) / 10).clamp(0, 1)
    else:
        front = ((c.y + 30) / 10).clamp(0, 1) * ((-10 - c.x) / 6).clamp(0, 1)
        _cruciates(c, s, outlines, femur, tibia)
    layers = [
        ("femoral", femur, c.uniform(1.9, 2.7) * front),
        ("patellar", patella, c.uniform(2.2, 3.2) * ((c.x + 46) / 4).clamp(0, 1)),
    ]
    if condyle:
        plateau = ((26 - c.x.abs()) / 3).clamp(0, 1) * (c.y < 22)
        layers.append(("tibial", tibia, c.uniform(1.9, 2.6) * plateau))
        for side in (-1, 1):  # the wedge that is left between the two cartilages, cut off towards the middle
            inwards = side * c.x - 12  # from the free edge, where the wedge is thin
            wedge = cut(inwards - 15.5, 2.3 - femur, femur - 9, 2.2 - tibia, tibia - 2.2 - 0.5 * inwards)
            c.paint("meniscus", wedge, s["meniscus"] * (1 + 0.15 * c.noise(2)), edge=0.7)
    for part, bone, thickness in layers:
        others = [-other for other in (femur, tibia, patella) if other is not bone]
        layer = cut(bone - thickness, -bone, *others, 0.05 - thickness)
        c.paint(f"{part}_cartilage", layer, cartilage * (1 + 0.12 * (bone / 2 - 0.5)), edge=0.6)

    c.paint("patellar_tendon", c.tube(**outlines["patellar_tendon"]), _fibres(c, s["tendon"], 1.15))
    c.paint("patella", patella, s["cortex"])
    c.paint("patella", patella + 1.1, _marrow(c, s), edge=0.8)
    # tendon fibres over the kneecap
    c.paint("quadriceps_tendon", cut((patella - 1.2).abs() - 0.8, c.x + 47), s["tendon"])


def _cruciates(c: Canvas, s: Signals, outlines: dict, femur: Tensor, tibia: Tensor) -> None:
    ligaments = {name: cut(c.tube(**outlines[name], jitter=0.6), -femur, -tibia) for name in ("acl", "pcl")}
    for (name, ligament), angle, brightness in zip(ligaments.items(), (1.95, 0.8), (2.0, 1.0), strict=True):
        c.paint(None, ligament - 0.8, 0.5 * (s["fluid"] + s["fat"]), edge=1.2, opacity=0.4)
        c.paint(name, ligament, brightness * _fibres(c, s["ligament"], angle, 0.35), edge=0.8)
