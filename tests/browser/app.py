"""The real app in a real browser: a server of its own, and visitors who may not leave this machine."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import psutil
from playwright.sync_api import (
    Browser,
    BrowserType,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    WebSocket,
    expect,
)
from playwright.sync_api import Error as PlaywrightError

from nnlib.training import PRESETS

ROOT = Path(__file__).parents[2]
HERE = {"localhost", "127.0.0.1", "::1"}
START_SECONDS = 60
PATIENCE_MS = 30_000  # for whatever the page is to show: a slow machine is no error

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
CHROMIUM_PLACES = (
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    *(
        Path(os.environ[folder], "Google", "Chrome", "Application", "chrome.exe")
        for folder in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
        if folder in os.environ
    ),
)
CHROMIUM_ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # a camera that shows a test card, and may be used
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # whatever else there is to keep a page here: no other name leads anywhere
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]

# a page below / first looks for the server beside itself, and then finds it at /
HARMLESS_404 = re.compile(r"/[a-z]+/_stcore/(health|host-config)$")

# nothing of the page is still to come, nothing of the one before still to go
SETTLED = """() => document.querySelector("h1")
    && document.querySelector("[data-testid=stApp][data-test-script-state=notRunning]")
    && !document.querySelector("[data-testid=stSkeleton], [data-stale=true]")"""

Theme = Literal["light", "dark"]
Strokes = list[list[tuple[float, float]]]  # each a list of (x, y), from 0 to 1 across the canvas

expect.set_options(timeout=PATIENCE_MS)


def launch(chromium: BrowserType) -> Browser:
    """Chromium or Chrome as it is on this machine, else Playwright's own, fetched if need be.

    Raises RuntimeError with a sentence where there is none.
    """
    arguments = [*CHROMIUM_ARGUMENTS, *(["--no-sandbox"] if sys.platform == "linux" else [])]
    found = next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    found = found or next((str(path) for path in CHROMIUM_PLACES if path.is_file()), None)
    if found is None and not Path(chromium.executable_path).is_file():
        fetched = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True)
        if fetched.returncode:
            raise RuntimeError("there is no Chromium or Chrome here, and Playwright could not fetch one.")
    return chromium.launch(executable_path=found, args=arguments)


@dataclass(frozen=True)
class App:
    """A server with a store of its own."""

    url: str
    home: Path
    process_id: int


@contextmanager
def running_app(home: Path, script: str = "dashboard/Home.py", data: Path | None = None) -> Iterator[App]:
    """`streamlit run` of the app, or another script, with its store in `home`; killed with all it started.

    It shows MNIST, or what is in the folder `data`.
    """
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", script]
    command += ["--server.port", str(port), "--server.headless", "true", "--server.fileWatcherType", "none"]
    environment = {**os.environ, "NNLIB_HOME": str(home)}
    environment["NNLIB_DATA"] = str(data or "")
    home.mkdir(parents=True, exist_ok=True)
    log = home / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            url = f"http://localhost:{port}"
            _wait_for_health(server, url, log)
            yield App(url, home, server.pid)
        finally:
            _kill(server)


def _wait_for_health(server: subprocess.Popen, url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
            if answer.read() == b"ok":
                return
        time.sleep(0.1)
    raise RuntimeError(f"the app did not start: {log.read_text(errors='replace')}")


def _kill(server: subprocess.Popen) -> None:
    with suppress(psutil.Error):
        for process in psutil.Process(server.pid).children(recursive=True):
            with suppress(psutil.Error):
                process.kill()
    server.kill()
    server.wait()


@dataclass
class Visitor:
    """Somebody with a browser window of their own, and a list of all that went wrong in it."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)

    def open(self, address: str = "/") -> None:
        """Go to an address as if it had been typed in, and wait for the page's title."""
        self.page.goto(self.url + address)
        self.wait()

    def go_to(self, page: str) -> None:
        """Click on a page's name in the sidebar."""
        title = self.page.get_by_role("heading", level=1)
        before = title.inner_text()
        self.page.get_by_test_id("stSidebarNavItems").get_by_role("link", name=page).click()
        expect(title).not_to_have_text(before)
        self.wait()

    def wait(self) -> None:
        """Until the page is there, to its end: a part may come late, and one of the page before go late."""
        self.page.wait_for_function(SETTLED)

    def keyed(self, key: str) -> Locator:
        """The element or container with this key."""
        return self.page.locator(f".st-key-{key}")

    def button(self, name: str) -> Locator:
        """The button whose name ends so; an icon's name may stand before it."""
        return self.page.get_by_test_id("stMain").get_by_role("button", name=re.compile(rf"{name}\b"))

    @property
    def answer(self) -> Locator:
        """The number that a drawing is read as; nothing where there is none."""
        return self.page.locator(".reading .number")

    def number(self, name: str) -> Locator:
        """One of the numbers above the live curves, by its name in the component."""
        return self.keyed("curves").locator(f"[data-name={name}]")

    def live_points(self) -> int:
        """How many points the live curve of the loss has in all, once it is there."""
        return int(self.keyed("curves").locator(".loss").get_attribute("data-points") or 0)

    @property
    def line(self) -> Locator:
        """The line in the sidebar that says what the run is doing."""
        return self.keyed("status").locator(".text")

    @property
    def moment(self) -> Locator:
        """The slider over the moments of a run; its value in words is its aria-valuetext."""
        return self.keyed("step").get_by_role("slider")

    def cells(self, key: str) -> int:
        """How many cells of a picture say something when they are pointed at, once it is there."""
        says = self.keyed(key).locator(".cells").get_attribute("data-says")
        return sum(map(bool, (says or "").split("|")))

    def click_cell(self, key: str, number: int) -> None:
        """Click on a cell of a picture; they are counted row by row."""
        cells = self.keyed(key).locator(".cells")
        cells.scroll_into_view_if_needed()
        columns, rows = (int(cells.get_attribute(f"data-{name}") or 0) for name in ("columns", "rows"))
        box = cells.bounding_box()
        assert box is not None
        row, column = divmod(number, columns)
        x, y = (column + 0.5) / columns * box["width"], (row + 0.5) / rows * box["height"]
        cells.click(position={"x": x, "y": y})

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Until a condition holds; fails, saying what it was, where it never does."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not holds():
            assert time.monotonic() < deadline, f"it never came true that {what}"
            self.page.wait_for_timeout(200)

    def wait_for_live_points(self, n: int) -> None:
        """Until the live curve of the loss has at least n points."""
        self.wait_until(lambda: self.live_points() >= n, f"the loss has {n} points")

    def choose(self, key: str, option: str) -> None:
        """Choose in a box with the keyboard alone."""
        box = self.keyed(key).get_by_role("combobox")
        box.focus()
        box.fill(option)
        box.press("Enter")
        expect(box).to_have_value(option)

    def choose_preset(self, name: str) -> None:
        """Choose ready-made settings on the page Train."""
        self.page.get_by_test_id("stMain").get_by_role("radio", name=name).check(force=True)
        epochs = str(PRESETS[name].config.epochs)
        expect(self.keyed("epochs").get_by_role("textbox")).to_have_value(epochs)

    def draw(self, *strokes: list[tuple[float, float]]) -> None:
        """Draw with the mouse."""
        self.wait()
        canvas = self.page.locator("canvas").first
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box is not None
        mouse = self.page.mouse
        for stroke in strokes:
            places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
            mouse.move(*places[0])
            mouse.down()
            for place in places[1:]:
                mouse.move(*place, steps=4)
            mouse.up()

    def check(self) -> None:
        """Fail where anything went wrong that the browser or the page told of."""
        assert not self.problems
        expect(self.page.get_by_text("encountered an error")).to_have_count(0)
        expect(self.page.get_by_test_id("stException")).to_have_count(0)


def visitor(
    browser: Browser,
    url: str,
    *,
    width: int = 1440,
    height: int = 1000,
    theme: Theme = "light",
    touch: bool = False,
    script: str = "",
) -> Visitor:
    """A new visitor, with no cookies and nothing cached; `script` is run before anything of a page."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme, has_touch=touch)
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(script)
    found = Visitor(context.new_page(), url)

    def is_here(address: str) -> bool:
        parts = urlsplit(address)
        return parts.scheme in ("data", "blob") or parts.hostname in HERE

    # told, not held back, which would take as long again: the browser knows the way to no other machine
    def look_at_request(request: Request) -> None:
        if not is_here(request.url):
            found.problems.append(f"a request that leaves this machine: {request.url}")

    def look_at_socket(socket: WebSocket) -> None:
        if not is_here(socket.url):
            found.problems.append(f"a connection that leaves this machine: {socket.url}")

    def look_at_message(message: ConsoleMessage) -> None:
        if message.type == "error" and not HARMLESS_404.search(message.location.get("url", "")):
            found.problems.append(f"in the console: {message.text} ({message.location.get('url')})")

    def look_at_response(response: Response) -> None:
        if response.status >= 400 and not HARMLESS_404.search(response.url):
            found.problems.append(f"status {response.status}: {response.url}")

    context.on("request", look_at_request)
    found.page.on("websocket", look_at_socket)
    found.page.on("console", look_at_message)
    found.page.on("response", look_at_response)
    found.page.on("pageerror", lambda error: found.problems.append(f"an error in the page: {error}"))
    found.page.on("crash", lambda _: found.problems.append("the page crashed"))
    return found


def save_picture(page: Page, path: Path) -> None:
    """What the window shows, if it still shows anything."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(PlaywrightError):
        page.screenshot(path=path)
