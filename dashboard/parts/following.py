"""The line in the sidebar that says what the run is doing; through it every page follows the run."""

from dashboard import news, session
from dashboard.parts import pulse


def show(follows: bool, told_by_page: bool) -> None:
    """The line. Where the page `follows`, it is run anew for every new network; some tell the line themselves."""
    run = session.chosen_run()
    if run is None:
        return
    told = news.tell(run.id, None, pulse.viewer())
    if told["newest"] is not None:  # there may be a newer one by now than the page shows: that is news
        told["newest"] = session.newest_shown()
    pulse.status(told, run.active and not told_by_page, follows and session.follows_newest())
