"""The project itself: what its tests, documents and tooling promise to whoever opens it."""

import ast
import fnmatch
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
IGNORED = [".git", *(line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split())]
SOURCE_FOLDERS = ("load_tester", "load_starter", "test_types", "bench")
# `come_true` waits for a condition and fails when it never holds.
ASSERTING_CALLS = {"raises", "warns", "fail", "assert_all_called", "assert_called", "come_true"}


def project_files(folder: Path = ROOT) -> Iterator[Path]:
    """The files of the project: all but those that git ignores."""
    for path in sorted(folder.iterdir()):
        if any(fnmatch.fnmatch(path.name, pattern) for pattern in IGNORED):
            continue
        if path.is_dir():
            yield from project_files(path)
        else:
            yield path


def relative(path: Path) -> str:
    """The path as it is written in documents."""
    return path.relative_to(ROOT).as_posix()


PYTHON_FILES = [path for path in project_files() if path.suffix == ".py"]
TEST_FILES = [path for path in PYTHON_FILES if path.name.startswith("test_") and "tests" in path.parts]
DOCUMENTS = [path for path in project_files() if path.suffix == ".md"]


def functions_of(tree: ast.Module) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions of a module by name, methods and inner ones included."""
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def called(function: ast.AST) -> set[str]:
    """The last names of everything that is called in a function."""
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return {call.id if isinstance(call, ast.Name) else getattr(call, "attr", "") for call in calls}


def asserts(name: str, functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef], seen: frozenset[str]) -> bool:
    """Whether a function asserts something, itself or through functions of its module."""
    function = functions[name]
    if any(isinstance(node, ast.Assert) for node in ast.walk(function)) or called(function) & ASSERTING_CALLS:
        return True
    return any(
        asserts(other, functions, seen | {name}) for other in called(function) & functions.keys() - seen - {name}
    )


@pytest.mark.parametrize("path", TEST_FILES, ids=relative)
def test_every_test_is_a_promise(path: Path) -> None:
    """Each test says in a sentence what it promises, and asserts something."""
    functions = functions_of(ast.parse(path.read_text()))
    tests = [name for name in functions if name.startswith("test_")]
    assert tests, "a test file without tests"
    assert [name for name in tests if not (ast.get_docstring(functions[name]) or "").endswith((".", "!", "?"))] == []
    assert [name for name in tests if not asserts(name, functions, frozenset())] == []


def test_tests_do_not_patch_and_do_not_sleep() -> None:
    """Nothing of ours is patched in a test, and no test hopes that a while is long enough."""
    forbidden = re.compile(r"monkeypatch\.setattr|mock\.patch|unittest\.mock|\btime\.sleep\(|asyncio\.sleep\([1-9]")
    found = [
        f"{relative(path)}: {match[0]}"
        for path in TEST_FILES
        if path != Path(__file__)
        for match in forbidden.finditer(path.read_text())
    ]
    assert found == []


def test_no_file_names_this_machine_or_a_package_host() -> None:
    """What is built here can be built anywhere: no path of a developer's machine, no host of a package registry."""
    hosts = ["py" + "pi.org", "python" + "hosted", "registry." + "npmjs", "proxy." + "golang", "crates" + ".io/api"]
    places = ["/" + "work/", "/" + "root/"]  # made-up homes in examples are fine
    found = []
    for path in project_files():
        text = path.read_bytes().decode(errors="ignore")
        found += [f"{relative(path)}: {word}" for word in hosts + places if word in text]
    assert found == []


def test_every_make_target_is_explained() -> None:
    """`make` lists all that can be made: each target that is a command has its line of help."""
    makefile = (ROOT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index]  # it is there
    explained = set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))
    assert explained == phony >= {"help", "venv", "test", "check", "format", "bench", "demo", "lock", "clean"}


def test_scripts_are_there_and_can_be_run() -> None:
    """What the Makefile and CI call exists, is executable, and stops at the first error."""
    scripts = [ROOT / ".ci" / "run", *(ROOT / "scripts").glob("*.sh")]
    assert len(scripts) >= 3
    for script in scripts:
        assert script.stat().st_mode & 0o111, script
        assert "set -euo pipefail" in script.read_text(), script


def test_there_are_two_commands() -> None:
    """The project installs `load-tester` and `load-starter`, and documents speak of no third one."""
    commands = set(PYPROJECT["project"]["scripts"])
    assert commands == {"load-tester", "load-starter"}
    for path in DOCUMENTS:
        blocks = re.findall(r"^```\w*\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
        used = {word for block in blocks for word in re.findall(r"^\$? *(load-[a-z]+)\b", block, re.MULTILINE)}
        assert used <= commands, relative(path)


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_documents_have_no_dead_links(path: Path) -> None:
    """Each relative link of a document leads to a file of the project."""
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    dead = [target for target in targets if "://" not in target and not (path.parent / target).exists()]
    assert dead == []


def test_the_changelog_has_room_for_what_comes() -> None:
    """Changes are written down with the change, so there is a place for the unreleased ones, and it is the first."""
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0].strip("[]") == "Unreleased"


def test_modules_stay_small() -> None:
    """A module has one noun: most stay under 300 lines, and none grows beyond 500."""
    lengths = {
        relative(path): len(path.read_text().splitlines())
        for path in PYTHON_FILES
        if relative(path).startswith(SOURCE_FOLDERS)
    }
    assert {name: length for name, length in lengths.items() if length > 500} == {}
    assert sum(length <= 300 for length in lengths.values()) >= 0.85 * len(lengths)


def test_the_lock_holds_exact_versions_only() -> None:
    """Each line of the lock is one exact version; no address of where to find it."""
    lines = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+(?: ; .+)?", line)] == []


def test_the_lock_covers_what_is_declared() -> None:
    """Every declared dependency is locked, in a version that the declaration allows."""
    locked = dict(
        line.split("==") for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")
    )
    versions = {canonicalize_name(name): version for name, version in locked.items()}
    declared = [*PYPROJECT["project"]["dependencies"], *PYPROJECT["dependency-groups"]["dev"]]
    for requirement in map(Requirement, [*declared, *PYPROJECT["build-system"]["requires"]]):
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{requirement} is not locked; run make lock"
        assert requirement.specifier.contains(versions[name]), f"{requirement} forbids the locked {versions[name]}"
