"""What the server keeps of its visitors once they have left."""

import io

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import Browser, FilePayload, expect

from tests.browser.app import App, visitor

SIDE_PX = 1650
VISITORS = 6


def noise(seed: int) -> FilePayload:
    """A picture that no format can make smaller: some eight million bytes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (SIDE_PX, SIDE_PX, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return {"name": f"noise-{seed}.png", "mimeType": "image/png", "buffer": file.getvalue()}


def upload_and_leave(browser: Browser, app: App, seed: int) -> None:
    """What somebody does who shows one picture to the network, and closes the window."""
    someone = visitor(browser, app.url)
    someone.open("/draw")
    someone.page.get_by_test_id("stMain").get_by_role("radio", name="Photo or scan").check(force=True)
    someone.page.locator("input[type=file]").set_input_files(noise(seed))
    expect(someone.page.get_by_text(f"noise-{seed}.png")).to_be_visible()
    someone.check()
    someone.page.context.close()


def test_pictures_of_visitors_who_left_are_not_kept(browser: Browser, app: App) -> None:
    for seed in range(2):  # what the server needs once, it keeps
        upload_and_leave(browser, app, seed)
    before = psutil.Process(app.process_id).memory_info().rss
    for seed in range(VISITORS):
        upload_and_leave(browser, app, seed)
    grown = psutil.Process(app.process_id).memory_info().rss - before
    assert grown < VISITORS / 2 * len(noise(0)["buffer"]), f"{grown:,} bytes for {VISITORS} pictures"
