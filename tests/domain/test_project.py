"""Projects: made up from a number or listed in a file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.project import ListedProjects, MadeUpProjects, Project


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
