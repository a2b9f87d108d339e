"""The command's door: arguments in, an exit code out, and a sentence instead of a traceback."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, ParamSpec

import typer

from pipeline.errors import EnvironmentFault, QunyanError
from pipeline.folder import of_the_machine
from pipeline.terminal import choose_language, say, show, tell

BUG, USAGE, REJECTED, REFUSED, ENVIRONMENT, INTERRUPTED, TERMINATED = 1, 2, 3, 4, 5, 130, 143

Arguments = ParamSpec("Arguments")
_UsageError: Any = typer.BadParameter.__base__  # some releases of typer carry a click of their own
_MISUSES = {
    "MissingParameter": "缺少 {name}。",
    "NoSuchOption": "没有 {name} 这个选项。",
    "BadParameter": "{name} 的值不对：{why}",
}


def run_app(app: typer.Typer, examples: Mapping[str, Sequence[str]], arguments: Sequence[str]) -> NoReturn:
    """Run the command in the user's language, and leave with its exit code.

    Parameters
    ----------
    app : typer.Typer
        The commands; their help is Chinese, as `pipeline.english` has it.
    examples : mapping of str to sequence of str
        For each command's name, and `""` for the whole, lines to copy.
    arguments : sequence of str
        What was typed behind the command's name.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    rest = choose_language(arguments, os.environ)
    command = typer.main.get_command(app)
    _translate(command, "", examples)
    try:
        code = command(rest, prog_name="qunyan", standalone_mode=False)
    except _UsageError as error:
        code = _misused(error)
    raise SystemExit(code)


def _misused(error: Any) -> int:
    """Say what is wrong with the arguments."""
    kind = type(error).__name__
    if kind == "NoArgsIsHelpError":
        show(error.ctx.get_help())
        return USAGE
    parameter = getattr(error, "param", None)
    name = _named(parameter) if parameter else getattr(error, "option_name", "")
    tell(say(_MISUSES.get(kind, "命令写得不对：{why}"), name=name, why=error.message))
    tell(say("用 {command} --help 看说明和例子。", command=error.ctx.command_path if error.ctx else "qunyan"))
    return USAGE


def _named(parameter: Any) -> str:
    """Return an option as it is typed, an argument as the help calls it."""
    return "/".join(parameter.opts) if parameter.opts[0].startswith("-") else parameter.metavar


def _translate(command: Any, name: str, examples: Mapping[str, Sequence[str]]) -> None:
    """Give a command its help in the user's language, with its examples."""
    lines = "\n".join(f"  {example}" for example in examples[name])
    command.help = f"{say(command.help)}\n\n\b\n{say('例如：')}\n{lines}"
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = say(parameter.help)
    if help_option := command.get_help_option(typer.Context(command)):
        help_option.help = say("显示这段说明。")
    for child_name, child in getattr(command, "commands", {}).items():
        child.short_help = say(child.help)
        _translate(child, child_name, examples)


def honest(body: Callable[Arguments, int | None]) -> Callable[Arguments, None]:
    """Make what goes wrong in a command a sentence and an exit code."""

    @functools.wraps(body)
    def command(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        _on_termination()
        try:
            code = body(*args, **kwargs) or 0
        except QunyanError as error:
            code = _failed(error, error.exit_code)
        except KeyboardInterrupt:
            tell(say("已中断。再运行同一条命令会接着做。"))
            code = INTERRUPTED
        except BrokenPipeError:
            code = _pipe_closed()
        except MemoryError:
            code = _failed(EnvironmentFault("内存不够：请关掉别的程序，或把输入分成几批。"), ENVIRONMENT)
        except OSError as error:
            fault = of_the_machine(error)
            code = _failed(fault, ENVIRONMENT) if fault else _bug(error)
        except Exception as error:  # noqa: BLE001 -- a bug of ours is told in a sentence
            code = _bug(error)
        raise typer.Exit(code)

    return command


def _failed(error: Exception, code: int) -> int:
    tell(say("出错：{error}", error=error))
    return code


def _bug(error: Exception) -> int:
    if os.environ.get("QUNYAN_DEBUG"):
        raise error
    sentence = "程序内部出错（{kind}：{error}）。这是软件的缺陷，请告诉我们；设环境变量 QUNYAN_DEBUG=1 再运行可看详情。"
    tell(say(sentence, kind=type(error).__name__, error=str(error)[:300]))
    return BUG


def _pipe_closed() -> int:
    """Whoever read our output has stopped (`| head`); nothing more is written, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _on_termination() -> None:
    """End in good order when told to, so that workers end too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
