"""The library that numpy multiplies with: how many threads it uses, and which kernel."""

import os
import sys
from collections.abc import Collection
from pathlib import Path

from threadpoolctl import ThreadpoolController

BLAS = ThreadpoolController()

CORETYPE = "OPENBLAS_CORETYPE"  # the variable by which OpenBLAS is told a kernel
_AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
_AVX2 = {"avx2", "fma"}
_FOR_AVX2 = {"haswell", "zen"}
_OLDER = {"prescott", "core2", "penryn", "nehalem", "sandybridge", "bulldozer", "barcelona", "excavator", "generic"}


def kernel() -> str:
    """The BLAS, and the processors that its kernel is written for, "openblas SkylakeX": both decide the last bits."""
    found = [each for each in BLAS.info() if each["user_api"] == "blas"]
    # scipy brings another one
    found.sort(key=lambda each: "numpy" not in each["filepath"])
    return f"{found[0]['internal_api']} {found[0].get('architecture', '')}".strip() if found else "unknown"


def kernel_environment() -> dict[str, str]:
    """What the environment of a new process of ours must say for OpenBLAS to use all that this processor can do.

    OpenBLAS takes an old kernel on processors that it does not know. Empty where it chose well, where
    the user has chosen, and where nobody knows.
    """
    wanted = better_kernel(kernel(), _processor_flags())
    return {CORETYPE: wanted} if wanted and CORETYPE not in os.environ else {}


def better_kernel(name: str, flags: Collection[str]) -> str | None:
    """The OpenBLAS kernel that this processor is better served by than by the one in use; None where there is none."""
    library, _, architecture = name.lower().partition(" ")
    if library != "openblas":
        return None
    if set(flags) >= _AVX512 and architecture in _FOR_AVX2 | _OLDER:
        return "SKYLAKEX"
    if set(flags) >= _AVX2 and architecture in _OLDER:
        return "HASWELL"
    return None


def start_anew_with_better_kernel() -> None:
    """Begin this program from the start, as it was called, where OpenBLAS would then be faster."""
    environment = kernel_environment()
    if environment and os.name == "posix":
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **environment})


def _processor_flags() -> Collection[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # another system
        return ()
    return next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), ())
