"""What is said of objects, before any server sees it."""

from __future__ import annotations

import pytest

import maskstream


def test_a_click_is_on_the_object_unless_it_says_otherwise() -> None:
    prompt = maskstream.points(1, [(5, 6), (7, 8, 1), (9, 9, 0), (1, 2, False)])
    assert prompt.points == [(5, 6, True), (7, 8, True), (9, 9, False), (1, 2, False)]


@pytest.mark.parametrize("click", [(1, 2, 7), (1, 2, -1), (1,), (1, 2, 1, 1)])
def test_another_form_of_a_click_is_refused(click: tuple[float, ...]) -> None:
    with pytest.raises(maskstream.MaskstreamError, match=r"got \(1,") as refused:
        maskstream.points(1, [click])
    assert refused.value.code == "invalid-prompt"
