"""Scripts become plans, or errors that their authors understand."""

import itertools
from pathlib import Path

import pytest

from load_starter.budget import Budget, Limits
from load_starter.plan import AttackTest, ExternalCommand, Plan, Sleep
from load_starter.script import evaluate_file
from load_starter.testing import LOAD_SERVER, error_of, plan_of, value_of
from load_starter.trouble import ScriptError
from load_tester.domain.duration import MINUTE, SECOND, Duration

ATTACK = "add_vegeta_test(Minute, 'session', 10, '1s', {})"


def evaluated(path: Path) -> Plan:
    """The plan of a script on disk, which prints nothing."""
    return evaluate_file(path, LOAD_SERVER, print_line=pytest.fail)


def test_a_script_becomes_a_plan_of_typed_steps() -> None:
    """Every builtin adds its step in order, at the line that called it."""
    plan = plan_of(
        """
add_vegeta_test("1m", "session", 10, Second, {"startedRange": Minute}, "name", "text", "http://other.test/", False)
def later():
    add_sleep(2 * Second)
later()
add_run_external(["echo", "hello"])
"""
    )
    attack, sleep, external = plan.steps
    assert isinstance(attack, AttackTest)
    assert (attack.url, attack.duration, attack.per) == ("http://other.test", Duration(MINUTE), Duration(SECOND))
    assert (attack.name, attack.description, attack.produce_report) == ("name", "text", False)
    assert isinstance(sleep, Sleep)
    assert str(sleep.place) == "plan.star:4"
    assert isinstance(external, ExternalCommand)
    assert external.argv == ("echo", "hello")
    assert [str(start) for start in plan.starts()] == ["0s", "1m0s", "1m2s"]
    assert str(plan.estimate()) == "1m12s"


def test_the_command_has_upstreams_keys_and_ours_when_they_are_given() -> None:
    """Empty names, descriptions and labels are left out; so are timeout, connections and seed unless given."""
    bare, full = plan_of(
        ATTACK + "\nadd_vegeta_test('90s', 'session', 0, Second / 2, {'a': [True, None, 1.5, (1, Day)]}, name=7,"
        "description='text', labels={'a': 'b'}, timeout=5 * Second, max_connections=10, seed=3, payload_time='now')"
    ).steps
    assert isinstance(bare, AttackTest)
    assert bare.command() == {
        "testType": "session",
        "attackDuration": "1m0s",
        "numMessages": 10,
        "per": "1s",
        "params": {},
    }
    assert isinstance(full, AttackTest)
    assert full.command() == {
        "name": "7",
        "description": "text",
        "testType": "session",
        "attackDuration": "1m30s",
        "numMessages": 0,
        "per": "500ms",
        "params": {"a": [True, None, 1.5, [1, "24h0m0s"]]},
        "labels": [["a", "b"]],
        "timeout": "5s",
        "maxConnections": 10,
        "seed": 3,
        "payloadTime": "now",
    }


def test_tests_go_to_the_load_tester_that_was_set_when_they_were_added() -> None:
    """The URL is the test's own, else the one set last, else that of the command line."""
    plan = plan_of(
        f"{ATTACK}\nset_load_tester_url('http://a.test/')\n{ATTACK}\nset_load_tester_url(None)\n"
        f"add_vegeta_test(Minute, 'session', 10, '1s', {{}}, url='https://b.test/x/')\nset_load_tester_url()\n{ATTACK}"
    )
    urls = [step.url for step in plan.steps if isinstance(step, AttackTest)]
    assert urls == [LOAD_SERVER, "http://a.test", "https://b.test/x", LOAD_SERVER]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("Minute, 'session', 10.5, '1s', {}", "freq must be a whole number, not the float 10.5"),
        ("Minute, 'session', True, '1s', {}", "freq must be a whole number, not the bool True"),
        ("Minute, 'session', -1, '1s', {}", "freq must be at least 0 and at most 9223372036854775807, not -1"),
        ("Minute, 'session', 1 << 64, '1s', {}", "freq must be at least 0"),
        ("0 * Minute, 'session', 1, '1s', {}", "duration must be above zero, not 0s"),
        ("60, 'session', 1, '1s', {}", 'duration must be a duration like 30 * Second or "30s", not the int 60'),
        ("'soon', 'session', 1, '1s', {}", "duration: 'soon' is not a duration"),
        ("Minute, 'session', 1, -Second, {}", "per must be above zero, not -1s"),
        ("Minute, '', 1, '1s', {}", "test_type must be the name of a test type, not the string ''"),
        ("Minute, None, 1, '1s', {}", "test_type must be the name of a test type, not None"),
        ("Minute, 'session', 1, '1s', None", "config must be a dict, {} for all defaults, not None"),
        ("Minute, 'session', 1, '1s', {1: 2}", "config: the keys must be strings, not the int 1"),
        (
            "Minute, 'session', 1, '1s', {'a': [{Second: 2}]}",
            "config.a[0]: the keys must be strings, not the duration 1s",
        ),
        ("Minute, 'session', 1, '1s', {'a': 1 << 63}", "config.a: 9223372036854775808 does not fit into 64 bits"),
        ("Minute, 'session', 1, '1s', {'a': len}", "a value of type function cannot be part of a plan"),
        ("Minute, 'session', 1, '1s', {'a': range(3)}", "a value of type range cannot be part of a plan"),
        ("Minute, 'session', 1, '1s', {'a': [1, {'b': float('inf')}]}", "config: +inf cannot be written as JSON"),
        ("Minute, 'session', 1, '1s', {'a': (float('nan'),)}", "config: nan cannot be written as JSON"),
        ("Minute, 'session', 1, '1s', {}, labels='a'", "labels must be a dict like"),
        ("Minute, 'session', 1, '1s', {}, labels={'a': 1}", "labels[0] must be a label with at least one text"),
        ("Minute, 'session', 1, '1s', {}, labels=[['a', 'b'], ['c']]", "labels[1] must be a label with at least one"),
        ("Minute, 'session', 1, '1s', {}, labels=['ab']", "labels[0] must be a label with at least one text"),
        ("Minute, 'session', 1, '1s', {}, url='localhost:8000'", "is not the URL of a load tester; write it like http"),
        ("Minute, 'session', 1, '1s', {}, produce_report=1", "produce_report must be True or False, not the int 1"),
        ("Minute, 'session', 1, '1s', {}, timeout=0 * Second", "timeout must be above zero"),
        ("Minute, 'session', 1, '1s', {}, max_connections=0", "max_connections must be at least 1"),
        ("Minute, 'session', 1, '1s', {}, seed=-1", "seed must be at least 0"),
        ("Minute, 'session', 1, '1s', {}, frequency=1", "Found `frequency` extra named parameter(s)"),
        ("Minute, 'session', 1, '1s'", "Missing parameter `config` for call to `add_vegeta_test`"),
    ],
)
def test_a_wrong_argument_is_refused_at_its_line(arguments: str, message: str) -> None:
    """The error names the argument, what is wrong with it, and the line of the call."""
    error = error_of(f"\n\nadd_vegeta_test({arguments})")
    assert error.startswith("plan.star:3: ")
    assert message in error


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("set_load_tester_url(None)\n" + ATTACK, "plan.star:2: the test has no URL"),
        ("set_load_tester_url('ftp://a.test')", "plan.star:1: 'ftp://a.test' is not the URL of a load tester"),
        ("set_load_tester_url('http://[::1')", "plan.star:1: 'http://[::1' is not a URL: Invalid port"),
        ("x = [1]\nx[0:1] += [2]", "plan.star:2: left-hand-side of assignment must take the form"),
        ("add_sleep(-Second)", "plan.star:1: a sleep cannot last -1s"),
        ("add_run_external('ls')", "plan.star:1: the command must be a list of strings"),
        ("add_run_external([])", "plan.star:1: the command must be a list of strings"),
        ("add_run_external([''])", "plan.star:1: the command must name a program"),
        ("add_locust_test(Minute, 1.5)", "plan.star:1: users must be a whole number, not the float 1.5"),
        ("add_locust_test(Minute, 1, spawn_rate='x')", "plan.star:1: spawn_rate must be a whole number"),
        ("fail('no', Minute)", "plan.star:1: no 1m0s"),
        ("x = 1\nx = undefined", "plan.star:2: Variable `undefined` not found"),
        ("x = [1,\n", "plan.star:1: syntax error: unexpected new line here"),
        ("while True: pass", "plan.star:1: syntax error: cannot use reserved keyword `while`"),
        ("x = 1 < 2 < 3", "plan.star:1: syntax error: unexpected symbol '<' here"),
        ("x = 'a' 'b'", "plan.star:1: syntax error: unexpected string literal"),
        ("x = 'a' f'b'", "plan.star:1: syntax error: unexpected"),
        ("match = 1\nprint = match x", "plan.star:2: syntax error"),
        ("x = 5\nx.format", "plan.star:2: Object of type `int` has no attribute `format`"),
        ("x = 3 // 0", "plan.star:1: Floor division by zero: 3 // 0"),
    ],
)
def test_a_wrong_statement_is_refused_at_its_line(statement: str, message: str) -> None:
    """Mistakes of all kinds name file and line."""
    assert error_of(statement).startswith(message)


def test_an_error_in_a_function_shows_who_called_it() -> None:
    """The line of the error comes first, then the calls that led there, innermost first."""
    error = error_of("def f(d):\n    return d + 1\n\ndef g():\n    return f(Second)\n\ng()")
    assert error.split("\n")[1:] == ["    return d + 1", "  called from plan.star:5", "  called from plan.star:7"]
    assert error.startswith("plan.star:2: duration + int")


def test_very_long_lines_are_cut_in_messages() -> None:
    """A message stays readable whatever the script looks like."""
    assert len(error_of("x = [" + "1, " * 10_000 + "Second + 1]")) < 400


def test_very_large_values_are_cut_in_messages() -> None:
    """A value of the script that the interpreter shows in a message cannot fill the screen."""
    error = error_of("x = [Second] * 10000\nx.index(Minute)")
    assert error.startswith("plan.star:2: Element '1m0s' not found in '[1s, 1s, ")
    assert len(error) < 500


def test_neighbouring_files_can_be_loaded_once() -> None:
    """`load` finds files relative to the file it is in; each is evaluated once; its steps count."""
    files = {
        "lib/rates.star": "load('more/base.star', 'BASE')\nRATE = BASE * 2\ndef test(n):\n    "
        "add_vegeta_test(PAUSE * n, 'session', RATE, '1s', {})\nPAUSE = 2 * Second\nadd_sleep(PAUSE)",
        "lib/more/base.star": "BASE = 5",
    }
    plan = plan_of("load('lib/rates.star', 'test', r='RATE')\nload('./lib/rates.star', 'PAUSE')\ntest(r)", files)
    sleep, attack = plan.steps
    assert isinstance(sleep, Sleep)
    assert str(sleep.place) == "lib/rates.star:6"
    assert isinstance(attack, AttackTest)
    assert (attack.num_messages, str(attack.duration)) == (10, "20s")


@pytest.mark.parametrize(
    ("script", "files", "message"),
    [
        ("load('a.star', 'x')", {}, "plan.star:1: there is no file a.star"),
        ("load('a.star', 'x')", {"a.star": "y = 1"}, "plan.star:1: Module has no symbol `x`"),
        ("load('a.star', '_x')", {"a.star": "_x = 1"}, "plan.star:1: Cannot import private symbol `_x`"),
        ("\nload('a.txt', 'x')", {}, "plan.star:2: 'a.txt': a script's name must end in .star or .py"),
        ("load('../a.star', 'x')", {}, "plan.star:1: '../a.star' is outside of the script's directory"),
        ("load('/a.star', 'x')", {}, "plan.star:1: '/a.star' is outside of the script's directory"),
        ("load('a.star', 'x')", {"a.star": "\nx = Second + 1"}, "a.star:2: duration + int is not possible"),
        ("load('a.star', 'x')", {"a.star": "\nx = ("}, "a.star:2: syntax error"),
        (
            "load('a.star', 'x')",
            {"a.star": "load('b.star', 'x')", "b.star": "\nload('a.star', 'x')"},
            "b.star:2: files load each other in a circle: a.star -> b.star -> a.star",
        ),
        ("load('plan.star', 'x')", {}, "plan.star:1: files load each other in a circle: plan.star -> plan.star"),
        ("load('a.star', 'f')\nf(1)", {"a.star": "def f(d):\n    return d + Second"}, "a.star:2: int + duration"),
    ],
)
def test_wrong_loads_are_refused_at_their_line(script: str, files: dict[str, str], message: str) -> None:
    """Missing files, names and circles are errors of the file and line they stand in."""
    assert error_of(script, files).startswith(message)


def test_files_on_disk_load_their_neighbours_but_nothing_outside(tmp_path: Path) -> None:
    """Also a link out of the script's directory is refused; messages name files as the user called them."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.star").write_text("x = 1")
    (inside / "link.star").symlink_to(tmp_path / "secret.star")
    (inside / "near.star").write_bytes(b"\xef\xbb\xbfx = 2 * Second\r\nadd_sleep(x)\r\n")
    script = inside / "plan.py"
    script.write_text("load('near.star', 'x')\nadd_sleep(x)")
    assert [str(step.place) for step in evaluated(script).steps] == [f"{inside}/near.star:2", f"{script}:2"]
    script.write_text("load('link.star', 'x')")
    with pytest.raises(ScriptError, match=r"plan\.py:1: 'link\.star' is outside of the script's directory"):
        evaluated(script)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("plan.txt", b"", "a script's name must end in .star or .py"),
        ("plan.star", None, "the file cannot be read: No such file or directory"),
        ("plan.star", b"x = '\xff'", "the file is not UTF-8 text"),
        ("plan.star", b"x = '\0'\ny = 1 +", "syntax error"),
    ],
)
def test_files_that_are_no_scripts_are_refused(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    """Wrong names, missing files and binary content are errors that name the file."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ScriptError, match=message) as caught:
        evaluated(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))


def test_a_name_that_cannot_be_shown_is_refused() -> None:
    """Names of files need not be text; those of scripts appear in messages, and must be."""
    with pytest.raises(ScriptError, match=r"^a\\udcff.star: a script's name must be UTF-8 text$"):
        evaluated(Path("a\udcff.star"))


@pytest.mark.parametrize(
    "script",
    [
        "for i in range(10000000):\n    for j in range(10000000):\n        pass",
        "x = [i for i in range(10000000) for j in range(10000000) if j < 0]",
        "def f(n):\n    if n:\n        f(n - 1)\n        f(n - 1)\nf(500)",
    ],
)
def test_a_script_without_end_is_ended(script: str) -> None:
    """Loops in loops and calls that multiply end when the time is up, with a message that says so."""
    seconds = itertools.count()
    budget = Budget(Limits(seconds=100), clock=lambda: float(next(seconds)))
    assert "gave up after 100 s of computing: is there a loop that does not end?" in error_of(script, budget=budget)


def test_a_script_that_eats_memory_is_ended() -> None:
    """The process may grow only so much while a script is evaluated."""
    growth = itertools.count(step=1 << 20)
    budget = Budget(Limits(size_bytes=64 << 20), memory=lambda: next(growth))
    error = error_of("x = [1]\nfor i in range(1000000):\n    x.append(i)", budget=budget)
    assert "gave up after using 64 MiB of memory" in error


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("def f():\n    return f()\nf()", "plan.star:2: calls are nested too deeply"),
        ("x = [0] * 10000000000", "plan.star:1: the result would have 10000000000 elements"),
        ("x = 10000000000 * 'ab'", "plan.star:1: the result would have 20000000000 elements"),
        ("x = 'a' * 40000000\nx = x + x", "plan.star:2: the result would have 80000000 elements"),
        ("x = list(range(1000000000))", "plan.star:1: a range of 1000000000 numbers is too long"),
        ("def f(n):\n    return f(n * n)\nf(3)", "plan.star:2: a whole number would have more than 100000 bits"),
        ("x = -3\nfor i in range(99):\n    x *= x", "plan.star:3: a whole number would have more than 100000 bits"),
        ("x = [1]\nfor i in range(99):\n    x[0] <<= 9999", "plan.star:3: a whole number would have more than 100000"),
        ("x = int('9' * 40000)", "plan.star:1: a whole number of 40000 digits is too long; the limit is 30103"),
        ("x = " + "9" * 5000, "plan.star:1: syntax error: Exceeds the limit (4300 digits)"),
        (
            "add_vegeta_test('1s', 'any', 1, '1s', {'a': 1 << 60000})",
            "plan.star:1: a whole number does not fit into 64 bits",
        ),
        (
            "x = 1\nfor i in range(101):\n    x = [x]\nadd_vegeta_test('1s', 'any', 1, '1s', {'a': x})",
            "plan.star:4: config: lists and dicts are nested more than 100 levels deep",
        ),
        (
            "x = 'a'\nfor i in range(2000):\n    x = [x]\nadd_run_external(x)",
            "plan.star:4: a list that is nested this deeply cannot be part of a plan",
        ),
        ("x = " + "[" * 500 + "]" * 500, "plan.star:1: syntax error: too many nested parentheses"),
        (
            "x = []\nx.append(x)\nadd_run_external(x)",
            "plan.star:3: a list that contains itself cannot be part of a plan",
        ),
    ],
)
def test_a_script_without_measure_is_refused(script: str, message: str) -> None:
    """Endless recursion, gigantic values and endless nesting are errors, not the end of the process."""
    assert error_of(script).startswith(message)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'%i|%d' % (5, 6)", "5|6"),
        ("'%i %% %%i %i%%' % (3.7, 1)", "3 % %i 1%"),
        ("'%c%c' % (65, 'é')", "Aé"),
        ("'%(a)s is %(b)i of %(a)r%%' % {'a': 'x', 'b': 2}", 'x is 2 of "x"%'),
        ("'%s %(a)s' % {'a': Second}", '{"a": 1s} 1s'),
        ("[c + '.' for c in 'aé'.codepoints()]", ["a.", "é."]),
        ("list('aé'.codepoint_ords())", [97, 233]),
    ],
)
def test_what_is_peculiar_to_gos_starlark_works(expression: str, value: object) -> None:
    """Formats and methods that the interpreter lacks, or understands differently, do what they do upstream."""
    assert value_of(expression) == value


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("'%i %i' % 1", "Not enough arguments for format string"),
        ("'%i' % (1, 2)", "Too many arguments for format string"),
        ("'%(a)s %s' % {'a': 1}", "Not enough arguments for format string"),
        ("'%i' % 'a'", "Operation `format(%d)` not supported on type `string`"),
        ("'%c' % 'ab'", "%c needs a whole number or a string of one character"),
        ("'%(a)s' % (1,)", "%(a) needs a dict, not a value of type tuple"),
        ("'%(a)s' % {'b': 1}", 'Key `"a"` was not found'),
    ],
)
def test_wrong_formats_are_refused_at_their_line(expression: str, message: str) -> None:
    """Too few and too many values, and values of the wrong type, are errors of the line."""
    assert error_of(f"\nx = {expression}").startswith(f"plan.star:2: {message}")


def test_scripts_may_shadow_what_they_find_defined() -> None:
    """A script's own names do not break the operators."""
    assert value_of("[str, d * 2, mine(d)]", "str = 1\nlen = 2\nd = Second\ndef mine(type):\n    return type") == [
        1,
        "2s",
        "1s",
    ]


def test_ten_thousand_tests_become_a_plan_of_ten_thousand_steps() -> None:
    """Large plans are complete and in order; how fast is shown by the benchmark."""
    plan = plan_of(
        "for i in range(10000):\n"
        "    add_vegeta_test(Second * (i + 1), 'session', i, '1s', {'startedRange': Minute}, name='t%d' % i)"
    )
    assert [step.title for step in plan.steps] == [f"t{number}" for number in range(10_000)]
