"""Every page: what stands around it, and which there are."""

from pathlib import Path

import streamlit as st

from dashboard import address, session
from dashboard.parts import following, frame, pulse

VIEWS = Path(__file__).parent / "views"
FOLLOWING = {"Welcome", "Weights", "Draw", "Mistakes"}  # the pages that show one moment of the run

st.set_page_config(page_title="Watch a network learn", page_icon=Path(__file__).with_name("icon.png"), layout="wide")

WELCOME = VIEWS / "welcome.py"

pages = [
    st.Page(WELCOME, title="Welcome", icon=":material/waving_hand:", url_path="start", default=True),
    st.Page(VIEWS / "data.py", title="Data", icon=":material/grid_on:", url_path="data"),
    st.Page(VIEWS / "train.py", title="Train", icon=":material/trending_up:", url_path="train"),
    st.Page(VIEWS / "race.py", title="Race", icon=":material/flag:", url_path="race"),
    st.Page(VIEWS / "runs.py", title="Runs", icon=":material/table_rows:", url_path="runs"),
    st.Page(VIEWS / "landscape.py", title="Landscape", icon=":material/landscape:", url_path="landscape"),
    st.Page(VIEWS / "weights.py", title="Weights", icon=":material/blur_on:", url_path="weights"),
    st.Page(VIEWS / "draw.py", title="Draw", icon=":material/draw:", url_path="draw"),
    st.Page(VIEWS / "mistakes.py", title="Mistakes", icon=":material/search:", url_path="mistakes"),
    # the first page is at /, and only there; whoever types its name as of any other page is to find it, too
    st.Page(WELCOME, title="Welcome", url_path="welcome", visibility="hidden"),
]
page = st.navigation(pages)
frame.style()

with pulse.measured(), session.sentences():
    with st.sidebar:
        session.pick_run()
        session.settle_moment()
        following.show(follows=page.title in FOLLOWING, told_by_page=page.title == "Train")
        address.open_page(page.url_path)
    page.run()
