"""The live curves, which the browser draws: how many points they have, and what is written on their axes."""

import re
from collections.abc import Sequence

from nnlib.runs import RunStore
from nnlib.training import EpochRecord, Progress, TrainingConfig
from tests.browser.app import App, Visitor
from tests.browser.conftest import Visit

# of each canvas, the letters of its newest drawing
NOTE_LETTERS = """(() => {
    const {fillText, clearRect} = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.clearRect = function (...place) {
        this.canvas.letters = [];
        return clearRect.apply(this, place);
    };
    CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
        (this.canvas.letters ??= []).push(text);
        return fillText.call(this, text, ...place);
    };
})()"""


def learned(app: App, losses: list[float], epochs: int, within: Sequence[float] = ()) -> int:
    """A run that was stopped after as many of its epochs as there are losses, with points `within` some of them."""
    store = RunStore(app.home)
    run_id = store.create_run(TrainingConfig(epochs=epochs), "drawn")
    for epochs_done in within:
        store.append(run_id, Progress(epochs_done, round(10 * epochs_done), 0.001, 1.0, 0.5, 1.0))
    for epoch, loss in enumerate(losses, start=1):
        accuracy = 1 - 0.2 / epoch
        store.append(
            run_id, EpochRecord(epoch, 10 * epoch, 0.001, loss, accuracy, loss, accuracy, (1.0,) * 4, (0,) * 3, epoch)
        )
    store.set_state(run_id, "stopped")
    store.close()
    return run_id


def axes(someone: Visitor, chart: str) -> tuple[list[str], str, list[str]]:
    """What is written at a chart's axes: the epochs, what the other one is called, and the numbers on that."""
    canvas = someone.keyed("curves").locator(f".{chart} canvas")
    someone.wait_until(lambda: bool(canvas.evaluate("canvas => canvas.letters")), f"{chart} is drawn")
    epochs, *found = canvas.evaluate("canvas => canvas.letters.filter(text => text && text !== '!')")
    assert epochs == "epochs (passes over all training digits)"
    (place,) = [place for place, text in enumerate(found) if re.search("[a-z].*[(]", text)]
    return found[:place], found[place], found[place + 1 :]


def open_curves(visit: Visit, run_id: int) -> Visitor:
    """The page Train with the curves of that run."""
    return visit(f"/train?run={run_id}", script=NOTE_LETTERS)


def are_plain(numbers: list[str]) -> bool:
    """Whether they are a few numbers as people write them: 0.05, 1,000 or 10 million."""
    written = re.compile(r"[\d,]+(\.\d+)?( [mbtr]+illion)?")
    return 2 <= len(numbers) == len(set(numbers)) <= 6 and all(written.fullmatch(number) for number in numbers)


def test_every_epoch_of_both_kinds_of_digits_is_drawn(visit: Visit, app: App) -> None:
    someone = open_curves(visit, learned(app, [2.0, 0.5, 0.1], 10))
    someone.wait_until(lambda: someone.live_points() == 2 * 3, "three epochs have two points each")


def test_no_line_leaps_over_epochs_that_were_too_quick_for_points_within(visit: Visit, app: App) -> None:
    someone = open_curves(visit, learned(app, [0.5] * 5, 10, within=[0.5, 4.5]))
    someone.wait_until(
        lambda: someone.live_points() == 2 * 5 + 2 + 3, "the second to fourth epoch stand for themselves"
    )


def test_axes_are_linear_and_plain_and_leave_room_for_the_epochs_to_come(visit: Visit, app: App) -> None:
    someone = visit("/train", script=NOTE_LETTERS)
    for epochs in (1, 3, 10, 300, 1000):
        someone.open(f"/train?run={learned(app, [2.0], epochs)}")
        for chart, name, highest in (("loss", "loss (0 is perfect)", 2), ("accuracy", "digits read right (%)", 100)):
            passes, called, numbers = axes(someone, chart)
            assert (called, float(numbers[-1])) == (name, highest)
            assert are_plain(numbers)
            assert are_plain(passes)
            assert 0.7 * epochs <= float(passes[-1].replace(",", "")) <= epochs


def test_the_loss_of_a_training_that_blows_up_has_a_logarithmic_axis_that_can_be_read(visit: Visit, app: App) -> None:
    someone = visit("/train", script=NOTE_LETTERS)
    for losses, lowest, highest in (
        ([2.3, 12.0], "2", "10"),
        ([20.0] * 3, "10", "50"),
        ([2.3, 20.0, 300.0], "10", "100"),
        ([10.0**power for power in range(0, 20, 2)], "1", "1 trillion"),
        ([2.3, 1e30], "100", "1 trillion"),
        ([1e30] * 2, "500 billion", "2 trillion"),
    ):
        someone.open(f"/train?run={learned(app, losses, 10)}")
        _, called, numbers = axes(someone, "loss")
        assert called == "loss (log scale)"
        assert are_plain(numbers)
        assert (numbers[0], numbers[-1]) == (lowest, highest)


def test_a_zoom_stays_while_the_curve_grows(visit: Visit, learning_run: int) -> None:
    someone = open_curves(visit, learning_run)
    someone.wait_for_live_points(10)
    before = axes(someone, "loss")
    paper = someone.keyed("curves").locator(".loss .u-over")
    box = paper.bounding_box()
    assert box is not None
    mouse = someone.page.mouse
    mouse.move(box["x"] + 2, box["y"] + box["height"] * 0.3)
    mouse.down()
    mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.8, steps=4)
    mouse.up()
    someone.wait_until(lambda: axes(someone, "loss") != before, "it is zoomed in")
    zoomed = axes(someone, "loss")
    someone.wait_for_live_points(someone.live_points() + 10)
    assert axes(someone, "loss") == zoomed
    paper.dblclick()
    someone.wait_until(lambda: axes(someone, "loss")[0] == before[0], "it is whole again")
