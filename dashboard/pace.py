"""How often browsers may ask: all who watch share a part of one processor, and the rest is for what they watch."""

import threading
import time

LEAST_SECONDS = 1.0  # redrawn more often, a curve is not easier to follow, and on two cores the training feels it
SHARE = 0.15  # of one processor
FORGOTTEN_SECONDS = 30.0  # after which a viewer who no longer asks is no viewer
MOST_VIEWERS = 1000  # that are counted

_costs: dict[str, tuple[float, float]] = {}  # of each viewer: when last asked, and what an answer takes
_lock = threading.Lock()


def seconds(cost: float, viewer: str, least: float = LEAST_SECONDS, now: float | None = None) -> float:
    """Until this viewer may ask again, when an answer takes so many seconds of processor time."""
    now = time.monotonic() if now is None else now
    with _lock:
        if viewer in _costs or len(_costs) < MOST_VIEWERS:
            _costs[viewer] = now, cost
        for other in [other for other, (asked, _) in _costs.items() if now - asked > FORGOTTEN_SECONDS]:
            del _costs[other]
        return max(least, sum(cost for _, cost in _costs.values()) / SHARE)
