"""The compiled kernel as Python sees it: loads it, and has the structures of `kernel/kernel.h`."""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import POINTER, c_int32, c_int64, c_uint64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

ABI = 7
LEVEL_VARIABLE = "NNCODEC_KERNEL_LEVEL"
"""Environment variable that forces an instruction set, by name."""
LEVELS = ("portable", "sse2", "avx2", "avx512", "neon", "simd128")
"""In the numbering of the kernel, each faster than those before it that run on the same machine."""
NAME = {"win32": "kernel.dll", "darwin": "libkernel.dylib"}.get(sys.platform, "libkernel.so")
PATH = Path(__file__).parent / "kernel" / NAME
_OK, _OUT_OF_MEMORY, _BAD_ARGUMENT, _OUT_OF_RANGE, _INVALID_DATA, _CUT_SHORT = range(6)


class KernelError(Exception):
    """The kernel refused what it was given."""


class ExactRangeError(KernelError):
    """A layer whose sums can't be proven exact."""


class CodewordError(KernelError):
    """A codeword that no encoder writes."""


class CutShortError(KernelError):
    """A codeword that is read too far past its end."""


class Shape(ctypes.Structure):
    """`nnc_shape`."""

    _fields_ = [
        (name, c_int32) for name in "outputs inputs size stride shift limit activate bits".split()
    ]


class JobStruct(ctypes.Structure):
    """`nnc_job`."""

    _fields_ = [
        ("rows", c_int32),
        ("columns", c_int32),
        ("width", c_int32),
        ("height", c_int32),
        ("external", c_void_p),
        ("constants", c_void_p),
        ("constant_count", c_int64),
        ("log2_table", c_void_p),
        ("means", c_void_p),
        ("steps", c_void_p),
        ("tables", c_void_p),
        ("symbols", c_void_p),
    ]


class StepStruct(ctypes.Structure):
    """`nnc_step`."""

    _fields_ = [
        ("start", c_int32),
        ("stop", c_int32),
        ("phase_row", c_int32),
        ("phase_column", c_int32),
        ("blank", c_int32),
        ("place", c_int64),
    ]


class CorrectionStruct(ctypes.Structure):
    """`nnc_correction`."""

    _fields_ = [
        *(
            (name, c_int32)
            for name in "rows columns phase_row phase_column height width channel step".split()
        ),
        ("enter", c_void_p),
        ("leave", c_void_p),
        ("said", c_void_p),
        ("sums", c_void_p),
        ("traces", c_void_p),
        ("log2_table", c_void_p),
        ("pixels", c_void_p),
    ]


class ReaderStruct(ctypes.Structure):
    """`nnc_reader`."""

    _fields_ = [("low", c_uint64), ("range", c_uint64), ("point", c_uint64), ("place", c_int64)]


class FineStruct(ctypes.Structure):
    """`nnc_rest`."""

    _fields_ = [
        *((name, c_int32) for name in "width height channels bits writes".split()),
        *(
            (name, c_void_p)
            for name in "values errors wanted weights stretch squash rates".split()
            + "contexts nodes mixes data".split()
        ),
        ("size", c_int64),
    ]


class FineCoderStruct(ctypes.Structure):
    """`nnc_rest_coder`."""

    _fields_ = [("point", c_uint64), ("range", c_uint64), ("place", c_int64)]


_FUNCTIONS: dict[str, tuple[object, ...]] = {
    "abi": (),
    "runs": (c_int32,),
    "layer_new": (c_int32, POINTER(Shape), c_void_p, c_void_p, POINTER(c_void_p)),
    "layer_parts": (c_void_p,),
    "program_new": (c_void_p, c_int32, c_void_p, c_int32, c_void_p, c_int32, POINTER(c_void_p)),
    "run": (c_void_p, POINTER(JobStruct), c_int32, c_int32),
    "scan_new": (c_void_p, c_int32, c_int32, POINTER(c_void_p)),
    "scan_run": (c_void_p, POINTER(JobStruct), POINTER(StepStruct), c_int32, c_int32),
    "tables_new": (c_void_p, c_int32, c_void_p, c_int64, POINTER(c_void_p)),
    "reader_call": (
        POINTER(ReaderStruct),
        c_void_p,
        c_int64,
        c_void_p,
        c_int64,
        c_void_p,
        c_void_p,
    ),
    "begin": (POINTER(CorrectionStruct),),
    "expect": (POINTER(CorrectionStruct), c_void_p, c_void_p, c_void_p),
    "learn": (POINTER(CorrectionStruct), c_void_p),
    "rest_row": (POINTER(FineStruct), POINTER(FineCoderStruct), c_int32),
    "layer_free": (c_void_p,),
    "program_free": (c_void_p,),
    "scan_free": (c_void_p,),
    "tables_free": (c_void_p,),
    "reader_start": (POINTER(ReaderStruct), c_void_p, c_int64),
}


@cache
def load_kernel() -> ctypes.CDLL:
    """Loads the kernel.

    Raises:
        OSError: there is none, or not for this machine.
    """
    library = ctypes.CDLL(str(PATH))
    for name, arguments in _FUNCTIONS.items():
        function = getattr(library, f"nnc_{name}")
        function.argtypes = arguments
        function.restype = None if name.endswith(("_free", "_start")) else c_int32
    if library.nnc_abi() != ABI:
        raise OSError(f"{PATH} is of another version")
    return library


def levels() -> list[str]:
    """Names of the instruction sets that run here, the fastest last."""
    return [name for number, name in enumerate(LEVELS) if load_kernel().nnc_runs(number)]


def best_level() -> str:
    """The fastest instruction set, or the one that NNCODEC_KERNEL_LEVEL names.

    Raises:
        KernelError: that one does not run here.
    """
    found = levels()
    wanted = os.environ.get(LEVEL_VARIABLE) or found[-1]
    if wanted not in found:
        raise KernelError(f"{LEVEL_VARIABLE}={wanted}: here run {', '.join(found)}")
    return wanted


def raise_for(status: int) -> None:
    """Raises what a status of the kernel stands for."""
    if status == _OUT_OF_MEMORY:
        raise MemoryError
    if status == _OUT_OF_RANGE:
        raise ExactRangeError("the sums of a layer can't be proven exact")
    if status == _CUT_SHORT:
        raise CutShortError("truncated: the codeword ends too early")
    if status == _INVALID_DATA:
        raise CodewordError("the range-coded data is invalid")
    if status != _OK:
        raise KernelError("the kernel was given what it can't run")


def pointer(array: NDArray[Any] | None) -> int | None:
    """Where an array begins; null for none."""
    return None if array is None else array.ctypes.data
