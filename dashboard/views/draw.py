"""Draw: digits by hand, from a photo or an example, and how the network reads them."""

import streamlit as st

from dashboard import resources, session
from dashboard.parts import answer, canvas, in_short, moments, other_data, sheet, sources, teach, threshold, why


def draw_and_read() -> None:
    """What is to be read, and what the network makes of it."""
    source = sources.pick()
    board, said, bars = canvas.places()
    with bars:  # not above the board, which would move when a run has its second moment
        moments.pick()
    choice = session.choice()
    other_data.warn(choice)
    network = choice.model.network
    with board:
        paper, read = sources.show(source)
    with said:
        answered = st.container(key="said")
        least = threshold.pick(choice)
    reading = sheet.read(read, choice.model, least) if read else None
    sheet.mark(paper, read, reading)
    with answered:
        digit = answer.say(reading, sources.otherwise(source), choice.title)
    with bars:
        answer.show_bars(digit)
    if resources.of_digits():  # for all who use this computer, corrections are of digits
        teach.teach(digit, choice)
    if read and digit:
        answer.show_way(read, digit, network)
        in_short.show(choice, digit.image, None, digit.probabilities)
        why.look(choice, digit.image, None, "why_drawing")


if resources.of_digits():
    st.title("Draw a number", anchor=False)
    st.markdown("Draw, lift the pen, and the network says what it reads. Try to fool it: where does a 1 become a 7?")
else:
    st.title("Draw a picture", anchor=False)
    st.markdown(f"Draw, lift the pen, and the network says what it takes that for: {other_data.names()}.")
session.fragment(draw_and_read)()
