"""What the commands that attack have in common, read from argv and the environment into one typed thing."""

import functools
import logging
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from load_tester.cli.parameter import LEVELS, DurationType, LevelType, TargetType
from load_tester.domain.attack import Tls
from load_tester.domain.command import DEFAULTS, MAX_CONNECTIONS, MAX_TIMEOUT_NS, MAX_WORKERS, CommandDefaults
from load_tester.domain.duration import format_ns
from load_tester.domain.project import Project
from load_tester.domain.projects_file import InvalidProjects, decode_projects
from load_tester.domain.test_type import Registry
from load_tester.runs.store import FILE_NAME, RunStore, StoreUnavailable, sqlite_url
from load_tester.runs.supervisor import Site
from test_types.discovery import BrokenPlugin, discover

PROJECTS_FILE: Final = "projects.json"


class BadSetting(click.ClickException):
    """What the user asked for cannot be; one line on standard error, exit status 2."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Where results are kept: `store_url` if there is one, otherwise a SQLite file in `data_dir`."""

    data_dir: Path
    store_url: str | None = None

    @property
    def is_untouched(self) -> bool:
        """Whether there is no database yet, so that a reader need not make one."""
        return self.store_url is None and not (self.data_dir / FILE_NAME).exists()

    def open(self) -> RunStore:
        """The store; whoever opens it closes it.

        Raises:
            BadSetting: it cannot be opened.
        """
        try:
            return RunStore(self.store_url or sqlite_url(self.data_dir))
        except StoreUnavailable as error:
            raise BadSetting(str(error)) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is attacked, how, and where the results go; fields are named like the options."""

    target_url: str | None
    workers: int | None
    max_connections: int
    timeout_ns: int
    storage: Storage
    config: Path | None
    files: Path | None
    insecure: bool
    ca: Path | None

    @property
    def defaults(self) -> CommandDefaults:
        """What commands mean that do not say otherwise."""
        return CommandDefaults(timeout_ns=self.timeout_ns, max_connections=self.max_connections, workers=self.workers)

    def site(self) -> Site:
        """What all attacks have in common; an empty URL stands for no target.

        Raises:
            BadSetting: a file cannot be read or does not hold what it should.
        """
        if self.files is not None and not self.files.is_dir():
            raise BadSetting(f"the directory with files {self.files} is not a directory")
        return Site(target_url=self.target_url or "", tls=self._tls(), projects=self._projects(), files_dir=self.files)

    def _tls(self) -> Tls:
        if self.ca is None:
            return Tls(verify=not self.insecure)
        if self.insecure:
            raise BadSetting("--ca and --insecure exclude each other: either certificates are verified, or not")
        try:
            pem = _content(self.ca).decode("ascii")
            ssl.create_default_context(cadata=pem)
        except (UnicodeDecodeError, ssl.SSLError, ValueError):
            raise BadSetting(f"{self.ca} does not hold certificates in PEM form") from None
        return Tls(ca_pem=pem)

    def _projects(self) -> tuple[Project, ...] | None:
        if self.config is None:
            return None
        if not self.config.is_dir():
            raise BadSetting(f"the configuration directory {self.config} is not a directory")
        path = self.config / PROJECTS_FILE
        if not path.exists():
            return None
        try:
            return decode_projects(_content(path))
        except InvalidProjects as error:
            raise BadSetting(f"{path}:{error}") from None


def registry() -> Registry:
    """The test types of this installation.

    Raises:
        BadSetting: an installed package has a test type that cannot be used.
    """
    try:
        return Registry(discover())
    except BrokenPlugin as error:
        raise BadSetting(str(error)) from None


def default_data_dir() -> Path:
    """`$XDG_DATA_HOME/load-tester`, by default `~/.local/share/load-tester`: the same wherever a command is called."""
    home = os.environ.get("XDG_DATA_HOME", "")
    # The specification says that a relative path is to be ignored.
    return (Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "share") / "load-tester"


def option(*names: str, scope: str = "", **attributes: Any) -> Callable[[Any], Any]:
    """A click option that can also be given as `LOAD_TESTER_<NAME>`, or `LOAD_TESTER_<SCOPE>_<NAME>`."""
    name = next(name for name in names if name.startswith("--")).removeprefix("--").replace("-", "_").upper()
    variable = "_".join(part for part in ("LOAD_TESTER", scope, name) if part)
    return click.option(*names, envvar=variable, show_envvar=True, **attributes)


def example(*lines: str) -> str:
    """The end of a help text, which click leaves as it is."""
    return "\n".join(("\b", "Example:", *(f"  {line}" for line in lines)))


_STORAGE_OPTIONS: Final = (
    option(
        "--data-dir",
        type=click.Path(path_type=Path, file_okay=False),
        default=default_data_dir,
        show_default="$XDG_DATA_HOME/load-tester or ~/.local/share/load-tester",
        help="Where results are kept, in a SQLite file; made if need be.",
    ),
    option("--store-url", metavar="URL", help="Keep results in this database instead (a SQLAlchemy URL)."),
)
_ATTACK_OPTIONS: Final = (
    option(
        "-w",
        "--workers",
        type=click.IntRange(1, MAX_WORKERS),
        show_default="as many as the rate needs, at most one per core",
        help="Attack worker processes.",
    ),
    option(
        "--max-connections",
        type=click.IntRange(1, MAX_CONNECTIONS),
        default=DEFAULTS.max_connections,
        show_default=True,
        help="Connections at once, for the whole attack.",
    ),
    option(
        "--timeout",
        "timeout_ns",
        type=DurationType(1),
        default=format_ns(DEFAULTS.timeout_ns),
        show_default=True,
        help="How long a hit may take, counted from when it was due.",
    ),
    option(
        "--config",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help=f"Directory that may hold {PROJECTS_FILE}: the Sentry projects to send for. Without it they are made up.",
    ),
    option("--insecure", is_flag=True, help="Do not verify the target's certificate."),
    option(
        "--ca",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Verify the target's certificate by these authorities (PEM) instead of the system's.",
    ),
    *_STORAGE_OPTIONS,
    option(
        "--log",
        "log_level",
        type=LevelType(),
        default="info",
        show_default=True,
        help=f"How much to log on standard error: {', '.join(names[0] for names in LEVELS.values())}.",
    ),
)


def storage_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `Storage`, which it gets as its argument `storage`."""

    @functools.wraps(command)
    def called(*, data_dir: Path, store_url: str | None, **others: Any) -> Any:
        return command(storage=Storage(data_dir=data_dir, store_url=store_url), **others)

    return _decorated(called, _STORAGE_OPTIONS)


def attack_options(*, files: Path | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of `Settings`, which it gets as its argument `settings`; sets up the log.

    `files` is the default of `--files`: whoever runs an attack here may read what is here, others had better not.
    """
    target = option(
        "-t",
        "--target-url",
        type=TargetType(),
        help="What to attack: http:// or https:// with a host, and optionally a port and a path. "
        "Test types that send to Kafka have brokers among their parameters instead.",
    )

    files_option = option(
        "--files",
        metavar="DIR",
        type=click.Path(path_type=Path),
        default=files,
        show_default="files are refused" if files is None else "the current directory",
        help="Directory with the files that parameters may name: bodies, rows, targets, traces.",
    )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def called(*, log_level: int, data_dir: Path, store_url: str | None, **others: Any) -> Any:
            logging.basicConfig(
                level=log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%H:%M:%S"
            )
            if log_level > logging.DEBUG:
                # The web server's own news are ours, told by us.
                logging.getLogger("uvicorn").setLevel(max(log_level, logging.WARNING))
            shared = {name: others.pop(name) for name in Settings.__dataclass_fields__ if name in others}
            settings = Settings(storage=Storage(data_dir=data_dir, store_url=store_url), **shared)
            if settings.timeout_ns > MAX_TIMEOUT_NS:
                raise BadSetting(f"--timeout must be at most {format_ns(MAX_TIMEOUT_NS)}")
            return command(settings=settings, **others)

        return _decorated(called, (target, files_option, *_ATTACK_OPTIONS))

    return decorate


def _decorated(command: Callable[..., Any], options: tuple[Callable[[Any], Any], ...]) -> Callable[..., Any]:
    for decorate in reversed(options):
        command = decorate(command)
    return command


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadSetting(f"cannot read {path}: {error.strerror}") from None
