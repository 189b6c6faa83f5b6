"""What is new of a race: for its page, and for the browsers that ask beside it, as with `news`."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from dashboard import news, pace, resources
from dashboard.words import duration
from nnlib.runs import Run, race
from nnlib.training import EpochRecord

AN_ANSWER_SECONDS = 0.004  # of processor time
STATES = news.STATES | {
    "queued": "waits for its turn",
    "finished": "is done",
    "diverged": "blew up: the loss grew beyond all numbers",
}


def answer(request: Request) -> JSONResponse:
    """GET /race-news?race=RACE&after=EPOCH&viewer=NAME: see `tell`. Status 400 for no number, 404 for no race."""
    return news.answer_with(tell, request, "race")


def tell(number: int, after: int | None, viewer: str) -> dict[str, Any]:
    """What there is to say of a race, with its curves beyond that epoch; `news.tell` says what else the names mean.

    Raises UnknownRunError.
    """
    told = _tell(number, after or 0, *resources.now())
    return {**told, "ask_ms": round(1000 * pace.seconds(AN_ANSWER_SECONDS, f"asks {viewer}"))}


@lru_cache(maxsize=32)
def _tell(number: int, after: int, version: object, second: int) -> dict[str, Any]:
    # once for all who ask the same at the same time
    found = judged(number)
    crowns = sum(racer.crowned for racer in found.racers)
    return {
        "race": number,
        "active": any(racer.run.active for racer in found.racers),
        "shown": shown(found),
        "term": resources.spoken(found.setting.term),
        "lesson": resources.spoken(found.lesson),
        "epochs": max(racer.run.config.epochs for racer in found.racers),
        "after": after,
        "racers": [
            {
                "run": racer.run.id,
                "value": racer.value,
                "active": racer.run.active,
                "crowned": racer.crowned,
                "alone": crowns == 1,
                "accuracy": "–" if racer.accuracy is None else f"{racer.accuracy:.1%}",
                "after": racer.best_epoch or "–",
                "time": f"{racer.seconds:.1f} s" if racer.seconds < 10 else duration(racer.seconds),
                "now": how_it_stands(racer.run),
                "records": _rows(resources.records(racer.run), after),
            }
            for racer in found.racers
        ],
    }


def shown(found: race.Race) -> list[Any]:
    """What a page is built upon that has read this; not whose turn it is, or it would be run anew with every epoch."""
    return [
        found.winner and found.winner.value,
        *([racer.run.active, racer.run.resumable] for racer in found.racers),
    ]


def judged(number: int) -> race.Race:
    """A race as it stands; UnknownRunError where it is gone."""
    runs = resources.race(number)
    return race.judge(runs, {run.id: resources.records(run) for run in runs})


def how_it_stands(run: Run) -> str:
    """Where one run of a race is, in a few words."""
    if run.active and run.epoch:
        return f"{STATES[run.state]}, epoch {run.epoch} of {run.config.epochs} is done"
    return STATES[run.state]


def _rows(records: Sequence[EpochRecord], after: int) -> list[list[float]]:
    return [[r.epoch, r.validation_loss, 100 * r.validation_accuracy] for r in records if r.epoch > after]
