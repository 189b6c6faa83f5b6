"""The library that numpy multiplies with: how many threads it uses, and which kernel."""

from threadpoolctl import ThreadpoolController

BLAS = ThreadpoolController()
