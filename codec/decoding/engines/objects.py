"""What the compiled kernel makes: layers, programs, scans, tables and readers.

Every wrapper owns what it made and frees it; arrays go in and out as numpy's.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Mapping, Sequence
from ctypes import byref, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.decoding.engines.library import (
    LEVELS,
    JobStruct,
    KernelError,
    ReaderStruct,
    Shape,
    StepStruct,
    load_kernel,
    pointer,
    raise_for,
)


class _Owned:
    """Something that the kernel made, freed with its wrapper."""

    def __init__(self, kind: str, *arguments: object) -> None:
        library, made = load_kernel(), c_void_p()
        raise_for(getattr(library, f"nnc_{kind}_new")(*arguments, byref(made)))
        self.handle = made.value
        weakref.finalize(self, getattr(library, f"nnc_{kind}_free"), made.value)


class Layer(_Owned):
    """A convolution.

    Args:
        level: name of an instruction set.
        weights: integers [outputs inputs k k].
        bias: integers [outputs], in units of the accumulator.
        shift: fractional bits of the weights.
        limit: of the magnitude of inputs.
        stride: 1 or 2.
        activate: whether a leaky ReLU of slope 1/8 follows.
        bits: outputs are proven to lie below 2^bits.

    Attributes:
        shape: all but the numbers.
        numbers: weights and bias as they were given.

    Raises:
        ExactRangeError: they can't be.
    """

    def __init__(
        self,
        level: str,
        weights: NDArray[np.integer],
        bias: NDArray[np.integer],
        *,
        shift: int,
        limit: int,
        stride: int = 1,
        activate: bool = False,
        bits: int = 24,
    ) -> None:
        self.numbers = weights, bias
        weights, bias = (np.ascontiguousarray(array, np.int32) for array in (weights, bias))
        outputs, inputs, *sides = weights.shape
        size = sides[0] if sides else 0
        if sides != [size, size] or bias.shape != (outputs,):
            raise KernelError("a layer has square kernels, and as many biases as outputs")
        self.shape = Shape(outputs, inputs, size, stride, shift, limit, activate, bits)
        arguments = byref(self.shape), pointer(weights), pointer(bias)
        super().__init__("layer", LEVELS.index(level), *arguments)

    @property
    def parts(self) -> int:
        """How many parts its sums are computed in: 1 unless they need 64 bits."""
        return int(load_kernel().nnc_layer_parts(self.handle))


class Program(_Owned):
    """Instructions over registers.

    Args:
        registers: int32 [n 5], see `nnc_register`.
        instructions: int32 [n 23], see `nnc_instruction`.
        layers: those that the instructions number.
    """

    def __init__(
        self,
        registers: NDArray[np.int32],
        instructions: NDArray[np.int32],
        layers: Sequence[Layer],
    ) -> None:
        handles = (c_void_p * max(len(layers), 1))(*(layer.handle for layer in layers))
        self.registers = np.ascontiguousarray(registers, np.int32)
        self.instructions = np.ascontiguousarray(instructions, np.int32)
        self.layers = tuple(layers)  # they must outlive the program
        super().__init__(
            "program",
            pointer(self.registers),
            len(self.registers),
            pointer(self.instructions),
            len(self.instructions),
            handles,
            len(layers),
        )

    def run(self, job: KernelJob, first: int, last: int) -> None:
        """Computes what rows first..last-1 of the base grid are in the external targets."""
        raise_for(load_kernel().nnc_run(self.handle, byref(job.struct), first, last))


class KernelJob:
    """What a program works on; keeps all arrays alive.

    Args:
        program: the program.
        base: rows and columns of the base grid.
        kept: width and height of what has pixels or symbols.
        external: arrays by register.
        constants: int64 [n].
        log2_table: int16 [4096].
    """

    def __init__(
        self,
        program: Program,
        base: tuple[int, int],
        kept: tuple[int, int],
        external: Mapping[int, NDArray[Any]],
        constants: NDArray[np.int64],
        log2_table: NDArray[np.int16] | None = None,
    ) -> None:
        count = len(program.registers)
        pointers = (c_void_p * count)()
        for register, array in external.items():
            bits, finer, channels, _, is_external = program.registers[register].tolist()
            sides = [side << finer if finer >= 0 else side >> -finer for side in base]
            expected = (*sides, channels) if bits != 8 else (kept[1], kept[0], channels)
            if not is_external or array.shape != expected or array.itemsize * 8 != bits:
                raise KernelError(f"register {register} is {expected}, not {array.shape}")
            if not array.flags.c_contiguous:
                raise KernelError(f"the array of register {register} has gaps")
            pointers[register] = array.ctypes.data
        self.constants, self.log2_table = np.ascontiguousarray(constants, np.int64), log2_table
        self._alive = external, pointers
        self.struct = JobStruct(
            *base,
            *kept,
            ctypes.addressof(pointers),
            pointer(self.constants),
            len(self.constants),
            pointer(log2_table),
        )

    def use(
        self,
        means: NDArray[np.int64] | None = None,
        tables: NDArray[np.uint16] | None = None,
        symbols: NDArray[np.int32] | None = None,
        steps: NDArray[np.int64] | None = None,
    ) -> None:
        """Arrays [n] of the symbols of one slot of a scan."""
        self._step = means, tables, symbols, steps
        self.struct.means, self.struct.tables = pointer(means), pointer(tables)
        self.struct.symbols, self.struct.steps = pointer(symbols), pointer(steps)


class KernelScan(_Owned):
    """Registers of a program that is run step by step."""

    def __init__(self, program: Program, rows: int, columns: int) -> None:
        self._program = program
        super().__init__("scan", program.handle, rows, columns)

    def run(
        self,
        job: KernelJob,
        instructions: tuple[int, int],
        rows: tuple[int, int],
        *,
        phase: tuple[int, int] = (0, 0),
        place: int = 0,
        blank: bool = False,
    ) -> None:
        """Runs instructions start..stop-1 for some rows of their targets."""
        step = StepStruct(*instructions, *phase, blank, place)
        raise_for(load_kernel().nnc_scan_run(self.handle, byref(job.struct), byref(step), *rows))


class Tables(_Owned):
    """Probability tables.

    Args:
        frequencies: of each table's symbols, positive integers with the sum 2^24.
    """

    def __init__(self, frequencies: Sequence[NDArray[np.integer]]) -> None:
        sizes = np.array([len(table) for table in frequencies], np.int32)
        joined = np.concatenate(frequencies).astype(np.int32)
        self.count = len(sizes)
        arguments = pointer(sizes), len(sizes), pointer(joined), len(joined)
        super().__init__("tables", *arguments)


class CodewordReader:
    """Reads the symbols of one codeword."""

    def __init__(self, data: bytes, tables: Tables) -> None:
        self._data = np.frombuffer(data, np.uint8) if data else np.zeros(1, np.uint8)
        self.size, self._tables, self._state = len(data), tables, ReaderStruct()
        load_kernel().nnc_reader_start(byref(self._state), pointer(self._data), self.size)

    @property
    def read(self) -> int:
        """Bytes that were read, zeros past the end included."""
        return int(self._state.place)

    def code(self, table: NDArray[np.uint16]) -> NDArray[np.int32]:
        """The values of one call, each with the table of that index: uint16 [n] -> int32 [n].

        Raises:
            CodewordError: no encoder writes such data.
        """
        table = np.ascontiguousarray(table, np.uint16)
        values = np.empty(table.shape, np.int32)
        where = byref(self._state), pointer(self._data), self.size, self._tables.handle
        raise_for(
            load_kernel().nnc_reader_call(*where, table.size, pointer(table), pointer(values))
        )
        return values
