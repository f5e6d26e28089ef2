"""What a targeter may say of its targets."""

import pytest

from load_tester.domain.request import MAX_TARGETS, Request, Targeter


def test_there_are_only_so_many_names_of_targets() -> None:
    """Figures are kept for each name, in memory; targets of one name share them."""
    names = tuple(f"target {number}" for number in range(MAX_TARGETS))
    Targeter(lambda _seq, _now_ns: Request("GET", "/"), targets=names * 3)
    with pytest.raises(ValueError, match="up to 100 different targets"):
        Targeter(lambda _seq, _now_ns: Request("GET", "/"), targets=(*names, "other"))
