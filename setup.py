"""The optional compiled kernel; everything else is in pyproject.toml.

Without a C++17 compiler of the GNU or Clang family the installation goes on without it.
"""

from pathlib import Path

from setuptools import Extension, setup

FOLDER = Path("src/spolia/search/native")

setup(
    ext_modules=[
        Extension(
            "spolia.search.native._kernel",
            sources=sorted(str(path) for path in FOLDER.glob("*.cpp")),
            depends=sorted(str(path) for path in FOLDER.glob("*.h")),
            language="c++",
            # Each kernel is compiled for its own instructions and chosen when spolia runs, so
            # nothing here may depend on the machine that builds. Sums keep their order: proofs
            # rest on it.
            extra_compile_args=[
                "-std=c++17",
                "-O3",
                "-g0",
                "-ffp-contract=off",
                "-fno-math-errno",
                "-fvisibility=hidden",
                "-Wall",
                "-Wextra",
                "-Wno-psabi",
            ],
            py_limited_api=True,
            optional=True,
        )
    ],
    exclude_package_data={"spolia.search.native": ["*.cpp", "*.h"]},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
