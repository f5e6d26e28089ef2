"""The Sentry projects that payloads are sent for: made up from their number, or listed in a file."""

from collections.abc import Sequence
from typing import Annotated, Final, Protocol

import msgspec

KEY_LENGTH: Final = 32

# Projects end up in request lines and headers: nothing in them may end a line or a path segment.
Segment = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._~-]+\Z", description="ASCII letters, digits and ._~-")]
Slug = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._~-]*\Z", description="ASCII letters, digits and ._~-")]
Key = Annotated[str, msgspec.Meta(pattern=r"\A[!-+\--~]+\Z", description="visible ASCII characters without the comma")]
Token = Annotated[str, msgspec.Meta(pattern=r"\A[!-~]*\Z", description="visible ASCII characters")]


class Project(msgspec.Struct, frozen=True):
    """One project: the fields of an entry of `projects.json`. `access_token` is a bearer token of Sentry's web API."""

    project_id: Segment
    project_key: Key
    access_token: Token = ""
    project_slug: Slug = ""
    organization_slug: Slug = ""


class ProjectProvider(Protocol):
    """Where projects come from."""

    def check(self, num_projects: int) -> None:
        """Raise `ValueError` with what is missing unless `num_projects` distinct projects can be provided."""

    def at(self, index: int) -> Project:
        """The project with the 0-based `index`, always the same one. Raises `IndexError` when there is none."""


class MadeUpProjects:
    """Projects 1, 2, 3 …, with a key a fake Sentry can turn back into the id: its digits behind a run of `a`s."""

    def check(self, num_projects: int) -> None:
        """Accept any number."""

    def at(self, index: int) -> Project:
        """The project with id `index + 1`."""
        if index < 0:
            raise IndexError(index)
        number = str(index + 1)
        return Project(
            project_id=number,
            project_key=("a" * KEY_LENGTH + number)[-KEY_LENGTH:],
            project_slug=f"project-{number}",
            organization_slug=f"organization-{number}",
        )


MADE_UP_PROJECTS: Final[ProjectProvider] = MadeUpProjects()


class ListedProjects:
    """The projects of a file, in its order."""

    def __init__(self, projects: Sequence[Project]) -> None:
        self.projects = tuple(projects)

    def check(self, num_projects: int) -> None:
        """Raise `ValueError` when the list is shorter than `num_projects`."""
        if num_projects > len(self.projects):
            raise ValueError(
                f"{num_projects} projects are asked for, but the projects file lists only {len(self.projects)}"
            )

    def at(self, index: int) -> Project:
        """The entry with the 0-based `index`."""
        if index < 0:
            raise IndexError(index)
        return self.projects[index]


def provider_of(projects: Sequence[Project] | None) -> ProjectProvider:
    """The provider of a projects file's projects; without a file, of made-up ones."""
    return MADE_UP_PROJECTS if projects is None else ListedProjects(projects)
