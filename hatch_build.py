"""Builds the compiled kernel with the C compiler of the package `ziglang`.

As a hook of hatchling it makes one wheel for each platform, whatever the version of Python, since
ctypes loads the kernel. NNCODEC_TARGET names another platform to build for, as `TARGETS` does;
NNCODEC_KERNEL=none leaves the kernel out, and the wheel runs anywhere, by torch. To build into a
checkout, or the kernel of web pages, which an editable installation builds as well:

    python hatch_build.py [TARGET]
    python hatch_build.py wasm
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import NamedTuple

SOURCES = Path(__file__).parent / "codec" / "decoding" / "engines" / "kernel"
WASM = Path(__file__).parent / "docs" / "web" / "nncodec.wasm"
COMMON = (
    "machine",
    "layer",
    "program",
    "memory",
    "rows",
    "run",
    "scan",
    "execute",
    "lossless",
    "correct",
    "corrector",
    "entropy",
    "fine",
    "convolve_portable",
)
FLAGS = ("-std=c11", "-O3", "-g0", "-fPIC", "-fwrapv", "-fvisibility=hidden", "-Wall", "-Wextra")
X86 = {
    "convolve_sse2": (),
    "convolve_avx2": ("-mavx2",),
    "convolve_avx512": tuple(f"-mavx512{part}" for part in ("f", "vl", "bw", "dq", "vnni")),
}
ARM = {"convolve_neon": ()}
TARGET_VARIABLE, KERNEL_VARIABLE = "NNCODEC_TARGET", "NNCODEC_KERNEL"


class Target(NamedTuple):
    """A platform.

    Attributes:
        zig: what the compiler calls it; the oldest system that it runs on.
        tag: what wheels call it.
        library: name of the kernel's file.
        levels: files with code for instruction sets, and their flags.
    """

    zig: str
    tag: str
    library: str
    levels: dict[str, tuple[str, ...]]


TARGETS = {
    "linux-x86_64": Target("x86_64-linux-gnu.2.17", "manylinux2014_x86_64", "libkernel.so", X86),
    "linux-aarch64": Target("aarch64-linux-gnu.2.17", "manylinux2014_aarch64", "libkernel.so", ARM),
    "macosx-x86_64": Target("x86_64-macos.11.0", "macosx_11_0_x86_64", "libkernel.dylib", X86),
    "macosx-arm64": Target("aarch64-macos.11.0", "macosx_11_0_arm64", "libkernel.dylib", ARM),
    "win-amd64": Target("x86_64-windows-gnu", "win_amd64", "kernel.dll", X86),
    "win-arm64": Target("aarch64-windows-gnu", "win_arm64", "kernel.dll", ARM),
}


WASM_FLAGS = ("-target", "wasm32-wasi", "-mexec-model=reactor", "-msimd128", "-std=c11", "-O3")
WASM_LINK = (
    *("-Wl,--export-dynamic", "-Wl,--export=nnc_take", "-Wl,--export=nnc_give"),
    *("-Wl,-z,stack-size=1048576", "-s"),
)
"""Callers take memory themselves, and convolutions keep lines of channels on the stack."""


def here() -> str:
    """The name of this platform in `TARGETS`, or one that is not there."""
    system, *_, machine = sysconfig.get_platform().split("-")
    if system == "macosx":
        machine = os.uname().machine
    return f"{system}-{machine}"


def sources(target: Target) -> dict[str, tuple[str, ...]]:
    """The files of the kernel for a platform, each with flags of its own."""
    return {**dict.fromkeys(COMMON, ()), **target.levels}


def compile_kernel(target: Target, folder: Path = SOURCES) -> Path:
    """Compiles and links the kernel into a folder.

    Raises:
        subprocess.CalledProcessError: the compiler refuses.
    """
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", target.zig]
    with tempfile.TemporaryDirectory() as temporary:
        objects = []
        for name, flags in sources(target).items():
            objects.append(str(Path(temporary, f"{name}.o")))
            source = str(SOURCES / f"{name}.c")
            command = [*compiler, *FLAGS, *flags, "-c", source, "-o", objects[-1]]
            subprocess.run(command, check=True)  # noqa: S603
        linked = Path(temporary, target.library)
        subprocess.run([*compiler, "-shared", "-s", "-o", linked, *objects], check=True)  # noqa: S603
        # Renamed, not overwritten: a process may have the old one loaded.
        partial = folder / f".{target.library}.{os.getpid()}"
        partial.write_bytes(linked.read_bytes())
        os.replace(partial, folder / target.library)
    return folder / target.library


def compile_wasm(path: Path = WASM) -> Path:
    """Compiles the kernel for web pages.

    Raises:
        subprocess.CalledProcessError: the compiler refuses.
    """
    files = [str(SOURCES / f"{name}.c") for name in (*COMMON, "convolve_simd128")]
    flags = (*WASM_FLAGS, "-g0", "-fwrapv", "-fvisibility=hidden", *WASM_LINK)
    command = [sys.executable, "-m", "ziglang", "cc", *flags, *files, "-o", str(path)]
    subprocess.run(command, check=True)  # noqa: S603
    return path


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run as a program
    pass
else:

    class KernelHook(BuildHookInterface):
        """Compiles the kernel for a wheel, or into the checkout of an editable installation."""

        PLUGIN_NAME = "custom"

        def initialize(self, version: str, build_data: dict) -> None:
            """Puts the kernel where `codec.decoding.engines.library` looks for it."""
            if os.environ.get(KERNEL_VARIABLE) == "none":
                return
            name = os.environ.get(TARGET_VARIABLE) or here()
            if name not in TARGETS:
                self.app.display_warning(f"no kernel for {name}: pictures are decoded by torch")
                return
            target = TARGETS[name]
            try:
                library = compile_kernel(target)
                if version == "editable":
                    compile_wasm()
            except (OSError, subprocess.CalledProcessError) as error:
                if version != "editable":
                    raise
                self.app.display_warning(f"no kernel, pictures are decoded by torch: {error}")
                return
            relative = library.relative_to(Path(__file__).parent).as_posix()
            if version != "editable":
                build_data["artifacts"].append(relative)
                build_data["tag"] = f"py3-none-{target.tag}"
                build_data["pure_python"] = False


if __name__ == "__main__":
    wanted = sys.argv[1] if sys.argv[1:] else here()
    print(compile_wasm() if wanted == "wasm" else compile_kernel(TARGETS[wanted]))
