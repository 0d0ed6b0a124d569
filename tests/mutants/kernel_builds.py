"""Builds of the compiled kernel with one fault each, made while other tests run."""

import ast
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from ctypes import CDLL
from dataclasses import dataclass
from pathlib import Path

import pytest

from spolia.search.native import binding

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "spolia" / "search" / "native"


@dataclass(frozen=True)
class Fault:
    """One fragment of the kernel's C++ sources, and what a mutant has in its place."""

    file: str
    old: str
    new: str
    compiled: tuple[str, ...] = ()
    """The sources that the fault changes, where it is put into a header."""

    @property
    def units(self) -> tuple[str, ...]:
        """Return the sources to be compiled again."""
        return self.compiled or (self.file,)

    def found(self) -> int:
        """Return how often the fragment occurs; a fault has one place."""
        return (SOURCES / self.file).read_text(encoding="utf-8").count(self.old)


def flags() -> list[str]:
    """Return the flags that setup.py compiles with, optimised less: mutants may be slow."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    (found,) = (
        ast.literal_eval(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "extra_compile_args"
    )
    return ["-O1" if flag == "-O3" else flag for flag in found]


def compiler() -> str | None:
    """Return the C++ compiler of this machine, of the family that setup.py asks for."""
    names = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
    return next((path for path in map(shutil.which, filter(None, names)) if path), None)


class Builds:
    """Shared libraries of the kernel: the right one, and the mutants, built side by side.

    A mutant's sources are compiled again where its fault is; the rest it shares with the right one.
    """

    def __init__(self, faults: dict[str, Fault], folder: Path) -> None:
        found = compiler()
        if found is None:
            pytest.skip("needs a C++ compiler: the mutants of the kernel are compiled here")
        self._headers = Path(sysconfig.get_paths()["include"])
        if not (self._headers / "Python.h").exists():
            pytest.skip("needs Python.h, of which the kernel's module is made")
        self._compiler, self._folder = found, folder
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1)
        sources = sorted(path.name for path in SOURCES.glob("*.cpp"))
        # These wait for nothing and come first, so that those that wait for them cannot block them.
        self._objects = {
            name: self._pool.submit(self._compile, SOURCES / name, folder / f"{name}.o")
            for name in sources
        }
        self._right = self._pool.submit(self._link, folder / "right.so", {})
        self._mutants = {
            name: self._pool.submit(self._mutate, fault, folder / str(number))
            for number, (name, fault) in enumerate(faults.items())
        }

    def close(self) -> None:
        """Drop what was not asked for."""
        self._pool.shutdown(cancel_futures=True)

    @contextmanager
    def in_use(self, name: str | None) -> Iterator[None]:
        """Load a mutant, or the right kernel, in place of the one that is installed."""
        build: Future[Path] = self._right if name is None else self._mutants[name]
        loaded = CDLL(str(build.result()))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(binding, "library", lambda: loaded)
            binding.kernels.cache_clear()
            try:
                yield
            finally:
                binding.kernels.cache_clear()

    def _mutate(self, fault: Fault, folder: Path) -> Path:
        folder.mkdir()
        for path in SOURCES.glob("*.[ch]*"):
            shutil.copy(path, folder)
        text = (folder / fault.file).read_text(encoding="utf-8")
        (folder / fault.file).write_text(text.replace(fault.old, fault.new), encoding="utf-8")
        own = {name: self._compile(folder / name, folder / f"{name}.o") for name in fault.units}
        return self._link(folder / "mutant.so", own)

    def _compile(self, source: Path, target: Path) -> Path:
        options = [*flags(), "-w", "-fPIC", f"-I{self._headers}", "-c", str(source)]
        return self._run(options, target)

    def _link(self, target: Path, own: dict[str, Path]) -> Path:
        objects = [own.get(name) or made.result() for name, made in self._objects.items()]
        shared = str(sysconfig.get_config_var("LDSHARED") or "cc -shared").split()[1:]
        return self._run([*shared, *map(str, objects)], target)

    def _run(self, options: list[str], target: Path) -> Path:
        done = subprocess.run(
            [self._compiler, *options, "-o", str(target)], capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return target
