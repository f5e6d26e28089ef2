"""Whatever a script does, its evaluation ends in bounded time and memory, with a message that says where."""

import os
import signal
from pathlib import Path

import pytest

from load_starter.budget import Limits
from load_starter.sandbox import Crash, evaluate_apart
from load_starter.script import evaluate_file
from load_starter.testing import LOAD_SERVER
from load_starter.trouble import ScriptError

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.star"))

SMALL = Limits(seconds=0.5, size_bytes=64 << 20)
"""Limits within which a test does no harm to the machine it runs on."""

TIME = "gave up after 0.5 s of computing: is there a loop that does not end?"
MEMORY = "gave up after using 64 MiB of memory: is there a loop that does not end?"
STACK = "the interpreter has run out of stack: is a value nested without end?"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test writes its script."""
    return tmp_path / "plan.star"


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.stem)
def test_a_script_comes_to_the_same_plan_as_anywhere(config: Path) -> None:
    """Every step arrives as it was planned."""
    assert evaluate_apart(config, LOAD_SERVER, pytest.fail) == evaluate_file(config, LOAD_SERVER, pytest.fail)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("l = [1] * 1000000\nfor i in range(100):\n    l = list(l)", f"plan.star:3: {MEMORY}"),
        ("s = 'ab'\nfor i in range(100):\n    s = s.replace('a', 'aaaa')", f"plan.star:3: {MEMORY}"),
        ("s = 'ab'\nfor i in range(100):\n    s = s.join([s, s, s])", f"plan.star:3: {MEMORY}"),
        ("s = 'ab'\nfor i in range(100):\n    s = '{}{}'.format(s, s)", f"plan.star:3: {MEMORY}"),
        ("s = 'ab'\nfor i in range(100):\n    s = f'{s}{s}'", f"plan.star:3: {MEMORY}"),
        ("s = 'ab'\nfor i in range(100):\n    s = '%s%s' % (s, s)", f"plan.star:3: {MEMORY}"),
        ("l = [1]\nfor i in range(100):\n    l.extend(l)", f"plan.star:3: {MEMORY}"),
        ("def f(s):\n    return f(\n        s.replace('a', 'aaaa'))\nf('a')", f"plan.star:2: {MEMORY}"),
        ("x = [[1] * 1000 for i in range(1000000)]", f"plan.star:1: {MEMORY}"),
        ("x = 1\nfor i in range(1000):\n    x = [0 for j in range(10000000) if j < 0]", f"plan.star:3: {TIME}"),
        ("l = [0] * 2000000\nfor i in range(900):\n    x = 1 in l", f"plan.star:3: {TIME}"),
        ("l = []\nfor i in range(100000):\n    l = [l]\nx = str(l)", f"plan.star:3: {STACK}"),
    ],
)
def test_a_script_that_would_not_end_is_ended_at_its_line(path: Path, script: str, message: str) -> None:
    """Values that grow, steps that take long, and nesting without end are errors like any other."""
    path.write_text(script)
    with pytest.raises(ScriptError) as caught:
        evaluate_apart(path, LOAD_SERVER, pytest.fail, SMALL)
    assert str(caught.value).startswith(f"{path.parent}/{message}\n    ")


def test_an_error_in_a_file_that_is_loaded_names_that_file(path: Path) -> None:
    """The line is that of the function that fails, with the text of its own file."""
    (path.parent / "grow.star").write_text("\n\ndef grow(s):\n    for i in range(99):\n        s = s.join([s] * 5)\n")
    path.write_text("load('grow.star', 'grow')\ngrow('ab')")
    with pytest.raises(ScriptError) as caught:
        evaluate_apart(path, LOAD_SERVER, pytest.fail, SMALL)
    assert str(caught.value) == f"{path.parent}/grow.star:5: {MEMORY}\n    s = s.join([s] * 5)"


STEPS = """
add_vegeta_test(Minute, 'session', 0, '1s', {'a': [1, None, -1.5, {'b': Day, 'c': True}]}, 'é', 'text', 'http://a.test',
    False, [['a', 'b', 'c']], Second, 5, 7, 'now')
add_vegeta_test(Minute, 'session', (1 << 63) - 1, '1s', {'least': -(1 << 63)})
add_sleep(0 * Second)
add_run_external(['echo', 'hello'])
add_locust_test('1m', 5, name='old')
"""


def test_steps_of_all_kinds_arrive_as_they_were_planned(path: Path) -> None:
    """Every field of every kind of step has its value and type, and the place of the call."""
    path.write_text(STEPS)
    plan = evaluate_apart(path, LOAD_SERVER, pytest.fail)
    assert plan == evaluate_file(path, LOAD_SERVER, pytest.fail)
    assert [step.place.line for step in plan.steps] == [2, 4, 5, 6, 7]


def test_errors_arrive_with_all_they_say(path: Path) -> None:
    """An ordinary mistake reads the same from the other process."""
    path.write_text("def f(d):\n    return d + 1\nf(Second)")
    errors = []
    for evaluate in (evaluate_apart, evaluate_file):
        with pytest.raises(ScriptError) as caught:
            evaluate(path, LOAD_SERVER, pytest.fail)
        errors.append((str(caught.value), caught.value.trail))
    assert errors[0] == errors[1]


def test_a_mistake_of_ours_is_not_taken_for_one_of_the_script(path: Path) -> None:
    """What happens in the other process and should not is an error here, with its traceback."""
    path.write_text("x = 1")
    with pytest.raises(Crash, match="Traceback"):
        evaluate_apart(path, LOAD_SERVER, pytest.fail, Limits(max_calls=0))


def test_a_process_that_somebody_ends_is_an_error_that_says_so(path: Path) -> None:
    """It has no line when the script does not fail by itself when it is evaluated again."""
    path.write_text("print('here')\nfor i in range(1000):\n    x = [0 for j in range(9999999) if j < 0]")

    def end(_: str) -> None:
        (child,) = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        os.kill(int(child), signal.SIGTERM)

    with pytest.raises(ScriptError, match=r"plan\.star: the interpreter was ended by SIGTERM$"):
        evaluate_apart(path, LOAD_SERVER, end, SMALL)


def test_no_process_is_left(path: Path) -> None:
    """Also when what is printed cannot be shown, the process has ended before anything else is done."""
    path.write_text("print('here')\nfor i in range(9999999):\n    x = [0 for j in range(9999999) if j < 0]")

    def unable(line: str) -> None:
        raise OSError(line)

    with pytest.raises(OSError, match="here"):
        evaluate_apart(path, LOAD_SERVER, unable)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_what_a_script_prints_comes_before_its_error(path: Path) -> None:
    """Lines appear once, though the script is evaluated twice to find where it failed."""
    path.write_text("print('here')\nprint('é' * 100000)\nl = [1]\nfor i in range(100):\n    l.extend(l)")
    lines: list[str] = []
    with pytest.raises(ScriptError, match=rf"plan\.star:5: {MEMORY}".replace("?", r"\?")):
        evaluate_apart(path, LOAD_SERVER, lines.append, SMALL)
    assert lines == ["here", "é" * 100_000]
