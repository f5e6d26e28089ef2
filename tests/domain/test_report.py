"""The text report: what a stranger reads after a run."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.duration import HOUR, parse_ns
from load_tester.domain.histogram import Distribution
from load_tester.domain.metrics import ErrorKind, Figures, TargetFigures
from load_tester.domain.report import (
    MEANINGS,
    asked,
    brief,
    one_line,
    per_second,
    percentage,
    rounded,
    size,
    text_report,
    unwanted_statuses,
)
from load_tester.domain.run import Run, RunState

MS = 1_000_000
CREATED = datetime(2026, 1, 31, 15, 4, 5, tzinfo=UTC)


def times(p50_ns: int) -> Distribution:
    """A distribution that is recognised by its median."""
    return Distribution(p50_ns // 2, p50_ns, p50_ns, p50_ns * 2, p50_ns * 2, p50_ns * 3, p50_ns * 3, p50_ns * 4, 5)


FINISHED = Run(
    id="run-1",
    state=RunState.FINISHED,
    name="baseline",
    test_type="session",
    target_url="http://127.0.0.1:9999",
    labels=(("env", "test"),),
    command={"numMessages": 100, "per": "1s", "attackDuration": "10s", "timeout": "30s", "maxConnections": 50},
    seed=7,
    workers=1,
    created_at=CREATED,
    started_at=CREATED,
    elapsed_ns=10_012_345_678,
    summary=Figures(
        planned=1000,
        sent=1000,
        answered=1000,
        successes=1000,
        success=1.0,
        status_codes={"200": 990, "302": 10},
        bytes_in=2000,
        bytes_out=500_000,
        connections_opened=3,
        rate=100.1,
        pace=100.1,
        throughput=99.9,
        latency=times(2 * MS),
        response_time=times(2 * MS),
        lag=times(50_000),
    ),
)


def with_summary(run: Run, **changes: object) -> Run:
    """The run with other figures."""
    return msgspec.structs.replace(run, summary=msgspec.structs.replace(run.summary, **changes))


def line(report: str, label: str) -> str:
    """The line of the report that begins with the label."""
    return next(line for line in report.splitlines() if line.startswith(label))


def test_a_report_says_what_was_asked_for() -> None:
    """The reader learns the target, the test type, the rate, the duration, the limits, the seed and the labels."""
    report = text_report(FINISHED)
    assert line(report, "Run").split() == ["Run", "run-1", "finished"]
    assert line(report, "Target").split() == ["Target", "http://127.0.0.1:9999"]
    assert "session: 100 hits per 1s for 10s (1000 hits in all)" in line(report, "Test")
    assert "timeout 30s, at most 50 connections, 1 worker, seed 7" in line(report, "With")
    assert "env=test" in line(report, "Labels")
    assert "2026-01-31 15:04:05 UTC, took 10.01s" in line(report, "Started")


def test_a_report_gives_the_figures_with_their_units() -> None:
    """Counts, rate, throughput, success, bytes and all three times are there, rounded and with units."""
    report = text_report(FINISHED)
    assert "1000 planned, 1000 sent" in report
    assert "1000 answered, 0 failed, 0 aborted, 0 lost" in report
    assert line(report, "Success").split()[1] == "100.00%"
    assert "100.1/s sent; throughput 99.9/s (successes only)" in report
    assert "488 KiB (500 B each) out, 1.95 KiB (2 B each) in" in report
    assert line(report, "Latency").split() == ["Latency", "1ms", "2ms", "2ms", "4ms", "4ms", "6ms", "6ms", "8ms"]
    assert line(report, "Lag").split()[1:] == ["25µs", "50µs", "50µs", "100µs", "100µs", "150µs", "150µs", "200µs"]
    assert "  200  990  OK" in report
    assert "  302   10  Found" in report


def test_a_good_run_is_reported_without_alarm() -> None:
    """Warnings, errors and incidents take no room when there are none."""
    report = text_report(FINISHED)
    assert not any(word in report for word in ("WARNING", "Errors", "Incidents", "Failure", "well above"))


def test_failures_are_listed_with_their_kind_and_first_message() -> None:
    """Each kind of error stands with its count, its meaning and the first message."""
    run = with_summary(FINISHED, answered=993, failed=7, errors={"queued": 2, "timeout": 5}, success=0.993)
    run = msgspec.structs.replace(run, error_messages={"timeout": "no response in 30s"})
    lines = [line.split() for line in text_report(run).partition("Errors")[2].splitlines()]
    assert lines[1] == ["timeout", "5", *MEANINGS[ErrorKind.TIMEOUT].split()]
    assert lines[2] == ["first:", "no", "response", "in", "30s"]
    assert lines[3] == ["queued", "2", *MEANINGS[ErrorKind.QUEUED].split()]


def test_every_kind_of_error_has_a_meaning() -> None:
    """No kind is added without saying what it means."""
    assert set(MEANINGS) == set(ErrorKind)


def test_an_unknown_kind_of_error_is_reported_all_the_same() -> None:
    """A record of another version does not hide its errors."""
    assert "  gremlins  3" in text_report(with_summary(FINISHED, errors={"gremlins": 3}))


def test_aborted_and_lost_hits_are_explained() -> None:
    """A reader sees that the figures are incomplete, and why."""
    run = with_summary(FINISHED, answered=996, aborted=3, lost=1)
    report = text_report(msgspec.structs.replace(run, state=RunState.STOPPED))
    assert "996 answered, 0 failed, 3 aborted, 1 lost" in report
    assert "1000 planned until it was stopped" in report
    assert "aborted: still in flight" in report
    assert "lost: nobody knows" in report


def test_a_limited_generator_is_a_warning_with_its_reasons() -> None:
    """Nobody can overlook that the figures may be ours and not the target's."""
    reasons = ("hits were sent late", "a worker had used up its core")
    report = text_report(msgspec.structs.replace(FINISHED, generator_limited=True, reasons=reasons))
    warning = report.index("WARNING: THE LOAD GENERATOR WAS LIMITED")
    assert warning < report.index("Hits")
    assert all(f"  - {reason}\n" in report for reason in reasons)


def test_a_failed_run_says_why_before_anything_else() -> None:
    """The failure is the second line; a run that never started says so, and shows no times that were not measured."""
    run = Run(id="run-2", state=RunState.FAILED, created_at=CREATED, error="the generator raised:\n  KeyError")
    lines = text_report(run).splitlines()
    assert lines[0].split() == ["Run", "run-2", "failed"]
    assert lines[1].split(maxsplit=1) == ["Failure", "the generator raised: KeyError"]
    assert "never; accepted 2026-01-31" in line("\n".join(lines), "Started")
    assert "p99" not in "\n".join(lines)


def test_incidents_are_listed() -> None:
    """What went wrong without ending the run stands at the end."""
    report = text_report(msgspec.structs.replace(FINISHED, incidents=("worker 12 died",)))
    assert report.endswith("Incidents: what went wrong on the way\n  - worker 12 died\n")


def test_a_running_attack_shows_what_has_not_ended() -> None:
    """The counts add up at any time: hits in flight are named."""
    run = msgspec.structs.replace(with_summary(FINISHED, answered=990), state=RunState.RUNNING, in_flight=10)
    report = text_report(run)
    assert "0 lost, 10 not ended" in report
    assert "0 open, 10 in flight, 0 waiting" in report


def test_the_difference_of_latency_and_response_time_is_explained_where_it_matters() -> None:
    """When the tail differs much, a sentence says which of the two to believe."""
    stalled = with_summary(FINISHED, response_time=times(900 * MS), lag=times(898 * MS))
    assert "judge the target by response time" in text_report(stalled)
    one_late_hit = msgspec.structs.replace(times(2 * MS), max=900 * MS)
    assert "judge the target" not in text_report(with_summary(FINISHED, response_time=one_late_hit))


def test_what_was_not_answered_has_no_latency_and_is_not_called_late() -> None:
    """Hits that were sent on time and timed out are in the response times alone, and the report says so."""
    silent = with_summary(
        FINISHED,
        answered=0,
        failed=1000,
        errors={"timeout": 1000},
        latency=Distribution(),
        response_time=times(500 * MS),
    )
    report = text_report(silent)
    assert line(report, "Latency").split()[1:] == ["-"] * 8
    assert "hits were due before they could be sent" not in report
    assert "hits that were given up" in report


def test_an_aborted_hit_need_not_have_been_sent() -> None:
    """A stop also ends the hits that waited for a connection."""
    run = with_summary(FINISHED, answered=996, sent=998, aborted=4)
    assert "aborted: still in flight, or not sent yet, when" in text_report(run)


def test_foreign_text_cannot_take_over_the_terminal() -> None:
    """Names and messages are one line each, without control characters."""
    run = msgspec.structs.replace(
        FINISHED, name="a\x1b[2Jb\nRun x", incidents=("\x07bell",), error_messages={"closed": "\x1b]0;t\x07"}
    )
    report = text_report(with_summary(run, errors={"closed": 1}))
    assert "\x1b" not in report
    assert "\x07" not in report
    assert line(report, "Name").split(maxsplit=1)[1] == "a?[2Jb Run x"


@given(st.text())
def test_one_line_is_printable(text: str) -> None:
    """Whatever comes in, one printable line comes out."""
    assert one_line(text).isprintable()


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ({"numMessages": 1, "per": "1m0s", "attackDuration": "1m0s"}, "1 hit per 1m0s for 1m0s (1 hit in all)"),
        ({"numMessages": 3, "attackDuration": "1.5s"}, "3 hits per 1s for 1.5s (5 hits in all)"),
        ({"numMessages": 0, "attackDuration": "5s"}, "as many hits as the target answers for 5s"),
        ({"numMessages": 5, "per": "soon", "attackDuration": "5s"}, "5 hits per soon for 5s"),
        ({}, "as many hits as the target answers for 0s"),
    ],
)
def test_what_was_asked_for_is_said_in_words(command: dict[str, object], text: str) -> None:
    """Rate and duration read as a sentence, with the number of hits they make."""
    assert asked(msgspec.structs.replace(FINISHED, command=command)) == text


def test_a_schedule_of_the_test_types_own_is_told_from_an_unlimited_rate() -> None:
    """Neither has a rate in its command, but one is known to the hit and the other is as the target likes."""
    command = {"numMessages": 0, "attackDuration": "8784h0m0s"}
    replay = msgspec.structs.replace(FINISHED, command=command, scheduled_hits=1200, scheduled_ns=59_300_000_001)
    assert "session: 1200 hits in 59.3s, by a schedule of its own" in line(text_report(replay), "Test")


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0s"),
        (999, "999ns"),
        (1_234, "1.234µs"),
        (1_234_567, "1.235ms"),
        (999_960_000, "1s"),
        (12_345_678_901, "12.35s"),
        (61_234_567_890, "1m1.23s"),
        (-1_234_567, "-1.235ms"),
    ],
)
def test_spans_are_rounded_to_four_digits(ns: int, text: str) -> None:
    """A reader sees the digits that mean something, in Go's form."""
    assert rounded(ns) == text


@given(st.integers(min_value=0, max_value=100 * HOUR))
def test_rounding_keeps_a_span_within_a_tenth_of_a_percent(ns: int) -> None:
    """What is shown is at most 0.05 % off, and can be read back."""
    assert abs(parse_ns(rounded(ns)) - ns) <= ns * 0.0005 + 1


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.0, "0.00%"),
        (1e-9, "<0.01%"),
        (0.07, "7.00%"),
        (0.5, "50.00%"),
        (0.9999999, "99.99%"),
        (1 - 1e-12, "99.99%"),
        (1.0, "100.00%"),
    ],
)
def test_a_ratio_is_never_rounded_to_all_or_nothing(ratio: float, text: str) -> None:
    """One failure in ten million does not read 100 %, one success does not read 0 %."""
    assert percentage(ratio) == text


@pytest.mark.parametrize(
    ("bytes_", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (15_000, "14.6 KiB"), (10**6, "977 KiB"), (10**15, "909 TiB")],
)
def test_sizes_have_a_unit(bytes_: int, text: str) -> None:
    """Bytes are shown with three digits and a binary unit."""
    assert size(bytes_) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.0, "0/s"),
        (1 / 86_400, "0.00001157/s"),
        (0.5, "0.5/s"),
        (99.94, "99.94/s"),
        (999.99, "1000/s"),
        (51_234.4, "51234/s"),
    ],
)
def test_rates_are_per_second(rate: float, text: str) -> None:
    """A rate has the digits that mean something and never an exponent."""
    assert per_second(rate) == text


def test_the_line_in_brief_counts_every_kind_of_error() -> None:
    """A hit that was answered with 503 is an error there, as one that failed, was aborted or lost is."""
    run = with_summary(
        FINISHED,
        sent=9,
        answered=6,
        failed=2,
        aborted=1,
        lost=1,
        successes=3,
        status_codes={"200": 2, "302": 1, "503": 3},
    )
    assert "7 errors" in brief(run)
    assert "9 sent" in brief(run)


def test_targets_have_a_line_each() -> None:
    """How many hits of each, how they ended, and how long they took; where nothing was answered there is no time."""
    run = with_summary(
        FINISHED,
        targets={
            "GET /a": TargetFigures(
                sent=100,
                answered=98,
                failed=1,
                aborted=1,
                successes=90,
                success=0.9,
                errors={"reset": 1, "check": 3},
                response_time=times(2 * MS),
            ),
            "POST /b": TargetFigures(sent=1, failed=1, errors={"timeout": 1}),
        },
    )
    heading, captions, first, second = text_report(run).partition("Targets")[2].splitlines()
    assert heading == ": times are response times"
    assert captions.split() == ["sent", "success", "p50", "p90", "p99", "max", "errors"]
    assert " ".join(first.split()) == "GET /a 100 90.00% 2ms 4ms 6ms 8ms reset 1, check 3, status 5, aborted 1"
    assert " ".join(second.split()) == "POST /b 1 0.00% - - - - timeout 1"


def test_answers_that_were_not_as_expected_are_errors() -> None:
    """What was expected, only the parameters say; the statuses themselves are no errors then."""
    run = with_summary(
        FINISHED,
        answered=1000,
        successes=900,
        success=0.9,
        status_codes={"404": 1000},
        errors={"check": 60, "status": 40},
    )
    report = text_report(run)
    assert "90.00% of the planned hits were answered as expected" in report
    assert line(report, "  check") == "  check   60  answered, but a check of the response failed"
    assert line(report, "  status") == "  status  40  answered, but with a status that is not expected"
    assert unwanted_statuses(run.summary) == {}
    assert "100 errors" in brief(run)


def test_a_run_that_sent_records_is_reported_in_words_that_fit() -> None:
    """Records are acknowledged; there are no statuses, and no connections that mean anything."""
    of_kafka = msgspec.structs.replace(FINISHED, target_url="kafka://a:9092,b:9092")
    report = text_report(of_kafka)
    assert "Target        kafka://a:9092,b:9092" in report
    assert "at most 50 records in flight" in report
    assert "100.00% of the planned hits were acknowledged" in report
    assert "  200  990  acknowledged" in report
    assert "onnections" not in report
    waited = msgspec.structs.replace(of_kafka, summary=msgspec.structs.replace(of_kafka.summary, waited=1))
    assert "Queue         1 hit waited until fewer records were in flight" in text_report(waited)


def test_a_run_that_lost_hits_says_so_before_anything_else() -> None:
    """Whoever reads only the first lines knows that some are missing."""
    report = text_report(with_summary(FINISHED, answered=965, lost=35))
    assert report.index("WARNING: 35 HITS LOST") < report.index("\nHits ")


def test_what_was_never_sent_has_no_lag() -> None:
    """Nor any other time that could be taken for a measurement of 0."""
    report = text_report(with_summary(FINISHED, sent=0, answered=0, latency=Distribution(), lag=Distribution()))
    assert line(report, "Lag ").split()[1:] == line(report, "Latency ").split()[1:] == ["-"] * 8
