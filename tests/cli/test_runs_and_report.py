"""`load-tester runs` and `load-tester report`, on a store that was filled by hand."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from load_tester.cli.main import main
from load_tester.domain.histogram import Distribution
from load_tester.domain.metrics import Figures
from load_tester.domain.report import text_report
from load_tester.domain.run import Run, RunState
from load_tester.runs.store import RunPage, RunStore, sqlite_url

CREATED = datetime(2026, 1, 31, 15, 4, 5, tzinfo=UTC)


def filled(directory: Path, *ids: str) -> list[Run]:
    """Runs with these ids, each a minute younger than the one before, as they are stored."""
    runs = [
        Run(
            id=run_id,
            state=RunState.FINISHED,
            name=f"name {number}\x1b[2J [red]",
            test_type="session",
            target_url="http://127.0.0.1:9999",
            created_at=CREATED + timedelta(minutes=number),
            summary=Figures(
                planned=1000,
                success=0.5,
                latency=Distribution(p50=1_000_000, p99=2_000_000),
                response_time=Distribution(p50=3_000_000, p99=4_000_000, max=5_000_000, count=500),
            ),
        )
        for number, run_id in enumerate(ids)
    ]
    with closing(RunStore(sqlite_url(directory))) as store:
        for run in runs:
            store.put(run)
    return runs


def said(capsys: pytest.CaptureFixture[str], directory: Path, *argv: str, status: int = 0) -> str:
    """What the program says with these arguments, on the output that fits its status."""
    assert main([*argv, "--data-dir", str(directory)]) == status
    out, err = capsys.readouterr()
    assert bool(out) != bool(err)
    return out or err


def test_runs_are_listed_newest_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whole ids, and names without what could take over the terminal or be taken for markup."""
    filled(tmp_path, "20260131-150405-aaaaaa", "20260131-150505-bbbbbb")
    lines = said(capsys, tmp_path, "runs").splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["run", "20260131-150505-bbbbbb", "20260131-150405-aaaaaa"]
    assert "name 1?[2J [red]" in lines[1]
    assert lines[1].split()[-3:] == ["50.00%", "3ms", "4ms"]
    assert "response time" in lines[-1]


def test_a_run_without_answers_has_no_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing took 0 s: it was not measured."""
    (run,) = filled(tmp_path, "a")
    with closing(RunStore(sqlite_url(tmp_path))) as store:
        store.put(msgspec.structs.replace(run, summary=Figures(planned=5, failed=5)))
    assert said(capsys, tmp_path, "runs").splitlines()[1].split()[-3:] == ["0.00%", "-", "-"]


def test_the_list_is_bounded_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody takes twenty runs for all there are."""
    filled(tmp_path, *"abc")
    lines = said(capsys, tmp_path, "runs", "--limit", "2").splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["run", "c", "b"]
    assert lines[-1] == "1 more; see --limit"


def test_the_list_can_be_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is what the daemon's API answers."""
    runs = filled(tmp_path, "a", "b")
    page = msgspec.json.decode(said(capsys, tmp_path, "runs", "--json"), type=RunPage)
    assert page == RunPage((runs[1], runs[0]), 2)


def test_reading_does_not_make_a_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing was stored there is nothing to list and nothing to report, and nothing is left behind."""
    directory = tmp_path / "data"
    assert said(capsys, directory, "runs") == "There are no runs yet\n"
    assert msgspec.json.decode(said(capsys, directory, "runs", "--json")) == {"runs": [], "total": 0}
    assert "there are no runs yet" in said(capsys, directory, "report", "latest", status=1)
    assert not directory.exists()


@pytest.mark.parametrize(("word", "index"), [("latest", 2), ("ab", 1), ("abc", 2), ("x", 0)])
def test_a_run_is_found_by_its_id_its_beginning_or_as_the_latest(
    word: str, index: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A whole id wins over the beginning of another."""
    runs = filled(tmp_path, "xyz", "ab", "abc")
    assert said(capsys, tmp_path, "report", word) == text_report(runs[index])
    printed = said(capsys, tmp_path, "report", word, "--format", "json")
    assert msgspec.json.decode(printed, type=Run) == runs[index]


@pytest.mark.parametrize(
    ("word", "complaint"),
    [("a", "2 runs begin with 'a': abc, abd"), ("nope", "there is no run 'nope' in"), ("", "there is no run ''")],
)
def test_a_run_that_cannot_be_told_is_an_error(
    word: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line says why and what there is."""
    filled(tmp_path, "abd", "abc")
    error = said(capsys, tmp_path, "report", word, status=1)
    assert error.startswith("Error: ")
    assert complaint in error
    assert error.count("\n") == 1


def test_a_file_that_is_no_database_is_an_error_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line names the file."""
    (tmp_path / "load-tester.sqlite3").write_bytes(b"nonsense" * 1000)
    for argv in (["runs"], ["report", "latest"]):
        error = said(capsys, tmp_path, *argv, status=2)
        assert "load-tester.sqlite3" in error
        assert error.count("\n") == 1
