"""`mrilab train NAME`: train a network, stop and resume it, and write its weights with their card."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mrilab.commands import app
from mrilab.paths import BUILD, CHECKPOINTS, course_folder

EXAMPLES = """\
Examples:

\b
mrilab train score-t2 --profile smoke
mrilab train modl-knee --start modl-t2 --save-as modl-mine --minutes 90
mrilab train score-heads --resume"""


@app.command(epilog=EXAMPLES)
def train(
    name: Annotated[str, typer.Argument(help="score-t2, modl-heads, ...; a wrong one gets the list.")],
    profile: Annotated[str, typer.Option(help="smoke (seconds), teach (two cores) or full (GPUs).")] = "teach",
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume the run in the folder where it was stopped.")
    ] = False,
    steps: Annotated[int | None, typer.Option(min=1, help="Instead of the profile's number of steps.")] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="Train for so long, whatever steps that makes.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="Checkpoint whose weights to start from.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, data and noise; another one sees other heads.")] = 0,
    save_as: Annotated[str | None, typer.Option(help="Name of the checkpoint, where it is not to be NAME.")] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of grey PNG slices to learn from, for infomri-...")
    ] = None,
    precision: Annotated[str, typer.Option(help="32-true, bf16-mixed (some CPUs, too), or auto by device.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Folder of the run [build/training/NAME-PROFILE].")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object: the files and the card.")] = False,
) -> None:
    """Train on every device that there is. Ctrl-C saves, --resume resumes. Several: torchrun -m -- mrilab train ..."""
    from mrilab.data.pictures import read_pictures
    from mrilab.errors import UserError
    from mrilab.machine import commit
    from mrilab.training.checkpoints import save_checkpoint, start_from
    from mrilab.training.engine import fit
    from mrilab.training.protocols import Measured, Started
    from mrilab.training.tasks import find_task

    saved = save_as or name
    trainable, chosen = find_task(name, profile)
    if Path(saved).name != saved:
        raise UserError(f"{saved!r} is no name for a checkpoint; give one without a folder, and the folder by --out")
    if steps and minutes:
        raise UserError("--steps and --minutes exclude each other; give the one that is to end the run")
    steps = steps or chosen.settings.steps
    settings = replace(chosen.settings, precision=precision, steps=steps, minutes=minutes, seed=seed)
    own, data = {}, trainable.data
    if images is not None:
        if not trainable.pictures:
            raise UserError(f"{name} does not learn from magnitude images; leave out --images")
        own, data = {"images": read_pictures(images)}, f"PNG files of the folder {images.resolve().name}"
    task = trainable.build(chosen.side, chosen.width, settings.seed, **own)
    origin, earlier = (None, []) if start is None else start_from(start, task.network)
    if start is not None and isinstance(task, Started):
        task.started()
    task.config["start"] = origin  # so that a run resumes only with the start that its card will name
    if out is None:
        course_folder()  # says so where there is none
        out = BUILD / "training" / f"{name}-{profile}"
    code = commit()  # before hours in which the files may change
    outcome = fit(task, settings, out, resume=resume)
    if outcome.stopped_by:
        if outcome.main and json_:
            print(
                json.dumps({"name": saved, "folder": str(out), "steps": outcome.step, "stopped_by": outcome.stopped_by})
            )
        elif outcome.main:
            print(f"train {name}: {outcome.stopped_by} after step {outcome.step}; add --resume to go on")
        raise typer.Exit(130 if outcome.stopped_by == "SIGINT" else 143)
    if not outcome.main:
        return
    metrics = {"validation_loss": outcome.validation_loss}
    if isinstance(task, Measured):
        metrics |= task.measure(outcome.network)
    facts = {
        "data": data,
        "start": origin,
        "earlier": earlier,
        "profile": profile,
        "seeds": {"weights, data and noise": settings.seed},
        "steps": outcome.step,
        "batch": settings.batch,
        "precision": outcome.precision,
        "task": task.config,
        "devices": outcome.devices,
        "minutes": round(outcome.seconds / 60, 2),
        "budget_minutes": minutes,
        "metrics": metrics,
    }
    card = save_checkpoint(saved, outcome.network, facts, out, code)
    if json_:
        files = {"folder": str(out), "card_file": str(card), "weights": str(card.with_suffix(".safetensors"))}
        print(json.dumps({"name": saved, **files, "stopped_by": None, "card": json.loads(card.read_text("utf-8"))}))
        return
    print(f"train {name}: {outcome.step} steps, validation loss {outcome.validation_loss:.4f}; weights beside {card}")
    print(f"train {name}: to use them by name, copy {saved}.safetensors and {saved}.json to {CHECKPOINTS}")
