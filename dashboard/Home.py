"""The entry: streamlit run dashboard/Home.py"""

from pathlib import Path

import streamlit as st
from starlette.routing import Route
from threadpoolctl import threadpool_limits

from dashboard import news, race_news
from dashboard.parts import chart

# the networks are small: a second thread is a few milliseconds' gain, and in the way of what trains beside the server
threadpool_limits(1)

ROUTES = [
    Route("/news", news.answer),
    Route("/race-news", race_news.answer),
    Route("/plotly.js", chart.library),
]
app = st.App(Path(__file__).with_name("page.py"), routes=ROUTES)
