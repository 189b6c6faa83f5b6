"""Race: several values of one setting, side by side, and what is learned from it."""

import streamlit as st

from dashboard import resources
from dashboard.parts import live_race, race_form
from dashboard.resources import spoken

LAYOUT = """<style>
.st-key-race_form > * { flex: 1 1 9rem; width: auto; }
.st-key-race_form > .st-key-race_values { flex: 3 1 16rem; }
.st-key-race_form > .st-key-race_epochs { flex: 0 1 6rem; }
.st-key-race_form > .st-key-race_start { flex: 0 0 auto; }
</style>"""

st.html(LAYOUT)
st.title("Race one setting against itself", anchor=False)
resources.data()  # without digits there is nothing to train with: better said now than by every run
race_form.show()
number = live_race.choose()
if number is None:
    with st.container(border=True, key="race_empty"):
        st.markdown(
            "A race trains the same network several times at once, with another value of **one** setting each, and "
            "draws all curves into one chart as they grow. So you see which value learns fastest, which never catches "
            "up, and which differences are no more than chance."
        )
        st.button(
            "Race five learning rates",
            key="race_ready_made",
            type="primary",
            icon=":material/sports_score:",
            on_click=race_form.start_ready_made,
        )
else:
    found = live_race.draw(number)
    live_race.say_what_is_missing(found)
    live_race.orders(found)
    live_race.why(found)
    st.caption(
        spoken(
            "As many networks train at once as this machine has cores; after each epoch they make room for those that "
            "wait, so all curves grow together. The time is that of learning alone. The crown goes to the best on the "
            "new digits, and to whoever is so close to it that the choice of these digits may have decided."
        )
    )
