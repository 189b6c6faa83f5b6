"""Welcome: what this is, a first drawing read, and the way on."""

import streamlit as st

from dashboard import resources, session
from dashboard.parts import answer, canvas

SAMPLE = 1  # the test digit that runs through the network until something is drawn: a clear 2


def draw_and_read() -> None:
    """The canvas with the answer, and beside it how that comes about."""
    choice = session.choice()
    network = choice.model.network
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.subheader("Draw a digit", anchor=False)
        st.caption("0 to 9, with the mouse, a finger or a pen.")
        readings = answer.read(canvas.canvas("welcome"), network)
        if readings:
            answer.say_answer(readings[0][1], choice.title)
        if len(readings) > 1:
            st.info(f"There are {len(readings)} digits: this is the leftmost. *Draw* reads them all.")
    with right:
        if readings:
            st.subheader("How the network reads it", anchor=False)
            image = readings[0][0].image
        else:
            st.subheader("The network waits for your digit", anchor=False)
            st.write(
                "Meanwhile, here is how one of its test digits, written by somebody it has never met, runs through it."
            )
            image = resources.data().test.images[SAMPLE]
        answer.show_signal(image, network, "welcome_signal")


st.title("Watch a neural network learn to read", anchor=False)
st.markdown(
    "This is a small *neural network*, programmed from scratch, that reads handwritten digits. "
    "It learned by looking at 55,000 examples, guessing, and correcting itself a little after every few guesses. "
    "Here you can let it learn again by your own rules, look inside it, and find out why it is sometimes wrong."
)
session.fragment(draw_and_read)()

st.subheader("Where to go from here", anchor=False)
WAYS = {
    "data.py": ("Data", ":material/grid_on:", "See the 70,000 digits it learns from and is tested with."),
    "train.py": ("Train", ":material/trending_up:", "Set the rules, press Start, and watch it learn."),
    "weights.py": ("Weights", ":material/blur_on:", "See what each unit of the first layer looks for."),
    "draw.py": ("Draw", ":material/draw:", "Draw digits, thick or thin, and watch it read them."),
    "mistakes.py": ("Mistakes", ":material/search:", "Study the digits that it gets wrong."),
}
for column, (file, (title, icon, what)) in zip(st.columns(len(WAYS), gap="small"), WAYS.items(), strict=True):
    with column.container(border=True, height="stretch"):
        st.page_link(f"views/{file}", label=f"**{title}**", icon=icon)
        st.caption(what)
