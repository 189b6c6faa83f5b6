"""Which kernel numpy multiplies with, and when another one would be better."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nnlib.training import blas
from nnlib.training.blas import BLAS, CORETYPE, better_kernel, kernel, kernel_environment

ROOT = Path(__file__).parents[3]
AVX2 = ["fpu", "sse2", "avx", "avx2", "fma"]
AVX512 = [*AVX2, "avx512f", "avx512dq", "avx512cd", "avx512bw", "avx512vl"]


def test_the_kernel_is_that_of_numpys_own_blas() -> None:
    assert kernel().split()[0] in {each["internal_api"] for each in BLAS.info()}


@pytest.mark.parametrize(
    ("name", "flags", "wanted"),
    [
        ("openblas Haswell", AVX512, "SKYLAKEX"),
        ("openblas Zen", AVX512, "SKYLAKEX"),
        ("openblas Prescott", AVX512, "SKYLAKEX"),
        ("openblas Prescott", AVX2, "HASWELL"),
        # it chose well
        ("openblas Haswell", AVX2, None),
        ("openblas SkylakeX", AVX512, None),
        ("openblas Cooperlake", AVX512, None),
        # some of what it would need is missing
        ("openblas Haswell", AVX512[:-1], None),
        ("openblas Nehalem", ["sse2"], None),
        # nobody knows
        ("openblas neoversen1", [], None),
        ("mkl", AVX512, None),
        ("unknown", AVX512, None),
    ],
)
def test_a_better_kernel_is_one_for_what_the_processor_can_do(name: str, flags: list[str], wanted: str | None) -> None:
    assert better_kernel(name, flags) == wanted


def test_a_process_of_ours_is_told_the_better_kernel_and_the_users_word_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CORETYPE, raising=False)
    monkeypatch.setattr(blas, "kernel", lambda: "openblas Haswell")
    monkeypatch.setattr(blas, "_processor_flags", lambda: AVX512)
    assert kernel_environment() == {CORETYPE: "SKYLAKEX"}
    monkeypatch.setenv(CORETYPE, "HASWELL")
    assert kernel_environment() == {}


@pytest.mark.skipif(
    better_kernel("openblas Haswell", blas._processor_flags()) is None, reason="this processor has but one kernel"
)
def test_a_process_takes_the_kernel_that_it_is_told() -> None:
    program = "from nnlib.training.blas import kernel; print(kernel())"
    found = {
        name: subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, CORETYPE: name},
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        ).stdout.strip()
        for name in ("HASWELL", "SKYLAKEX")
    }
    assert found == {"HASWELL": "openblas Haswell", "SKYLAKEX": "openblas SkylakeX"}


def test_a_program_starts_anew_only_where_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execve", lambda _, words, environment: started.append([*words[1:], environment[CORETYPE]]))
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "nnlib", "train", "--epochs", "3"])
    monkeypatch.setattr(blas, "kernel_environment", dict)
    blas.start_anew_with_better_kernel()
    assert started == []
    monkeypatch.setattr(blas, "kernel_environment", lambda: {CORETYPE: "SKYLAKEX"})
    blas.start_anew_with_better_kernel()
    assert started == [["-m", "nnlib", "train", "--epochs", "3", "SKYLAKEX"]]
