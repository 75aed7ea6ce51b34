"""The command line. Each module adds its commands with `@app.command()` and is found by `mrilab.cli`."""

import typer

app = typer.Typer(
    name="mrilab",
    help="A course on accelerated MRI reconstruction that you can run, and the toolbox behind it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text: errors that read as sentences, also where they are piped or logged
    add_completion=False,
)
