"""The pages, one file each; `page.py` lists them."""
