"""The widgets of lessons 0 and 1: sliders in front of the functions in `mrilab.classical.views`."""

import ipywidgets as w

from mrilab.classical.views import (
    PRESETS,
    SEQUENCES,
    SIDE,
    Stroke,
    contrast_view,
    demonstration_head,
    explorer_view,
    paint,
    painter_view,
    preset_mask,
)
from mrilab.teach.figures import View
from mrilab.teach.widgets import Live


def contrast_widget() -> w.Widget:
    """Return sliders for TR, TE and TI of a spin echo or an inversion recovery, and the head that they give."""
    _, shares = demonstration_head()
    controls = {
        "sequence": w.Dropdown(options=SEQUENCES, description="Sequence"),
        "tr": w.FloatLogSlider(5000, min=2, max=4, step=0.02, description="TR (ms)", readout_format=".0f"),
        "te": w.IntSlider(95, min=5, max=300, step=5, description="TE (ms)"),
        "ti": w.IntSlider(2430, min=50, max=5000, step=10, description="TI (ms)"),
    }
    return Live(controls, lambda **values: contrast_view(shares, **values))


def painter_widget() -> w.Widget:
    """Return the k-space painter: choose or paint what is sampled, see the image and the point-spread function."""
    image, _ = demonstration_head()
    half = SIDE // 2
    strokes: list[Stroke] = []
    preset = {
        "preset": w.Dropdown(options=tuple(PRESETS), value="every R-th line + centre", description="Start from"),
        "acceleration": w.IntSlider(4, min=1, max=12, description="R"),
        "seed": w.IntSlider(0, min=0, max=20, description="Seed"),
    }
    brush = {
        "ky": w.IntSlider(0, min=-half, max=half - 1, description="Brush ky"),
        "kx": w.IntSlider(0, min=-half, max=half - 1, description="Brush kx"),
        "radius": w.IntSlider(8, min=1, max=half, description="Radius"),
    }
    buttons = {text: w.Button(description=text) for text in ("Sample disc", "Erase disc", "Undo", "Clear strokes")}

    def view(preset: str, acceleration: int, seed: int) -> View:
        return painter_view(image, paint(preset_mask(preset, (SIDE, SIDE), acceleration, seed), strokes))

    box = Live(preset, view)

    def act(button: w.Button) -> None:
        if button.description in ("Sample disc", "Erase disc"):
            place = {name: slider.value for name, slider in brush.items()}
            strokes.append(Stroke(**place, sampled=button.description == "Sample disc"))
        else:
            del strokes[-1 if button.description == "Undo" else 0 :]
        box.refresh()

    for button in buttons.values():
        button.on_click(act)
    box.children = (*box.children, w.HBox(list(brush.values())), w.HBox(list(buttons.values())))
    return box


def explorer_widget() -> w.Widget:
    """Return sliders for acceleration, number of coils and noise of a SENSE scan, with image, error and g-factor."""
    image, _ = demonstration_head()
    controls = {
        "acceleration": w.IntSlider(3, min=1, max=6, description="R"),
        "n_coils": w.IntSlider(8, min=2, max=16, description="Coils"),
        "noise_std": w.FloatSlider(0.02, min=0, max=0.1, step=0.005, description="Noise", readout_format=".3f"),
        "use_support": w.Checkbox(True, description="Air is known to be empty", indent=False),
    }
    return Live(controls, lambda **values: explorer_view(image, **values))
