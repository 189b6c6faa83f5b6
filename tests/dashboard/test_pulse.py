"""How often a page may ask for news: all who watch share a part of one processor."""

from collections.abc import Iterator

import pytest

from dashboard.parts import pulse

COST = 0.01


@pytest.fixture(autouse=True)
def nobody_watches() -> Iterator[None]:
    pulse._costs.clear()
    yield
    pulse._costs.clear()


def test_one_viewer_asks_as_often_as_is_of_use() -> None:
    assert pulse.pace(COST, "one", now=0) == pulse.LEAST_SECONDS
    assert pulse.pace(COST, "one", now=1, least=5) == 5


def test_many_viewers_take_no_more_than_their_share() -> None:
    for number in range(100):
        seconds = pulse.pace(COST, str(number), now=number / 100)
    assert 100 * COST / seconds == pytest.approx(pulse.SHARE)


def test_who_no_longer_asks_is_forgotten() -> None:
    for number in range(100):
        pulse.pace(COST, str(number), now=0)
    assert pulse.pace(COST, "new", now=pulse.FORGOTTEN_SECONDS + 1) == pulse.LEAST_SECONDS


def test_a_page_that_takes_long_is_asked_for_less_often() -> None:
    assert pulse.pace(10 * pulse.SHARE, "slow", now=0) == pytest.approx(10)
