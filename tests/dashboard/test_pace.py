"""How often a page may ask for news: all who watch share a part of one processor."""

from collections.abc import Iterator

import pytest

from dashboard import pace

COST = 0.01


@pytest.fixture(autouse=True)
def nobody_watches() -> Iterator[None]:
    pace._costs.clear()
    yield
    pace._costs.clear()


def test_one_viewer_asks_as_often_as_is_of_use() -> None:
    assert pace.seconds(COST, "one", now=0) == pace.LEAST_SECONDS
    assert pace.seconds(COST, "one", least=5, now=1) == 5


def test_many_viewers_take_no_more_than_their_share() -> None:
    for number in range(100):
        seconds = pace.seconds(COST, str(number), now=number / 100)
    assert 100 * COST / seconds == pytest.approx(pace.SHARE)


def test_who_no_longer_asks_is_forgotten() -> None:
    for number in range(100):
        pace.seconds(COST, str(number), now=0)
    assert pace.seconds(COST, "new", now=pace.FORGOTTEN_SECONDS + 1) == pace.LEAST_SECONDS


def test_a_page_that_takes_long_is_asked_for_less_often() -> None:
    assert pace.seconds(10 * pace.SHARE, "slow", now=0) == pytest.approx(10)


def test_made_up_names_do_not_add_up_for_ever() -> None:
    for number in range(2 * pace.MOST_VIEWERS):
        pace.seconds(COST, str(number), now=0)
    assert len(pace._costs) == pace.MOST_VIEWERS
