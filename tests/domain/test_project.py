"""Projects: made up from a number or listed in a file."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.project import InvalidProjects, ListedProjects, MadeUpProjects, Project, decode_projects

ENTRY = {"project_id": "7", "project_key": "ab12"}


@given(st.integers(0, 10**9))
def test_a_made_up_key_tells_its_project(index: int) -> None:
    """Behind a run of `a`s the 32 characters of a key are the project's id, so a fake Sentry can tell them apart."""
    project = MadeUpProjects().at(index)
    assert project.project_id == str(index + 1)
    assert len(project.project_key) == 32
    assert project.project_key.lstrip("a") == project.project_id


def test_made_up_projects_are_named_after_their_id() -> None:
    """A made-up project has a slug and an organization, and no access token."""
    expected = Project("123", "a" * 29 + "123", "", "project-123", "organization-123")
    assert MadeUpProjects().at(122) == expected
    MadeUpProjects().check(10**9)


def test_there_are_no_made_up_projects_before_the_first() -> None:
    """A negative index is nobody's project."""
    with pytest.raises(IndexError):
        MadeUpProjects().at(-1)


def test_listed_projects_count_from_the_first() -> None:
    """Index 0 is the first entry of the file, and the last one can be reached too."""
    listed = ListedProjects([Project("5", "k5"), Project("6", "k6")])
    assert [listed.at(0).project_id, listed.at(1).project_id] == ["5", "6"]
    for index in (-1, 2):
        with pytest.raises(IndexError):
            listed.at(index)


def test_asking_for_more_projects_than_are_listed_says_how_many_there_are() -> None:
    """Too short a file is refused before anything starts; one as long as asked for is fine."""
    listed = ListedProjects([Project("5", "k5"), Project("6", "k6")])
    listed.check(2)
    with pytest.raises(ValueError, match="3 projects are asked for, but the projects file lists only 2"):
        listed.check(3)


def test_a_projects_file_is_read_in_its_order() -> None:
    """Optional fields may be missing, further fields do not matter."""
    second = {**ENTRY, "project_id": "8", "access_token": "t", "project_slug": "p", "organization_slug": "o", "x": 1}
    projects = decode_projects(json.dumps([ENTRY, second]).encode())
    assert projects == (Project("7", "ab12"), Project("8", "ab12", "t", "p", "o"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "Input data was truncated"),
        ("{}", r"Expected `array`, got `object`"),
        ("[]", "it is empty"),
        ([{"project_id": "7"}], r"missing required field `project_key` - at `\$\[0\]`"),
        ([ENTRY, {**ENTRY, "project_id": 7}], r"Expected `str`, got `int` - at `\$\[1\]\.project_id`"),
        ([{**ENTRY, "project_id": ""}], r"\$\[0\]\.project_id"),
        ([{**ENTRY, "project_id": "7/../8"}], r"\$\[0\]\.project_id"),
        ([{**ENTRY, "project_id": "7\n"}], r"\$\[0\]\.project_id"),
        ([{**ENTRY, "project_key": "a\r\nX-Evil: 1"}], r"\$\[0\]\.project_key"),
        ([{**ENTRY, "project_key": "a,b"}], r"\$\[0\]\.project_key"),
        ([{**ENTRY, "access_token": "a\nb"}], r"\$\[0\]\.access_token"),
        ([{**ENTRY, "project_slug": "a b"}], r"\$\[0\]\.project_slug"),
    ],
)
def test_what_is_no_projects_file_is_refused_with_the_place(content: Any, words: str) -> None:
    """The message names entry and field; nothing that could break a request line or a header gets in."""
    text = content if isinstance(content, str) else json.dumps(content)
    with pytest.raises(InvalidProjects, match=words):
        decode_projects(text.encode())
