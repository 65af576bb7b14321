"""The command line: tensorprog-mf run | info | plot | compare.

Each command imports what it needs when it is called.
"""

import argparse
import importlib
import os
import sys

_COMMANDS = {
    "run": "run what a TOML file describes and write a netCDF file",
    "info": "tell how a result was made and what is in it",
    "plot": "draw a result",
    "compare": "tell how far results lie from the first one",
}


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code: 2 for input that cannot be used, 130 for a run that Ctrl-C or
    SIGTERM has ended."""
    given = _parser().parse_args(arguments)
    from ..ground.errors import Interrupted, TensorProgError

    try:
        code = importlib.import_module(f".{given.command}", __name__).main(given)
        sys.stdout.flush()
        return code
    except TensorProgError as error:
        print(f"tensorprog-mf {given.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        said = stop if isinstance(stop, Interrupted) else "interrupted before there was anything to keep."
        print(f"tensorprog-mf {given.command}: {said}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tensorprog-mf", description="Infinitely wide neural networks that learn features."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add(commands, "run", ["config", "CONFIG.toml"], "the file to write, OUT.nc", required=True)
    _add(commands, "info", ["result", "RESULT.nc"])
    _add(
        commands,
        "plot",
        ["result", "RESULT.nc"],
        "the figure to write; the ending says the format (default: RESULT.png)",
    )
    _add(
        commands,
        "compare",
        ["results", "RESULT.nc"],
        "the file to write: distances as OUT.nc, or a figure",
        several=True,
    )
    commands.choices["plot"].add_argument(
        "-g", "--group", metavar="NAME", help="which result of a file that holds several"
    )
    commands.choices["run"].add_argument(
        "-e", "--exact", action="store_true", help="keep every bit of fields and kernels"
    )
    commands.choices["run"].add_argument("-q", "--quiet", action="store_true", help="no progress")
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    positional: list[str],
    output: str | None = None,
    required: bool = False,
    several: bool = False,
) -> None:
    command = commands.add_parser(name, help=_COMMANDS[name], description=_COMMANDS[name].capitalize() + ".")
    command.add_argument(positional[0], metavar=positional[1], nargs="+" if several else None)
    if output:
        command.add_argument("-o", "--output", metavar="FILE", required=required, help=output)


if __name__ == "__main__":
    sys.exit(main())
