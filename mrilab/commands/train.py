"""`mrilab train NAME`: train a network, stop and resume it, and write its weights with their card."""

import inspect
import json
import os
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from mrilab.commands import app
from mrilab.paths import BUILD, CHECKPOINTS, course_folder

EXAMPLES = """\
Examples:

\b
mrilab train score-t2 --profile smoke
mrilab train modl-heads --start modl-heads --data SCANS --save-as modl-mine
mrilab train score-heads --resume"""


def _read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Make what the file says the defaults of the options, and keep the settings that are no options."""
    if path is not None:
        from mrilab.training.config import read_config

        hints = get_type_hints(train)
        options = {name: hints[name] for name in inspect.signature(train).parameters}
        for name in ("context", "name", "config", "json_"):
            options.pop(name)
        context.default_map, context.obj = read_config(path, options)
    return path


@app.command(epilog=EXAMPLES)
def train(
    context: typer.Context,
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
    data: Annotated[
        Path | None, typer.Option(help="Folder of your own fully sampled scans (*.h5) to learn from.")
    ] = None,
    val: Annotated[
        Path | None, typer.Option(help="Folder of scans for validation [every eighth scan of --data].")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of grey PNG slices to learn from, for infomri-...")
    ] = None,
    precision: Annotated[str, typer.Option(help="32-true, bf16-mixed (some CPUs, too), or auto by device.")] = "auto",
    devices: Annotated[str, typer.Option(help="How many GPUs, or processes on CPUs; auto: every GPU.")] = "auto",
    logger: Annotated[str, typer.Option(help="csv, or tensorboard for both.")] = "csv",
    config: Annotated[
        Path | None,
        typer.Option(
            is_eager=True, callback=_read_config, help="TOML file of these options, and batch, learning_rate, ..."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run [build/training/NAME-PROFILE].")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object: the files and the card.")] = False,
) -> None:
    """Train on every GPU that there is, or on the CPU. Ctrl-C saves, --resume resumes."""
    from mrilab.commands.recon import notes_on_stderr
    from mrilab.errors import UserError
    from mrilab.machine import commit
    from mrilab.training.checkpoints import add_metrics, save_checkpoint, start_from
    from mrilab.training.engine import fit
    from mrilab.training.protocols import Measured, Started
    from mrilab.training.supervised import Supervised
    from mrilab.training.tasks import find_task

    saved = save_as or name
    trainable, chosen = find_task(name, profile)
    if Path(saved).name != saved:
        raise UserError(f"{saved!r} is no name for a checkpoint; give one without a folder, and the folder by --out")
    if steps and minutes:
        asked = {each for each in ("steps", "minutes") if _on_the_command_line(context, each)}
        if len(asked) != 1:
            raise UserError("--steps and --minutes exclude each other; give the one that is to end the run")
        steps, minutes = (steps, None) if asked == {"steps"} else (None, minutes)  # it wins over the file
    steps = steps or chosen.settings.steps
    settings = replace(chosen.settings, precision=precision, steps=steps, minutes=minutes, seed=seed)
    settings = replace(settings, **(context.obj or {}))
    own = _own(name, trainable, data, val, images)
    first = os.environ.get("LOCAL_RANK", os.environ.get("SLURM_PROCID", "0")) == "0"  # of the processes, it speaks
    try:
        with notes_on_stderr() if first else warnings.catch_warnings(action="ignore"):
            task = trainable.build(chosen.side, chosen.width, settings.seed, **own)
    except KeyboardInterrupt:
        print(f"train {name}: stopped before the first step; what is prepared stays, run it again to go on")
        raise typer.Exit(130) from None
    learned_from = _learned_from(trainable.data, task.config.get("own"), images)
    origin, earlier = (None, []) if start is None else start_from(start, task.network)
    if start is not None and isinstance(task, Started):
        task.started()
    task.config["start"] = origin  # so that a run resumes only with the start that its card will name
    if out is None:
        course_folder()  # says so where there is none
        out = BUILD / "training" / f"{name}-{profile}"
    code = commit()  # before hours in which the files may change
    outcome = fit(task, settings, out, resume=resume, devices=devices, logger=logger)
    if not outcome.main:
        return
    if outcome.stopped_by:
        stopped = {"name": saved, "folder": str(out), "steps": outcome.step, "stopped_by": outcome.stopped_by}
        words = f"train {name}: {outcome.stopped_by} after step {outcome.step}; add --resume to go on"
        print(json.dumps(stopped) if json_ else words)
        raise typer.Exit(130 if outcome.stopped_by == "SIGINT" else 143)
    metrics = {"validation_loss": outcome.validation_loss}
    if isinstance(task, Measured):
        metrics |= task.measure(outcome.network)
    facts = {
        "data": learned_from,
        "start": origin,
        "earlier": earlier,
        "profile": profile,
        "seeds": {"weights, data and noise": settings.seed},
        "steps": outcome.step,
        "batch": settings.batch,
        "settings": asdict(settings),
        "precision": outcome.precision,
        "task": task.config,
        "devices": outcome.devices,
        "minutes": round(outcome.seconds / 60, 2),
        "budget_minutes": minutes,
        "metrics": metrics,
    }
    card = save_checkpoint(saved, outcome.network, facts, out, code)
    lines: list[str] = []
    if isinstance(task, Supervised) and trainable.own == "scans" and profile != "smoke":
        from mrilab.evaluation.networks import measure_network, validation_sets

        with notes_on_stderr():
            measured = measure_network(task, outcome.network, {**validation_sets(), **task.own_scans()})
        add_metrics(saved, measured, out)
        lines = [f"train {name}: {key}: {value:.2f} dB" for key, value in measured.items()]
    if json_:
        files = {"folder": str(out), "card_file": str(card), "weights": str(card.with_suffix(".safetensors"))}
        print(json.dumps({"name": saved, **files, "stopped_by": None, "card": json.loads(card.read_text("utf-8"))}))
        return
    print(f"train {name}: {outcome.step} steps, validation loss {outcome.validation_loss:.4f}; weights beside {card}")
    for each in lines:
        print(each)
    print(f"train {name}: to use them by name, copy {saved}.safetensors and {saved}.json to {CHECKPOINTS}")


def _on_the_command_line(context: typer.Context, option: str) -> bool:
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


def _own(name: str, trainable: Any, data: Path | None, val: Path | None, images: Path | None) -> dict[str, Any]:
    """Return what of the user's own the task is to be built with.

    Raises:
        UserError: the task cannot learn from that, or options that contradict each other.
    """
    from mrilab.data.pictures import read_pictures
    from mrilab.errors import UserError
    from mrilab.training.own import OwnFolders
    from mrilab.training.tasks import tasks

    if val is not None and data is None:
        raise UserError("--val needs --data, the folder of scans to learn from")
    if images is not None:
        if trainable.own != "pictures":
            raise UserError(f"{name} does not learn from magnitude images; leave out --images")
        return {"images": read_pictures(images)}
    if data is None:
        return {}
    if trainable.own != "scans":
        others = ", ".join(key for key, other in tasks().items() if other.own == "scans")
        raise UserError(f"{name} does not learn from scans of your own; leave out --data, or train one of {others}")
    return {"own": OwnFolders(data, val)}


def _learned_from(simulated: str, own: dict[str, Any] | None, images: Path | None) -> str:
    """Return what the network learns from, for its card. Of the user's files only a folder is named."""
    if images is not None:
        return f"PNG files of the folder {images.resolve().name}"
    if own is None:
        return simulated
    learned, held_out = (
        f"{own['scans'][split]} scan{'s' if own['scans'][split] > 1 else ''}, "
        f"{own['slices'][split]} slice{'s' if own['slices'][split] > 1 else ''}"
        for split in ("train", "val")
    )
    coils = "-".join(str(n) for n in sorted({own["coils"][0], own["coils"][-1]}))
    said = f"own scans of the folder {own['folder']}: {learned}, {', '.join(own['shapes'])}, {coils} coils"
    return f"{said}; held out: {own['held_out']}, {held_out}"
