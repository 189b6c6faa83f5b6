"""Viewers without a browser: python tests/browser/sessions.py URL VIEWERS [--seconds SECONDS]

Opens so many sessions at once, each as a browser would: a websocket on which both sides send Streamlit's
own messages. A session asks for its page, keeps it alive, asks beside it what is new of its run, and notes
when it was first told of each epoch.
A line of JSON says how many have their page; another, at the end of the input or of the time, what all
of them noted. A line of input makes them count anew. The websocket library is the one that Streamlit
brings, and only this machine is ever asked.

What a browser does beyond that and these do not: draw, and send the values of all widgets along.
"""

import argparse
import asyncio
import json
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.BidiComponent_pb2 import BidiComponent
from streamlit.proto.ClientState_pb2 import ClientState, ContextInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin, Subprotocol

HERE = {"localhost", "127.0.0.1", "::1"}
MOST_SESSIONS = 200
MOST_SECONDS = 600
OPEN_SECONDS = 40  # for all sessions to have their page
BETWEEN_SECONDS = 0.05  # two visitors do not come in the same instant

# how the pages say how far a run is, wherever in a message that stands
EPOCH_SAID = r"[Ee]poch (\d[\d,]*) of \d"

PULSE = "pulse"  # in the name of the component whose trigger asks for the next run of its page or fragment
PULSE_EVENT = "tick"  # the server is not told of triggers that it does not know, and runs the fragment all the same


def epochs_said(frame: bytes) -> list[int]:
    """The epochs that a message speaks of."""
    return [int(number.replace(b",", b"")) for number in re.findall(EPOCH_SAID.encode(), frame)]


@dataclass
class Notes:
    """What one session saw: `arrivals` are the epochs, and when (seconds since 1970) it was first told of each."""

    arrivals: dict[int, float] = field(default_factory=dict)
    n_bytes: int = 0
    runs: int = 0  # of the script or a fragment, from their beginning to their end
    ready: bool = False
    problem: str = ""

    def count_anew(self) -> None:
        """Forget what was counted, not what arrived."""
        self.n_bytes = self.runs = 0


class Timers:
    """What a page does by itself after a while, by name."""

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[float, asyncio.Task]] = {}

    def start(self, name: str, seconds: float, act: Callable[[], Awaitable[None]], *, again: bool) -> None:
        """`act` after so many seconds, counted from now; or `again` and again, from when that was first asked for."""
        if again and self._tasks.get(name, (0,))[0] == seconds:
            return
        self.stop([name])
        self._tasks[name] = seconds, asyncio.create_task(self._wait(seconds, act, again))

    def stop(self, names: Iterable[str] | None = None) -> None:
        """Stop these timers, or all."""
        for name in list(self._tasks if names is None else names):
            if name in self._tasks:
                self._tasks.pop(name)[1].cancel()

    async def _wait(self, seconds: float, act: Callable[[], Awaitable[None]], again: bool) -> None:
        with suppress(WebSocketException):  # the session is over
            await asyncio.sleep(seconds)
            await act()
            while again:
                await asyncio.sleep(seconds)
                await act()


class Cache:
    """The large messages of late, which the server need not send again; as the browser's ForwardMessageCache."""

    def __init__(self) -> None:
        self._messages: dict[str, ForwardMsg] = {}
        self._last_used: dict[str, int] = {}
        self._runs = 0
        self.most_age = 2

    @property
    def hashes(self) -> Iterable[str]:
        """What the server is told that is here."""
        return self._messages.keys()

    def resolve(self, message: ForwardMsg) -> ForwardMsg:
        """The message itself, where it is only the name of one that was sent before."""
        if message.WhichOneof("type") == "ref_hash":
            self._last_used[message.ref_hash] = self._runs
            return self._messages[message.ref_hash]
        if message.metadata.cacheable:
            self._messages[message.hash] = message
            self._last_used[message.hash] = self._runs
        return message

    def end_run(self, fragments: Iterable[str]) -> None:
        """Forget what was not used for some runs: of these fragments, or without any of the whole page."""
        self._runs += 1
        for name, message in list(self._messages.items()):
            ran = not fragments or message.delta.fragment_id in fragments
            if ran and self._runs - self._last_used[name] > self.most_age:
                del self._messages[name], self._last_used[name]


class Session:
    """One viewer of one page."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.hostname not in HERE:
            raise ValueError(f"{url} is not on this machine.")
        self.url = url
        self.socket_url = f"ws://{parts.netloc}/_stcore/stream"
        self.origin = Origin(f"http://{parts.netloc}")
        self.page_name, self.query = parts.path.strip("/"), parts.query
        self.page_hash = ""
        self.cache, self.timers, self.notes = Cache(), Timers(), Notes()
        self.ready = asyncio.Event()
        self.socket: ClientConnection

    async def watch(self) -> None:
        """Open the page and follow it, until cancelled or thrown out."""
        try:
            # without a cookie, the browser sends this very word instead of a token
            protocols = [Subprotocol("streamlit"), Subprotocol("PLACEHOLDER_AUTH_TOKEN")]
            async with connect(
                self.socket_url,
                origin=self.origin,
                subprotocols=protocols,
                proxy=None,
                max_size=None,
                open_timeout=OPEN_SECONDS,
                ping_interval=None,  # a browser is patient: only the server looks whether the other is still there
            ) as self.socket:
                await self.rerun()
                async for frame in self.socket:
                    if isinstance(frame, bytes):
                        self.hear(frame)
                self.notes.problem = "the server closed the connection."
        except (OSError, WebSocketException) as error:
            self.notes.problem = str(error) or type(error).__name__
        finally:
            self.timers.stop()

    async def rerun(self, fragment: str = "", auto: bool = False, trigger: WidgetState | None = None) -> None:
        """Ask for the page, or for one fragment of it."""
        state = ClientState(
            query_string=self.query,
            page_script_hash=self.page_hash,
            page_name="" if self.page_hash else self.page_name,
            fragment_id=fragment,
            is_auto_rerun=auto,
            cached_message_hashes=self.cache.hashes,
            context_info=ContextInfo(timezone="UTC", locale="en-US", url=self.url, color_scheme="light"),
            widget_states=WidgetStates(widgets=[trigger] if trigger else []),
        )
        await self.socket.send(BackMsg(rerun_script=state).SerializeToString())

    def hear(self, frame: bytes) -> None:
        """Note a message of the server, and do what a browser does upon it."""
        self.note(frame)
        sent = ForwardMsg.FromString(frame)
        fragments = sent.metadata.run.fragment_ids
        message = self.cache.resolve(sent)
        match message.WhichOneof("type"):
            case "new_session":
                self.page_hash = self.page_hash or message.new_session.page_script_hash
                self.cache.most_age = message.new_session.config.max_cached_message_age
                if not fragments:
                    self.timers.stop()
            case "navigation":  # which page it is, where the address names one
                self.page_hash = message.navigation.page_script_hash
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "script_finished":
                self.end_run(message, fragments)
            case "auto_rerun":
                self.rerun_every(message.auto_rerun.fragment_id, message.auto_rerun.interval)
            case "stop_auto_rerun":
                self.timers.stop(message.stop_auto_rerun.fragment_ids)
            case "delta" if message.delta.new_element.WhichOneof("type") == "bidi_component":
                component = message.delta.new_element.bidi_component
                if PULSE in component.component_name:
                    self.answer_pulse(component, message.delta.fragment_id)

    def end_run(self, message: ForwardMsg, fragments: Iterable[str]) -> None:
        if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return
        self.notes.runs += 1
        self.notes.ready = True
        self.ready.set()
        self.cache.end_run(fragments)

    # ---- the three ways in which a page keeps itself alive

    def rerun_every(self, fragment: str, seconds: float) -> None:
        """`st.fragment(run_every=...)`: ask for it again and again, whether or not the last answer has come."""
        self.timers.start(fragment, seconds, lambda: self.rerun(fragment, auto=True), again=True)

    def answer_pulse(self, component: BidiComponent, fragment: str) -> None:
        """A component that triggers the next run, a while after it was drawn: never two at once.

        One that was told of a run asks for what is new of it, and triggers only where the page is another one.
        """
        data = json.loads(component.mixed.json or component.json or "null")
        interval_ms = data.get("interval_ms") if isinstance(data, dict) else None
        # as the frontend's setTriggerValue puts it
        trigger = WidgetState(
            id=f"$$STREAMLIT_INTERNAL_KEY_{component.id}__events",
            json_trigger_value=json.dumps([{"event": PULSE_EVENT, "value": data.get("beat") if data else None}]),
        )

        async def run_anew() -> None:
            await self.rerun(fragment, trigger=trigger)

        if data and data.get("live") and "told" in data:
            follower = Follower(self.url, data, run_anew, self.note)
            self.timers.start(component.id, data["told"]["ask_ms"] / 1000, follower.follow, again=False)
        elif interval_ms and data.get("live", True):
            self.timers.start(component.id, interval_ms / 1000, run_anew, again=False)
        else:
            self.timers.stop([component.id])

    def note(self, told: bytes) -> None:
        """Note what a message says, and its size."""
        now = time.time()
        self.notes.n_bytes += len(told)
        for epoch in epochs_said(told):
            self.notes.arrivals.setdefault(epoch, now)


class Follower:
    """A component that asks /news for what is new of a run, as `follow` in pulse.js does."""

    def __init__(
        self, url: str, data: dict[str, Any], run_anew: Callable[[], Awaitable[None]], note: Callable[[bytes], None]
    ) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname, parts.port
        self._data, self._run_anew, self._note = data, run_anew, note
        told = data["told"]
        # the curves know up to where they have it; a line has no curves
        self._asks_curves = "points" in told
        self._step = max([0, *(row[0] for row in [*told.get("points", ()), *told.get("records", ())])])

    async def follow(self) -> None:
        """Until the page is another one."""
        told, began = self._data["told"], time.monotonic()
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            while True:
                news = await self._ask(reader, writer)
                for row in [*news.get("points", ()), *news.get("records", ())]:
                    self._step = max(self._step, row[0])
                another = news["shown"] != told["shown"]
                if another or (self._data.get("follows") and news["newest"] != told["newest"]):
                    await asyncio.sleep(max(0, self._data["interval_ms"] / 1000 - (time.monotonic() - began)))
                    break
                await asyncio.sleep(news["ask_ms"] / 1000)
        finally:
            writer.close()
        await self._run_anew()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> dict[str, Any]:
        asked = {"run": self._data["told"]["run"], "viewer": self._data["viewer"]}
        asked |= {"after": self._step} if self._asks_curves else {}
        writer.write(f"GET /news?{urlencode(asked)} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        [length] = re.findall(rb"(?i)content-length: (\d+)", head)
        body = await reader.readexactly(int(length))
        self._note(head + body)
        news: dict[str, Any] = json.loads(body)
        return news


async def watch(url: str, viewers: int, seconds: float) -> None:
    """Open all sessions, say when they have their page, and follow until the input or the time ends."""
    sessions = [Session(url) for _ in range(viewers)]
    begin = time.monotonic()
    tasks = []
    for session in sessions:
        tasks.append(asyncio.create_task(session.watch()))
        await asyncio.sleep(BETWEEN_SECONDS)
    waiting = [asyncio.create_task(session.ready.wait()) for session in sessions]
    await asyncio.wait(waiting, timeout=OPEN_SECONDS)
    ready = sum(session.notes.ready for session in sessions)
    print(json.dumps({"ready": ready, "seconds": time.monotonic() - begin}), flush=True)

    loop, told = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(told), sys.stdin)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while await told.readline():
                for session in sessions:
                    session.notes.count_anew()
    for task in [*tasks, *waiting]:
        task.cancel()
    await asyncio.gather(*tasks, *waiting, return_exceptions=True)
    print(json.dumps([asdict(session.notes) for session in sessions]), flush=True)


def main() -> None:
    """Watch."""
    parser = argparse.ArgumentParser(description="Open sessions of the app without a browser.")
    parser.add_argument("url")
    parser.add_argument("viewers", type=int)
    parser.add_argument("--seconds", type=float, default=60, help="the longest time to watch")
    arguments = parser.parse_args()
    if not 1 <= arguments.viewers <= MOST_SESSIONS or not 0 < arguments.seconds <= MOST_SECONDS:
        parser.error(f"at most {MOST_SESSIONS} viewers, and at most {MOST_SECONDS} seconds.")
    asyncio.run(watch(arguments.url, arguments.viewers, arguments.seconds))


if __name__ == "__main__":
    main()
