"""A visitor's drawing: what the canvas says is taken once, and never mistaken for something older."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from tests.dashboard.test_pages import a_seven, as_png, draw


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A drawing that nothing is drawn on yet."""
    draw(monkeypatch, None)
    found = import_module("dashboard.parts.canvas").Drawing()
    found.show()
    return found


def strokes(n: int) -> list[dict[str, Any]]:
    return [{"type": "Path", "path": [["M", number, 0]]} for number in range(n)]


def paper() -> bytes:
    return as_png(np.zeros((28, 28, 4), np.uint8))


def seven() -> bytes:
    return as_png(a_seven())


def test_every_stroke_is_a_state_that_undo_goes_back_to(drawing: Any) -> None:
    drawing.hear(drawing.mark, strokes(1), seven)
    drawing.hear(drawing.mark, strokes(2), seven)
    drawing.hear(drawing.mark, strokes(2), seven)  # the page ran again
    assert [len(state.strokes) for state in drawing.states] == [0, 1, 2]
    drawing.undo()
    assert drawing.first_shown == strokes(1)
    assert len(drawing.sheet().prepared.found) == 1
    drawing.undo()
    drawing.undo()
    assert [state.strokes for state in drawing.states] == [()]


def test_clear_can_be_undone(drawing: Any) -> None:
    drawing.hear(drawing.mark, strokes(2), seven)
    drawing.clear()
    assert drawing.first_shown == []
    assert drawing.sheet() is None
    drawing.undo()
    assert drawing.first_shown == strokes(2)


def test_late_words_about_what_was_undone_are_not_heard(drawing: Any) -> None:
    drawing.hear(drawing.mark, strokes(2), seven)
    late = drawing.mark
    drawing.undo()
    drawing.hear(late, strokes(2), seven)
    assert not drawing.states[-1].strokes
    drawing.hear(drawing.mark, [], paper)
    assert len(drawing.states) == 1
    drawing.hear(drawing.mark, strokes(1), seven)
    assert len(drawing.states[-1].strokes) == 1


def test_a_canvas_that_repeats_what_it_was_given_in_other_numbers_has_drawn_nothing(drawing: Any) -> None:
    drawing.hear(drawing.mark, strokes(2), seven)
    drawing.show()  # a visit to another page, and back
    rounded = [{**stroke, "left": 0.1} for stroke in strokes(2)]
    drawing.hear(drawing.mark, rounded, paper)
    assert len(drawing.states) == 2
    drawing.hear(drawing.mark, [*rounded, *strokes(1)], seven)
    assert drawing.states[-1].strokes == (*strokes(2), *strokes(1)), "strokes that it knew stay as they were"


def test_what_is_kept_of_a_long_visit_is_bounded(drawing: Any) -> None:
    for number in range(1, 300):
        drawing.hear(drawing.mark, strokes(number), paper)
    assert len(drawing.states) == 100
    first, last = drawing.states[0].strokes, drawing.states[-1].strokes
    assert all(early is late for early, late in zip(first, last, strict=False)), "each stroke is kept once"


def test_what_was_prepared_of_a_drawing_is_kept_until_it_changes_and_of_no_older_one(drawing: Any) -> None:
    drawing.hear(drawing.mark, strokes(1), seven)
    first = drawing.sheet()
    assert drawing.sheet() is first
    drawing.hear(drawing.mark, strokes(2), seven)
    assert drawing.sheet() is not first
    assert drawing.prepared[0] is drawing.states[-1]
    drawing.clear()
    assert drawing.sheet() is None
    assert drawing.prepared is None
