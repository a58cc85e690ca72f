from pathlib import Path

import pytest

from ticketd.collect.inhand import InHand


def test_death_leaves_the_mark_and_an_error_does_not(tmp_path: Path) -> None:
    with InHand(tmp_path, "support") as first:
        assert first.left_over() is None
        with pytest.raises(ValueError, match="poison in 12"), first.holding(12):
            raise ValueError(f"poison in {first.left_over()}")
        assert first.left_over() is None
        first.mark(345)  # and the process dies here
    with InHand(tmp_path, "support") as second:
        assert second.left_over() == 345
        second.clear()
        assert second.left_over() is None


def test_each_mailbox_has_a_mark_of_its_own(tmp_path: Path) -> None:
    with InHand(tmp_path, "support") as support, InHand(tmp_path, "../sales") as sales, support.holding(7):
        assert sales.left_over() is None
    assert all(path.parent == tmp_path for path in tmp_path.iterdir())
