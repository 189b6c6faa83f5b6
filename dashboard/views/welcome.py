"""Welcome: what this is, a first drawing read, and the way on."""

import numpy as np
import streamlit as st

from dashboard import resources, session
from dashboard.parts import answer, canvas, moments, other_data, sheet, sources
from dashboard.resources import spoken
from nnlib.reading import SURE

SAMPLE = 1  # the test digit that runs through the network until something is drawn: a clear 2
TO_DRAW = "Draw a digit from 0 to 9, or several, with the mouse, a finger or a pen."


def draw_and_read() -> None:
    """The canvas with the answer, and beside it how that comes about."""
    board, said, way = canvas.places()
    with way:
        moments.pick()
    choice = session.choice()
    other_data.warn(choice)
    with board:
        paper, read = canvas.canvas("welcome")
    reading = sheet.read(read, choice.model, SURE) if read else None
    sheet.mark(paper, read, reading)
    with said, st.container(key="said"):
        digit = answer.say(reading, to_draw(), choice.title)
    with way:
        whose = "your digit" if digit is not None else "until you draw one, a test digit"
        st.caption(spoken(f"Its way through the network: {whose}."))
        answer.show_signal(sample() if digit is None else digit, choice.model.network, "welcome_signal")


def to_draw() -> str:
    """What to say while nothing is drawn."""
    return TO_DRAW if resources.of_digits() else sources.TO_DRAW_OTHERS


def sample() -> np.ndarray:
    """A digit by somebody else, (784,)."""
    test = resources.data().test.images
    return test[min(SAMPLE, len(test) - 1)]


st.title(f"Watch a neural network learn{' to read' if resources.of_digits() else ''}", anchor=False)
if resources.of_digits():
    does, learns = "reads handwritten digits. It learned", "learn anew"
else:
    does, learns = f"can learn what is on a picture: {other_data.names()}. It learns", "learn"
st.markdown(
    f"This small *neural network*, programmed from scratch, {does} by looking at 55,000 examples, guessing, and "
    f"correcting itself a little after every few guesses. Here you can let it {learns} with settings of your own, look "
    "inside it, and see why it is sometimes wrong."
)
session.fragment(draw_and_read)()

st.header("Where to go from here", anchor=False)
how_many = "" if resources.DATA_DIRECTORY else "70,000 "
WAYS = {
    "data.py": (
        "Data",
        ":material/grid_on:",
        spoken(f"See the {how_many}digits: most to learn from, some to test it with."),
    ),
    "train.py": ("Train", ":material/trending_up:", "Choose the settings, press Start, and watch it learn."),
    "race.py": ("Race", ":material/sports_score:", "Let one network learn at five learning rates, and see which wins."),
    "runs.py": ("Runs", ":material/table_rows:", "Compare all that you have trained, curve by curve."),
    "landscape.py": ("Landscape", ":material/landscape:", "See learning as a walk downhill, over the loss."),
    "weights.py": ("Weights", ":material/blur_on:", "See what each unit of the first layer looks for."),
    "draw.py": (
        "Draw",
        ":material/draw:",
        f"Draw or photograph {'numbers' if resources.of_digits() else 'pictures'}, and watch it read them.",
    ),
    "mistakes.py": ("Mistakes", ":material/search:", spoken("Study the digits that it gets wrong.")),
}
with st.container(key="ways"):
    for file, (title, icon, what) in WAYS.items():
        with st.container(border=True, height="stretch"):
            st.page_link(f"views/{file}", label=f"**{title}**", icon=icon)
            st.caption(what)
