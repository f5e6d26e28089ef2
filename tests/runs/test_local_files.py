"""Which files of this machine parameters may name, and how much of them."""

import os
from pathlib import Path

import pytest

from load_tester.domain.files import CarriedFiles, FileUnavailable
from load_tester.runs.local_files import MAX_ALL_BYTES, MAX_FILE_BYTES, LocalFiles


def test_what_was_read_is_kept_for_the_workers(tmp_path: Path) -> None:
    """They get the same bytes by the same name, whatever has happened to the file since."""
    (tmp_path / "sub").mkdir()
    file = tmp_path / "sub" / "users.csv"
    file.write_bytes(b"a,b")
    files = LocalFiles(tmp_path)
    assert files.read("sub/users.csv") == b"a,b"
    file.write_bytes(b"other")
    assert files.read("sub/users.csv") == b"a,b"
    assert CarriedFiles(files.contents).read("sub/users.csv") == b"a,b"


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "link", "sub/../../secret"])
def test_nothing_outside_of_the_directory_can_be_read(tmp_path: Path, name: str) -> None:
    """Neither by going up, nor by an absolute path, nor by a link."""
    (tmp_path / "secret").write_text("x")
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(FileUnavailable, match=f"cannot read '{name}': it is not below"):
        LocalFiles(root).read(name)


@pytest.mark.parametrize(("name", "why"), [("nowhere", "no such file"), ("sub", "no such file"), ("a\0b", "no name")])
def test_what_is_no_file_is_told_by_name(tmp_path: Path, name: str, why: str) -> None:
    """The message names what was asked for."""
    (tmp_path / "sub").mkdir()
    with pytest.raises(FileUnavailable, match=why):
        LocalFiles(tmp_path).read(name)


def test_a_named_pipe_does_not_hold_up_its_reader(tmp_path: Path) -> None:
    """Opening one waits for a writer, who may never come."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileUnavailable, match="no such file"):
        LocalFiles(tmp_path).read("pipe")


def test_without_a_directory_there_are_no_files() -> None:
    """The message says how to name one."""
    with pytest.raises(FileUnavailable, match="--files DIR"):
        LocalFiles(None).read("users.csv")


def test_files_have_a_largest_size(tmp_path: Path) -> None:
    """One by itself, and all of an attack together: every worker gets them."""
    (tmp_path / "huge").touch()
    os.truncate(tmp_path / "huge", MAX_FILE_BYTES + 1)
    with pytest.raises(FileUnavailable, match="'huge': it is larger than"):
        LocalFiles(tmp_path).read("huge")
    files = LocalFiles(tmp_path)
    for number in range(MAX_ALL_BYTES // MAX_FILE_BYTES + 1):
        (tmp_path / str(number)).touch()
        os.truncate(tmp_path / str(number), MAX_FILE_BYTES)
    files.read("0")
    files.read("1")
    with pytest.raises(FileUnavailable, match="with '2' the files of one attack exceed"):
        files.read("2")
