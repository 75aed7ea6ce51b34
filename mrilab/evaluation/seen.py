"""Has a network seen scans like this one? What its card says of its training, held against what was measured."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

FARTHER = 1.5  # factor by which acceleration, coils or size may leave what training had


def unlike_training(
    task: Mapping[str, Any], mask: Tensor, acceleration: float, shape: tuple[int, int, int]
) -> list[str]:
    """Return in words what of a measurement is unlike the training that a card describes, if anything.

    Args:
        task: the card's `task`. Keys that are missing are not compared.
        mask: bool (1, W), (H, 1) or (H, W), as it was used.
        acceleration: the effective one.
        shape: (coil, H, W).
    """
    unlike = []
    lines = "vertical" if mask.shape[0] == 1 else "horizontal" if mask.shape[1] == 1 else "points"
    trained = _lines_of(task)
    if trained and lines not in trained and acceleration > 1:
        unlike.append(f"{lines if lines == 'points' else lines + ' lines'} (trained: {', '.join(trained)})")
    accelerations = task.get("accelerations") or task.get("acceleration")
    if accelerations and acceleration > FARTHER * max(accelerations):
        unlike.append(f"acceleration {acceleration:.1f} (trained: up to {max(accelerations):g})")
    coils = task.get("coils")
    most = max(coils) if isinstance(coils, list) else coils
    if most and shape[0] > 2 * FARTHER * most:
        unlike.append(f"{shape[0]} coils (trained: {most})")
    side = task.get("side")
    if side and not side / (2 * FARTHER) <= min(shape[1:]) <= max(shape[1:]) <= 2 * FARTHER * side:
        unlike.append(f"{shape[1]} x {shape[2]} points (trained: {side} x {side})")
    return unlike


def _lines_of(task: Mapping[str, Any]) -> list[str]:
    """Return the kinds of masks that training had: vertical, horizontal, points; nothing where no card tells."""
    if "sampling" in task:
        return ["vertical", "horizontal", "points"]
    if "mask" not in task:
        return []
    return ["points"] if task["mask"] == "poisson" else [task.get("direction", "vertical")]
