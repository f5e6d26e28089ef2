"""Reading `projects.json`: what is wrong is shown by line and column."""

import json
from pathlib import Path

import pytest

from load_tester.domain.project import Project
from load_tester.domain.projects_file import InvalidProjects, decode_projects

ENTRY = {"project_id": "7", "project_key": "ab12"}
GOOD = '{"project_id": "7", "project_key": "ab12"}'


def test_a_projects_file_is_read_in_its_order() -> None:
    """Optional fields may be missing; keys match without regard to case; a project can have several keys."""
    second = {"Project_Id": "8", "PROJECT_KEY": "k", "access_token": "t", "project_slug": "p", "organization_slug": "o"}
    projects = decode_projects(json.dumps([ENTRY, second, {**ENTRY, "project_key": "cd34"}]).encode())
    assert projects == (Project("7", "ab12"), Project("8", "k", "t", "p", "o"), Project("7", "cd34"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: not JSON: Expecting value"),
        ("[\n  " + GOOD + "\n  " + GOOD + "]", "3:3: not JSON: Expecting ',' delimiter"),
        ("[" * 100_000, "1:1: not a list of projects"),
        (" {}", "1:2: a projects file holds a list, in brackets"),
        ("\n[]", "2:1: the list of projects is empty"),
        (f"[{GOOD},\n  7]", "2:3: a project is an object, in braces"),
        ('[\n\n{"project_id": "7"}]', "3:1: the project has no project_key"),
        ("[{}]", "1:2: the project has no project_id and no project_key"),
        (
            '[{"project_id": "7",\n"project_key": "a",\n  "project_slog": "s"}]',
            "3:3: unknown field 'project_slog'; did you mean 'project_slug'? known: access_token, ",
        ),
        ('[{"project_id": "7", "project_key": "a", "Project_ID": "8"}]', "1:42: project_id is given twice"),
        ('[{"project_id":\n 7, "project_key": "a"}]', "2:2: project_id must be a text, in quotes"),
        ('[{"project_id": ' + "9" * 5000 + ', "project_key": "a"}]', "1:17: project_id must be a text, in quotes"),
        ('[{"project_id": "7", "project_key": null}]', "1:37: project_key must be a text, in quotes"),
        (f"[{GOOD},\n{GOOD}]", "2:1: project '7' is listed twice with the same key, first in line 1"),
        (
            '[{"project_id": 7, "project_key": "a"}, 8]',
            "1:17: project_id must be a text, in quotes (and 1 more mistake)",
        ),
        ('[7, {"x": 1}]', "1:2: a project is an object, in braces (and 2 more mistakes)"),
    ],
)
def test_what_is_no_projects_file_is_refused_with_line_and_column(text: str, message: str) -> None:
    """The first mistake is named, and how many more there are."""
    with pytest.raises(InvalidProjects) as caught:
        decode_projects(text.encode())
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("project_id", "", "ASCII letters, digits and ._~-"),
        ("project_id", "7/../8", "ASCII letters, digits and ._~-"),
        ("project_id", "7\n", "ASCII letters, digits and ._~-"),
        ("project_key", "a\r\nX-Evil: 1", "visible ASCII characters without the comma"),
        ("project_key", "a,b", "visible ASCII characters without the comma"),
        ("access_token", "a\nb", "visible ASCII characters"),
        ("project_slug", "a b", "ASCII letters, digits and ._~-"),
        ("organization_slug", "\ud800", "ASCII letters, digits and ._~-"),
    ],
)
def test_nothing_that_could_break_a_request_gets_in(field: str, value: str, allowed: str) -> None:
    """The message names the field and what it may consist of."""
    with pytest.raises(InvalidProjects) as caught:
        decode_projects(json.dumps([{**ENTRY, field: value}]).encode())
    assert caught.value.message == f"{field} must consist of {allowed}, not {value!r}"


def test_a_file_that_is_not_utf_8_is_refused_where_it_is_not() -> None:
    """As it may have been written by an old editor."""
    with pytest.raises(InvalidProjects, match="2:4: not UTF-8: "):
        decode_projects(b"[\n   \xe9]")


def test_thousands_of_projects_are_read() -> None:
    """One of them wrong is found by its line."""
    entries = [{"project_id": str(number), "project_key": "k"} for number in range(5000)]
    assert len(decode_projects(json.dumps(entries, indent=0).encode())) == 5000
    entries[4321]["project_key"] = ","
    with pytest.raises(InvalidProjects, match=f"^{2 + 4321 * 4 + 2}:16: project_key must consist of"):
        decode_projects(json.dumps(entries, indent=0).encode())


def test_the_file_of_the_documentation_is_one() -> None:
    """And with the slip that is shown below it, the error is the one that is shown."""
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    text = page.partition("```json\n")[2].partition("```")[0]
    assert [project.organization_slug for project in decode_projects(text.encode())] == ["", "acme"]
    shown = page.partition("/projects.json:")[2].partition("…")[0]
    with pytest.raises(InvalidProjects) as caught:
        decode_projects(text.replace("organization", "organisation").encode())
    assert str(caught.value).startswith(shown)
