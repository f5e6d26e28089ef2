"""`load-tester report`: one stored run."""

from contextlib import closing
from typing import Final

import click
import msgspec

from load_tester.cli.settings import Storage, example, option, storage_options
from load_tester.domain.report import text_report
from load_tester.domain.run import Run
from load_tester.runs.store import RunStore, StoreUnavailable, UnknownRun

LATEST = "latest"
_PAGE = 500


_EXAMPLE: Final = example(
    "load-tester report latest",
    "load-tester report latest --format json | jq .summary.responseTime",
)


@click.command(epilog=_EXAMPLE)
@click.argument("run", metavar="RUN")
@storage_options
@option(
    "--format",
    "form",
    scope="REPORT",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For a reader or for a program.",
)
def report(*, storage: Storage, run: str, form: str) -> None:
    """Print the report of a stored run.

    RUN is its id, the beginning of its id as far as no other run shares it, or the word `latest`. Of a run that has not
    ended the report says what is stored so far.
    """
    if storage.is_untouched:
        raise click.ClickException(f"there are no runs yet in {storage.data_dir}")
    try:
        with closing(storage.open()) as store:
            found = _found(store, run)
    except StoreUnavailable as error:
        raise click.ClickException(str(error)) from None
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        click.echo(text_report(found), nl=False)


def _found(store: RunStore, word: str) -> Run:
    if word == LATEST:
        latest = store.page(1).runs
        if not latest:
            raise click.ClickException(f"there are no runs yet in {store.name}")
        return latest[0]
    try:
        return store.run(word)
    except UnknownRun:
        matches = _matches(store, word)
    if not matches:
        raise click.ClickException(f"there is no run {word!r} in {store.name}; `load-tester runs` lists them")
    if len(matches) > 1:
        ids = ", ".join(match.id for match in matches[:5])
        more = ", …" if len(matches) > 5 else ""
        raise click.ClickException(f"{len(matches)} runs begin with {word!r}: {ids}{more}")
    return matches[0]


def _matches(store: RunStore, prefix: str) -> list[Run]:
    matches: list[Run] = []
    offset = 0
    while prefix and (page := store.page(_PAGE, offset)).runs:
        matches += (run for run in page.runs if run.id.startswith(prefix))
        offset += _PAGE
    return matches
