"""An axial abdomen phantom at the height of the kidneys: drawn, not scanned; the patient's right on the left.

T2 weighted at 3 T. Outlines and tissues are in `abdomen.toml`.
"""

import math
import tomllib
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from mrilab.anatomy.drawing import Canvas, Signals, cut, spline, tissue_signals

TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
STRUCTURES: list[str] = TABLES["structures"]
OUTLINES = TABLES["outlines"]
FOV = 360.0  # side of the square field of view in mm


def abdomen_phantom(shape: tuple[int, int], generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Draw a random axial abdomen over 360 x 360 mm: image complex64 (H, W) and labels int64 (H, W), see STRUCTURES.

    The same seed draws the same abdomen on every grid.
    """
    c = Canvas(shape, FOV, generator, STRUCTURES)
    c.uniform(0, 1)  # not used, but the scans depend on the order of draws
    s = tissue_signals(TABLES["tissues"], c.uniform(3000, 6000), c.uniform(70, 95), generator)
    down = c.y.clone()  # gravity pulls on contents in the scanner's frame
    c.place(c.uniform(-0.06, 0.06), (c.uniform(0.9, 1.06), c.uniform(0.88, 1.1)), (c.uniform(-6, 6), c.uniform(-6, 6)))
    c.deform((3.5, 90), (1.5, 32), (0.4, 10))

    cavity = _wall(c, s)
    _liver(c, s, cavity)
    _hollow_organs(c, s, cavity, down)
    _spine(c, s)
    for side in (-1, 1):
        _kidney(c, s, side)
    _great_vessels(c, s)
    return c.image(phase=1.2), c.labels


def _fat(c: Canvas, s: Signals, strength: float = 0.2) -> Tensor:
    lobules = strength * (c.septa(16, 0.1) + 0.7 * c.septa(8, 0.13))
    return s["fat"] * (1 + 0.07 * c.fractal(20, 4) - lobules).clamp(min=0.2)


def _muscle(c: Canvas, s: Signals, distance: Tensor, fat: float = 1.0) -> None:
    streaks = ((c.grain - 1.2) / 0.8).clamp(0, 1) * 0.6 * fat
    belly = s["muscle"] * (1 + 0.12 * c.grain) * (1 - streaks) + streaks * s["fat"]
    c.paint("muscle", distance, belly, edge=1.6)


def _wall(c: Canvas, s: Signals) -> Tensor:
    """Paint skin, fat, the layered muscles of the wall, ribs and the fat inside. Return the cavity."""
    body = c.shape(OUTLINES["body"], 1.2)
    fat = c.uniform(7, 20) * (1 + 0.25 * c.noise(90) + 0.35 * (c.y / 100).clamp(-1, 1)).clamp(0.4, 2)
    c.paint("skin", body, s["skin"], edge=1.2)
    c.paint("subcutaneous_fat", body + 2.0, _fat(c, s), edge=1.2)
    inner = body + 2.0 + fat
    lateral = (c.x.abs() / 110).clamp(0, 1)
    wall = (4 + 9 * lateral) * c.uniform(0.8, 1.15)
    _muscle(c, s, inner)
    for part in (0.36, 0.68):  # fat planes between external oblique, internal oblique and transversus
        plane = cut((inner + part * wall).abs() - 0.5, 60 - c.x.abs())
        c.paint(None, plane, 0.6 * s["fat"], edge=1.6, opacity=0.7)
    cavity = inner + wall
    c.paint("visceral_fat", cavity, _fat(c, s, 0.45), edge=1.6)
    for side in (-1, 1):
        rectus = c.ellipse(side * 29, -84 + 0.9 * c.uniform(8, 14), c.uniform(22, 27), c.uniform(4.5, 6), side * 0.16)
        _muscle(c, s, cut(rectus, inner))
        ring = spline(OUTLINES["body"]) * 0.86
        for t in (0.16, 0.24, 0.31, 0.38):
            x, y = ring[int((t + c.uniform(-0.02, 0.02)) * len(ring)) * side % len(ring)].tolist()
            _bone(c, s, "rib", c.ellipse(x, y, c.uniform(5, 9), 3.6, math.atan2(y, x) + 1.5, 0.4), 1.3)
    return cavity


def _bone(c: Canvas, s: Signals, label: str, distance: Tensor, cortex: float) -> None:
    c.paint(label, distance, s["bone"], edge=1.2)
    c.paint(label, distance + cortex, s["marrow"] * (1 + 0.15 * c.grain), edge=1.4)


def _spine(c: Canvas, s: Signals) -> None:
    for side in (-1, 1):
        _muscle(c, s, c.ellipse(side * 36, 82, 27, 15, side * -0.12, 1.2), 2.0)  # erector spinae
        _muscle(c, s, c.ellipse(side * 13, 83, 10, 13, 0, 0.8), 2.5)  # multifidus
        _muscle(c, s, c.ellipse(side * 68, 66, 20, 8, side * -0.5, 1.0))  # quadratus lumborum
        _muscle(c, s, c.ellipse(side * 36, 47, c.uniform(10, 14), 17, side * 0.25, 1.0))  # psoas
        _bone(c, s, "vertebra", c.tube([(side * 18, 58), (side * 34, 63), (side * 48, 66)], [8, 6, 4], 1), 1.0)
        _bone(c, s, "vertebra", c.tube([(side * 17, 56), (side * 15, 68), (0, 80)], [8, 9, 8], 0.6), 1.3)
    _bone(c, s, "vertebra", c.tube([(0, 78), (0, 97)], [6, 8]), 1.2)
    _bone(c, s, "vertebra", c.shape(OUTLINES["vertebra"], 0.7), 1.2)
    c.paint(None, c.tube([(0, 46), (0, 56)], [1.5, 4]), 0.5 * s["csf"], edge=2.0, opacity=0.6)  # basivertebral vein
    canal = c.ellipse(0, 65, 11.5, 9, 0, 0.4)
    c.paint("vertebra", canal - 1.2, s["bone"], edge=1.2)
    c.paint("spinal_canal", canal, 0.7 * s["fat"], edge=1.2)
    c.paint("spinal_canal", canal + 1.6, s["csf"], edge=1.2)
    for _ in range(14):  # the nerve roots of the cauda equina sink to the back
        x, y = c.uniform(-6.5, 6.5), c.uniform(64.5, 70)
        c.paint("spinal_canal", c.ellipse(x, y, 0.9, 0.9), s["nerve"], edge=1.2, opacity=0.85)


def _branches(
    c: Canvas, start: tuple[float, float], angle: float, length: float, width: float, depth: int = 3
) -> Iterator[tuple[list[tuple[float, float]], list[float]]]:
    """Yield path and widths of the gently bent, tapering branches of a vessel tree."""
    bend, (x, y) = c.uniform(-0.35, 0.35), start
    turned = [(t * length, angle + t * bend) for t in (0.0, 0.5, 1.0)]
    path = [(x + r * math.cos(phi), y + r * math.sin(phi)) for r, phi in turned]
    yield path, [width, 0.85 * width, 0.7 * width]
    if depth:
        for turn in (c.uniform(0.3, 0.8), -c.uniform(0.3, 0.8)):
            shorter = length * c.uniform(0.6, 0.85)
            yield from _branches(c, path[-1], angle + bend + turn, shorter, 0.68 * width, depth - 1)


def _liver(c: Canvas, s: Signals, cavity: Tensor) -> None:
    liver = cut(c.shape(OUTLINES["liver"], 2.5), cavity + c.uniform(1.5, 4))
    parenchyma = s["liver"] * (1 + 0.06 * c.fractal(5, 3) + 0.05 * c.noise(50))
    c.paint("liver", liver, parenchyma, edge=1.8)
    bright = s["liver"] + c.uniform(0.3, 1.0) * (s["slow_blood"] - s["liver"])
    for start, angle, length, width in TABLES["trees"]:
        for path, widths in _branches(c, start, angle + c.uniform(-0.4, 0.4), length, width):
            c.paint("hepatic_vessel", cut(c.tube(path, widths), liver + 2.5), bright, edge=1.6, opacity=0.9)
    a, b = c.uniform(9, 14), c.uniform(15, 22)
    bladder = c.ellipse(-48 + c.uniform(-6, 6), -32, a, b, c.uniform(-0.2, 0.5), 0.8)
    sludge = 1 - c.uniform(0, 0.4) * ((c.y + 34) / 8).clamp(0, 1)
    c.paint("gallbladder", bladder - 1.3, s["bowel"], edge=1.4)
    c.paint("gallbladder", bladder, s["bile"] * sludge, edge=1.4)

    spleen = cut(c.shape(OUTLINES["spleen"], 2.0), cavity + 2.5)
    c.paint("spleen", spleen, s["spleen"] * (1 + 0.05 * c.fractal(5, 3)), edge=1.8)


def _loop(c: Canvas, s: Signals, outer: Tensor, wall: float, content: Tensor) -> None:
    c.paint(None, outer - 0.8, s["fat"], edge=1.6, opacity=0.8)  # loops keep a film of fat between them
    c.paint("bowel", outer, s["bowel"] * (1 + 0.1 * c.grain), edge=1.4)
    c.paint("bowel_content", outer + wall, content, edge=1.4)


def _hollow_organs(c: Canvas, s: Signals, cavity: Tensor, down: Tensor) -> None:
    folds = 1 - 0.35 * ((c.noise(5, 2.5) - 0.4) / 0.6).clamp(0, 1)  # valvulae dip into the content
    for _ in range(int(c.uniform(9, 15))):  # jejunum, in the left flank and across the front
        x, y = c.uniform(24, 112), c.uniform(-30, 30)
        outer = cut(c.ellipse(x, y, c.uniform(9, 14), c.uniform(8, 11), c.uniform(0, 3.1), 1.2), cavity + 2)
        fill = c.uniform(0.25, 1.0)
        _loop(c, s, outer, 2.0, (fill * s["juice"] + (1 - fill) * s["stool"]) * folds)
    for x, y in ((118, 48), (-10, -78), (18, -84), (-118, 50)):  # colon: down, across, and the right flexure
        outer = c.ellipse(x + c.uniform(-6, 6), y + c.uniform(-4, 4), c.uniform(12, 17), c.uniform(11, 14), 0, 1.8)
        outer = cut(outer, cavity + 2)
        middle = down[outer < -1].mean() if (outer < -1).any() else 0.0
        level = ((down - middle - c.uniform(-9, 7)) / 1.5).clamp(0, 1)  # gas floats on top
        content = s["stool"] * (1 + 0.3 * c.grain).clamp(min=0.2) * c.uniform(0.8, 2.0)
        _loop(c, s, outer, 1.8, s["gas"] + level * (content - s["gas"]))

    lobes = 1.6 * c.noise(7)
    for path, widths in ((TABLES["pancreas"], [19, 16, 13, 14, 15, 10]), ([(-30, 0), (-28, 14)], [20, 12])):
        gland = c.tube(path, widths, 1.5) + lobes
        c.paint("pancreas", gland, s["pancreas"] * (1 + 0.1 * c.fractal(4)), edge=2.0)
    c.paint(None, c.tube(TABLES["pancreas"][1:], 2.0, 0.6), s["juice"], edge=1.6, opacity=0.5)  # its duct
    c.paint("vessel", c.tube([(-8, -2), (20, 0), (60, 12), (100, 16)], 6, 1.5), s["blood"], edge=1.6)
    _loop(c, s, c.ellipse(-48, 8, 11, 13, 0, 1.2), 2.0, s["juice"] * c.uniform(0.4, 1.0) * folds)  # duodenum

    stomach = cut(c.shape(OUTLINES["stomach"], 3.0), cavity + 3)
    inside = stomach + 3.0 + 1.5 * c.noise(7).clamp(min=0)  # its folds
    top = down[inside < 0].amin() if (inside < 0).any() else 0.0
    level = ((down - top - c.uniform(4, 26)) / 1.5).clamp(0, 1)
    meal = s["juice"] * (0.9 + 0.06 * c.noise(30) - c.uniform(0, 0.6)).clamp(min=0.15)
    _loop(c, s, stomach, 0.0, s["bowel"] * (1 + 0.08 * c.noise(4)))
    c.labels[stomach < 0] = STRUCTURES.index("stomach")
    c.paint("stomach_content", inside, s["gas"] + level * (meal - s["gas"]), edge=1.6)


def _kidney(c: Canvas, s: Signals, side: int) -> None:
    """Paint cortex, pyramids in a ring, a fatty sinus that opens towards the middle, and urine in the pelvis."""
    x, y = side * 79 + c.uniform(-4, 4), 38 + c.uniform(-6, 6)
    a, b, tilt = c.uniform(22, 27), c.uniform(28, 34), side * c.uniform(0.15, 0.45)
    kidney = c.ellipse(x, y, a, b, tilt, 0.8)
    c.paint("visceral_fat", kidney - 5, _fat(c, s, 0.45), edge=2.5)  # perirenal fat
    c.paint("kidney_cortex", kidney, s["cortex"] * (1 + 0.05 * c.fractal(4)), edge=1.6)
    for k in range(8):
        t = 2 * math.pi * k / 8 + c.uniform(-0.25, 0.25)
        depth = c.uniform(0.58, 0.68)
        u, v = depth * a * math.cos(t), depth * b * math.sin(t)
        px, py = x + u * math.cos(tilt) - v * math.sin(tilt), y + u * math.sin(tilt) + v * math.cos(tilt)
        pyramid = c.ellipse(px, py, c.uniform(4.5, 8), c.uniform(3.2, 6.0), t + tilt, 0.9)
        c.paint("kidney_medulla", pyramid, s["medulla"] * (1 + 0.05 * c.grain), edge=2.5, opacity=0.8)
    hilum = [(x - side * 0.1 * a, y), (x - side * 0.6 * a, y + 1), (x - side * 1.25 * a, y - 3)]
    sinus = c.ellipse(x - side * 0.1 * a, y, 0.42 * a, 0.5 * b, tilt, 1.5)
    c.paint("visceral_fat", torch.minimum(sinus, c.tube(hilum, [12, 11, 16], 1.0)), _fat(c, s), edge=2.2)
    c.paint("vessel", c.tube([hilum[1], hilum[2], (side * 22, 18)], [4, 5, 6], 1.5), s["blood"], edge=1.6)
    calyx = [(x + side * 2, y - 6), (x - side * 4, y + 2), (x - side * 0.95 * a, y + 5)]
    c.paint("renal_pelvis", c.tube(calyx, [2, c.uniform(2.5, 6), 3], 1.2), s["urine"], edge=1.6)


def _great_vessels(c: Canvas, s: Signals) -> None:
    for side in (-1, 1):  # crura of the diaphragm
        _muscle(c, s, c.tube([(side * 6, 6), (side * 14, 16), (side * 16, 30)], [4, 5, 3], 1.0))
    vessels = [("aorta", 9 + c.uniform(-3, 4), 10, c.uniform(8, 11), 1.0), ("vessel", 8, -6, 3.6, 1.0),
               ("vena_cava", -21, 13, c.uniform(8, 13), 0.75), ("vessel", -6, -8, 5.0, 1.0)]  # fmt: skip
    for label, x, y, radius, flat in vessels:
        lumen = c.ellipse(x, y, radius, flat * radius, c.uniform(-0.2, 0.2), 0.3)
        flow = s["blood"] * c.uniform(0.3, 1.5) * (2.0 if label == "vena_cava" else 1.0)
        c.paint(None, lumen - 2.0, s["fat"], edge=2.0, opacity=0.6)
        c.paint(label, lumen - 1.0, s["muscle"], edge=1.2)
        c.paint(label, lumen, flow * (1 + 0.1 * c.grain), edge=1.4)
    in_fat = c.labels == STRUCTURES.index("visceral_fat")
    for _ in range(16):  # mesenteric branches, cut across
        dot = c.ellipse(c.uniform(-15, 105), c.uniform(-45, 32), c.uniform(1.0, 2.2), c.uniform(1.0, 2.2))
        c.paint("vessel", torch.where(in_fat, dot, 12.0), s["blood"], edge=1.4)
