"""`mrilab checkpoints`: measure the trained networks that the course brings along, and write their table."""

from typing import Annotated

import typer

from mrilab.commands import app

group = typer.Typer(help="The trained networks that the course brings along.", no_args_is_help=True)
app.add_typer(group, name="checkpoints")


@group.command()
def measure(
    names: Annotated[list[str] | None, typer.Argument(help="Checkpoints; all that unroll if none is named.")] = None,
) -> None:
    """Put the PSNR on validation scans beside L1-wavelet's into the cards (R = 4). The weights stay as they are."""
    from mrilab.commands.recon import notes_on_stderr
    from mrilab.errors import UserError
    from mrilab.evaluation.networks import measure_network, validation_sets
    from mrilab.training.checkpoints import add_metrics, checkpoint_names, load_checkpoint
    from mrilab.training.supervised import Supervised
    from mrilab.training.tasks import find_task

    for name in names or checkpoint_names():
        network, card = load_checkpoint(name)
        (seed,) = card["seeds"].values()
        trainable, _ = find_task(card["task"]["name"], "teach")
        # of another kind, or of a single coil: told before its data are drawn
        unrolls = trainable.own == "scans" and card["network"]["kind"] != "denoiser"
        task = trainable.build(card["task"]["side"], 8, seed) if unrolls else None
        if not isinstance(task, Supervised):
            if names:
                raise UserError(
                    f"{name} is no network for scans of several coils; name others, or none for all of them"
                )
            continue
        with notes_on_stderr():
            metrics = measure_network(task, network, validation_sets())
        add_metrics(name, metrics)
        print(f"{name}: " + ", ".join(f"{key} {value:.2f} dB" for key, value in metrics.items()))


@group.command()
def table() -> None:
    """Write the table of data/README.md from the cards."""
    from mrilab.course.networks import README, write_table
    from mrilab.paths import course_folder

    course_folder()  # says so where there is none
    write_table()
    print(f"checkpoints: wrote the table in {README}")
