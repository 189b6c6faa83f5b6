"""What is new of a run: for its pages, and for the browsers that ask beside them.

A run of a page, however small, takes the server ten times as long as an answer here. So browsers ask here, and
have their page run anew only where it has become another one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse

from dashboard import pace, resources
from dashboard.words import count, duration, number, sentence
from nnlib.errors import NnlibError
from nnlib.runs import Run, pace_of, say_happenings
from nnlib.training import STEERABLE, Advice, EpochRecord, Progress

SILENT_SECONDS = 10.0  # an epoch of a large network may take as long; beyond, people should know
EAGER_SECONDS = 0.15  # between two looks for the first point: whoever pressed Start is waiting
MARKS_SIDE_BY_SIDE = 60  # that a chart has room for
AN_ANSWER_SECONDS = 0.002  # of processor time
MOST_FIGURES, MOST_NAME = 15, 40  # of what is asked
STATES = {
    "queued": "waits in line",
    "running": "is learning",
    "paused": "is paused",
    "stopped": "was stopped",
    "finished": "is finished",
    "diverged": "failed: the loss grew beyond all numbers",
    "interrupted": "was interrupted",
    "failed": "failed",
}


def answer(request: Request) -> JSONResponse:
    """GET /news?run=RUN&after=STEP&viewer=NAME: see `tell`. Status 400 for what is no number, 404 for no run."""
    return answer_with(tell, request, "run")


def answer_with(tell: Callable[[int, int | None, str], dict[str, Any]], request: Request, what: str) -> JSONResponse:
    """What `tell` has to say of the number that is asked for under the name `what`, beyond `after` if that is asked."""
    asked = request.query_params
    number, after = asked.get(what, ""), asked.get("after", "0")
    if not (number.isdecimal() and after.isdecimal() and max(len(number), len(after)) <= MOST_FIGURES):
        problem = f"{what} and after must be whole numbers of at most {MOST_FIGURES} figures."
        return JSONResponse({"problem": problem}, 400)
    try:
        told = tell(int(number), int(after) if "after" in asked else None, asked.get("viewer", "")[:MOST_NAME])
        return JSONResponse(told)
    except NnlibError as error:
        return JSONResponse({"problem": sentence(str(error))}, 404)


def tell(run_id: int, after: int | None, viewer: str) -> dict[str, Any]:
    """What there is to say of a run; unless `after` is None, with its curves beyond that step.

    `shown` is what a page is built upon, `newest` the newest moment that can be looked at: where either changes,
    the page is another one. `ask_ms` says when this viewer may ask again. Raises UnknownRunError.
    """
    told = _tell(run_id, after, *resources.now())
    waits = told["active"] and after == 0 and not told["points"]
    least = EAGER_SECONDS if waits else pace.LEAST_SECONDS
    return {**told, "ask_ms": round(1000 * pace.seconds(AN_ANSWER_SECONDS, f"asks {viewer}", least))}


@lru_cache(maxsize=32)
def _tell(run_id: int, after: int | None, version: object, second: int) -> dict[str, Any]:
    # once for all who ask the same at the same time
    run = resources.run(run_id)
    kept = resources.snapshots(run_id)
    text, share = how_far(run)
    advice = resources.advice(run)
    return {
        "run": run_id,
        "active": run.active,
        "shown": shown(run, advice),
        "newest": kept[-1].step if kept else None,
        "text": text,
        "share": share,
        "advice": [advice.epoch] if advice else [],
        **({} if after is None else _curves(run, after)),
    }


def shown(run: Run, advice: Advice | None) -> list[Any]:
    """What a page is built upon that has read this of the run, before all else that it shows."""
    return [run.state, run.message, advice and advice.sentence, len(resources.happenings(run.id))]


def _curves(run: Run, after: int) -> dict[str, Any]:
    records, progress = resources.curves(run.id)
    newest = max([p.step for p in progress[-1:]] + [r.step for r in records[-1:]], default=0)
    if newest < after:  # the run went back to its last checkpoint
        after = 0
    return {
        "numbers": numbers(run),
        "after": after,
        "points": [[p.step, p.epoch, p.training_loss, 100 * p.training_accuracy] for p in progress if p.step > after],
        "records": rows([record for record in records if record.step > after]),
        "marks": [[change.epoch, change.number] for change in changes(run) if change.number],
        "best": records[-1].best_epoch if records else 0,
    }


@dataclass(frozen=True)
class Change:
    """What happened to a run, and where its curves then were; a change of a setting has a number, and a mark there."""

    number: int
    step: int
    epoch: float
    text: str


def changes(run: Run) -> list[Change]:
    """All that happened to a run, in order; changes of one setting that follow each other closely as one."""
    happened = resources.happenings(run.id)
    if not happened:
        return []
    records, progress = resources.curves(run.id)
    points = sorted({(0, 0.0), *((p.step, p.epoch) for p in progress), *((r.step, float(r.epoch)) for r in records)})
    steps, epochs = zip(*points, strict=True)
    at = np.interp([each.step for each in happened], steps, epochs).tolist()
    near = run.config.epochs / MARKS_SIDE_BY_SIDE
    apart = [
        place
        for place, (each, later) in enumerate(pairwise(happened))
        if later.name != each.name or each.name not in STEERABLE or at[place + 1] - at[place] > near
    ]
    places = [*apart, len(happened) - 1]
    happened = [happened[place] for place in places]
    found, number = [], 0
    for each, place, text in zip(happened, places, say_happenings(run.began_with, happened), strict=True):
        number += each.name in STEERABLE
        found.append(Change(number if each.name in STEERABLE else 0, each.step, at[place], text))
    return found


def how_far(run: Run) -> tuple[str, float | None]:
    """In words how far the run is and how long it will take, and the share that is done."""
    records, progress = resources.curves(run.id)
    points: list[EpochRecord | Progress] = [*progress[-1:], *records[-1:]]
    newest = max(points, key=lambda point: point.step, default=None)
    said = f"Run {run.id} {STATES[run.state]}"
    if run.silent_seconds > SILENT_SECONDS:
        return f"Run {run.id} has shown no sign of life for {duration(run.silent_seconds)}.", None
    if newest is None:
        return (f"{said}." if run.state != "running" else f"{said}: its first epoch begins."), 0.0
    epochs = run.config.epochs
    share = min(newest.epoch / epochs, 1.0)
    if not run.active:
        return f"{said}: {count(run.epoch, 'epoch')} in {duration(newest.seconds)}.", share
    done = f"epoch {run.epoch:,} of {epochs:,} is done" if run.epoch else "its first epoch"
    if run.state == "paused":
        return f"{said}: {done}, after {count(newest.step, 'correction')}.", share
    if pace_of(resources.happenings(run.id)):
        return f"{said} in slow motion: {done}.", share
    left = newest.seconds / share * (1 - share)
    soon = f"about {duration(left)} left" if left >= 2 else "nearly there"
    return f"{said}: {done}, {soon}.", share


def rows(records: Sequence[EpochRecord]) -> list[list[Any]]:
    """Epochs as the live curves take them."""
    return [
        [
            record.step,
            record.epoch,
            record.training_loss,
            100 * record.training_accuracy,
            record.validation_loss,
            100 * record.validation_accuracy,
        ]
        for record in records
    ]


def numbers(run: Run | None) -> dict[str, str]:
    """The four numbers above the live curves, by their names there."""
    last = run.last if run else None
    return {
        "validation_accuracy": f"{last.validation_accuracy:.1%}" if last else "–",
        "validation_loss": number(last.validation_loss, 3) if last else "–",
        "training_accuracy": f"{last.training_accuracy:.1%}" if last else "–",
        "learning_rate": number(run.config.learning_rate, 3) if run else "–",
    }
