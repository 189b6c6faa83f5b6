"""The entry: streamlit run dashboard/Home.py"""

from pathlib import Path

import streamlit as st
from starlette.routing import Route

from dashboard import news

app = st.App(Path(__file__).with_name("page.py"), routes=[Route("/news", news.answer)])
