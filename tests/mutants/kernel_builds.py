"""Builds of the compiled kernel with one fault each, made while other tests run."""

import ast
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from ctypes import CDLL
from dataclasses import dataclass
from pathlib import Path

import pytest

from spolia.search.native import binding
from tests.spec.joins import Join, compiled

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "spolia" / "search" / "native"
STANDARD = ("algorithm", "cmath", "cstdint", "cstring", "functional", "limits", "vector")
"""Headers that take longer to read than the sources, so that they are compiled once."""


whole = compiled()


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

    def put_into(self, folder: Path) -> str:
        """Return the file with the fault; fails unless the fragment has one place in it."""
        text = (folder / self.file).read_text(encoding="utf-8")
        if (count := text.count(self.old)) != 1:
            raise LookupError(
                f"{self.file} must hold {self.old!r} once for the mutant, but does so {count} "
                "times; put the fault where the code is now"
            )
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Mutant:
    """A fault of the kernel, the law that kills it, and the join that the law is asked of."""

    fault: Fault
    law: Callable[[Join], None]
    join: Join = whole
    kernel: str = "plain"
    """One that this machine may lack."""

    @property
    def asked(self) -> tuple[object, ...]:
        """Return what mutants have in common that are killed in one way."""
        return self.law, self.join, self.kernel


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
        python = Path(sysconfig.get_paths()["include"])
        if not (python / "Python.h").exists():
            pytest.skip("needs Python.h, of which the kernel's module is made")
        # Told to the compiler, because tests change the environment while it starts.
        self._environment = dict(os.environ)
        self._command = [found, *flags(), "-w", "-fPIC", f"-I{python}"]
        standard = folder / "standard.h"
        standard.write_text("".join(f"#include <{name}>\n" for name in STANDARD))
        self._run(["-x", "c++-header", str(standard)], folder / "standard.h.gch")
        self._command += ["-include", str(standard)]
        self._sources = folder / "sources"
        self._sources.mkdir()
        for path in SOURCES.glob("*.[ch]*"):
            shutil.copy(path, self._sources)
        self._folder = folder
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1)
        # These wait for nothing and come first, so that those that wait for them cannot block them.
        self._objects = {
            path.name: self._pool.submit(self._compile, path, folder / f"{path.name}.o")
            for path in sorted(self._sources.glob("*.cpp"))
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
        shutil.copytree(self._sources, folder)
        (folder / fault.file).write_text(fault.put_into(self._sources), encoding="utf-8")
        own = {name: self._compile(folder / name, folder / f"{name}.o") for name in fault.units}
        return self._link(folder / "mutant.so", own)

    def _compile(self, source: Path, target: Path) -> Path:
        return self._run(["-c", str(source)], target)

    def _link(self, target: Path, own: dict[str, Path]) -> Path:
        objects = [own.get(name) or made.result() for name, made in self._objects.items()]
        shared = str(sysconfig.get_config_var("LDSHARED") or "cc -shared").split()[1:]
        return self._run([*shared, *map(str, objects)], target)

    def _run(self, options: list[str], target: Path) -> Path:
        done = subprocess.run(
            [*self._command, *options, "-o", str(target)],
            env=self._environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return target
