"""The torch engine: the join on a graphics card, or by a processor's whole-number instructions."""

from dataclasses import dataclass, replace
from typing import Any

from spolia.core.errors import MissingExtra, UsageError
from spolia.core.progress import Progress
from spolia.core.types import Rows
from spolia.search.block import Task
from spolia.search.exclude import Exclude
from spolia.search.histogram import count_histogram
from spolia.search.library import check_memory, run_library
from spolia.search.plan import TILES, Plan, Tiles, Wanted, least_memory, make_plan
from spolia.search.quantised import WIDEST, depth_of
from spolia.search.result import JoinResult
from spolia.search.run import BlockJoin, run_plan
from spolia.search.torch_tiles import TorchTiles

_PAYS = 1e11
"""Multiplications of a join from which on a processor's torch pays for its import, two seconds."""

_CARD_TILES: Tiles = ((4096, 16384), (4096, 8192), (2048, 4096), *TILES)
_CARD_THREADS = 4
"""Threads that keep a graphics card busy."""

# Working memory in bytes, counted from the arrays alive together at the worst moment of a step.
_CARD_PAIR = 40
_CARD_PIECE = 1 << 28
_THREAD = 24 << 20


@dataclass(frozen=True)
class Cut:
    """How a join is cut up for a device."""

    plan: Plan
    hold: bool
    """Does all of base fit, quantised, on the device?"""


def run_torch(
    query: Rows,
    base: Rows,
    wanted: Wanted,
    exclude: Exclude | None,
    *,
    device: str,
    memory: int,
    threads: int,
    progress: Progress,
) -> JoinResult:
    """Return the join of checked rows; see `spolia.search.join.join`.

    numpy's library does the histogram, and the join where rows are wider than an integer sum
    allows, or where ``memory`` does not hold useful tiles.

    Parameters
    ----------
    device
        ``"cpu"`` or ``"cuda"``; must be `available`.

    Raises
    ------
    UsageError
        If ``memory`` is too small.
    ResultTooLarge
        If there are more pairs at or above ``wanted.above`` than ``memory`` can hold.
    """
    import torch

    check_memory(query, base, wanted, exclude, memory)
    rest = replace(wanted, histogram=None)
    limits = {"memory": memory, "threads": threads}
    shape = (query.shape[0], base.shape[0], base.shape[1])
    cut = make_cut(shape, rest, device, **limits, grouped=exclude is not None)
    if cut is None or rest == Wanted():
        return run_library(query, base, wanted, exclude, **limits, progress=progress)
    counted = None
    if wanted.histogram is not None:
        counted = count_histogram(query, base, wanted.histogram, exclude, **limits)
    hold, before = cut.hold, torch.get_num_threads()

    def prepare(task: Task) -> BlockJoin:
        return TorchTiles(task, device, hold=hold).join_block

    try:
        found = run_plan(query, base, rest, exclude, cut.plan, progress, prepare=prepare)
    finally:
        torch.set_num_threads(before)
    return replace(found, histogram=counted)


def make_cut(
    shape: tuple[int, int, int],
    wanted: Wanted,
    device: str,
    *,
    memory: int,
    threads: int,
    grouped: bool,
) -> Cut | None:
    """Return the largest useful pieces that fit, or ``None`` where none do.

    Base is held quantised where it fits: within ``memory`` on a processor, and with its float32
    rows in two thirds of a graphics card's free memory.
    """
    _, m, d = shape
    if d > WIDEST:
        return None
    row, tiles = depth_of(d), TILES
    if device != "cpu":
        threads = min(threads, _CARD_THREADS)
        free = _free_memory()
        tiles = (
            tuple(
                tile
                for tile in _CARD_TILES
                if threads * (tile[0] * tile[1] * _CARD_PAIR + _CARD_PIECE) <= free // 4
            )
            or TILES[-1:]
        )
        hold = m * (row + 4 * d) <= free * 2 // 3
        plan = _plan(shape, wanted, memory, threads, grouped, tiles)
        return None if plan is None else Cut(plan, hold)
    for hold in (True, False):
        held = m * (row + 1) if hold else 0
        plan = _plan(shape, wanted, memory - held, threads, grouped, tiles)
        if plan is not None:
            return Cut(plan, hold)
    return None


def _plan(
    shape: tuple[int, int, int],
    wanted: Wanted,
    memory: int,
    threads: int,
    grouped: bool,
    tiles: Tiles,
) -> Plan | None:
    """Return a plan of useful tiles in ``memory``, their quantised rows counted, or ``None``."""
    quantised = sum(tiles[0]) * depth_of(shape[2]) + _THREAD
    memory -= threads * quantised
    if memory < least_memory(shape, wanted, grouped=grouped):
        return None
    limits = {"memory": memory, "threads": threads}
    plan = make_plan(shape, wanted, **limits, grouped=grouped, tiles=tiles)
    return plan if plan.columns >= TILES[-1][1] else None


def pays(n: int, m: int, d: int, wanted: Wanted) -> bool:
    """Is torch the faster library for a join on this machine's processor?

    It was, about twice, for ``above`` and ``top`` on a processor that multiplies whole numbers of
    one byte; torch names such a one by its AVX-512. For the k nearest of rows without structure
    too many pairs are left. A join that is too small for torch's import does not load it.
    """
    if wanted.k is not None or float(n) * m * d < _PAYS or not available("cpu"):
        return False
    import torch

    capability: str = torch.backends.cpu.get_cpu_capability()
    return capability == "AVX512"


def available(device: str) -> bool:
    """Can torch do joins on a device, ``"cpu"`` or ``"cuda"``?

    It is tried on the largest products there are: on some processors without instructions for
    them torch lets sums of two saturate, and its products are wrong.
    """
    torch = _torch()
    if torch is None or (device == "cuda" and not torch.cuda.is_available()):
        return False
    try:
        most = torch.full((32, 64), 127, dtype=torch.int8, device=device)
        product = torch._int_mm(most, torch.cat([most, -most]).T)
        expected = 64 * 127 * 127
        return bool((product[:, :32] == expected).all() and (product[:, 32:] == -expected).all())
    except (AttributeError, RuntimeError):
        return False


def gpu_name() -> str | None:
    """Return the name of the graphics card that engine gpu would use, ``None`` if none."""
    torch = _torch()
    if torch is None or not available("cuda"):
        return None
    name: str = torch.cuda.get_device_name()
    return name


def require_gpu() -> None:
    """Raise unless engine gpu can be used.

    Raises
    ------
    MissingExtra
        If torch is not installed.
    UsageError
        If torch finds no graphics card that it can multiply whole numbers on.
    """
    torch = _torch()
    if torch is None:
        raise MissingExtra(
            "engine gpu needs torch, which is not installed; run: pip install 'spolia[gpu]'"
        )
    if not available("cuda"):
        raise UsageError(
            f"engine gpu needs a graphics card with CUDA that torch can use, but torch "
            f"{torch.__version__} finds none; install the torch for your card and its driver, "
            "or join with engine='auto'"
        )


def torch_report() -> dict[str, Any]:
    """Return what `spolia doctor` says of torch: its version, the card, and if the library uses it.

    Loads torch where it is installed.
    """
    torch = _torch()
    return {
        "torch": None if torch is None else str(torch.__version__),
        "gpu": gpu_name(),
        "library": pays(1 << 20, 1 << 20, 1 << 9, Wanted(top=1)),
    }


def _free_memory() -> int:
    """Return the free bytes of the graphics card."""
    import torch

    free: int = torch.cuda.mem_get_info()[0]
    return free


def _torch() -> Any:
    """Return torch, or ``None`` where it is not installed or does not load."""
    try:
        import torch
    except (ImportError, OSError):
        return None
    return torch
