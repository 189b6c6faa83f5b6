"""Viewers without a browser: that they see what a browser would."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.browser.app import App, running_app
from tests.browser.sessions import Notes, Session, epochs_said

EPOCHS = 5  # that apps/counting.py counts to
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server for an app that counts."""
    with running_app(tmp_path_factory.mktemp("counting"), "tests/browser/apps/counting.py") as app:
        yield app


def follow(url: str, epoch: int) -> Notes:
    """What a session notes until it is told of an epoch."""

    async def watch() -> Notes:
        session = Session(url)
        watching = asyncio.create_task(session.watch())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while epoch not in session.notes.arrivals and not session.notes.problem:
                await asyncio.sleep(0.02)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        return session.notes

    return asyncio.run(watch())


@pytest.mark.parametrize("way", ["timer", "pulse"])
def test_a_session_keeps_its_page_alive(counting: App, way: str) -> None:
    notes = follow(f"{counting.url}/?by={way}", EPOCHS)
    assert notes.ready
    assert not notes.problem
    # a busy server may leave some out, but it ends at the last
    assert min(notes.arrivals) == 0
    assert list(notes.arrivals) == sorted(notes.arrivals)


def test_a_message_tells_of_an_epoch_wherever_that_stands() -> None:
    assert epochs_said(b'\x12\x30It is learning. Epoch 7 of 30 done {"said": "epoch 1,000 of 1,000"}') == [7, 1000]
    assert epochs_said(b"The first epoch is being prepared. Epochs: 30") == []


def test_sessions_ask_only_this_machine() -> None:
    with pytest.raises(ValueError, match="not on this machine"):
        Session("http://example.org/train")
