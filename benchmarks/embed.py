"""Embedding a set of images against the bare network: ``python -m benchmarks embed CARD SOURCE``.

The bare network gets tensors that lie ready in memory, from as many threads as there are cores, one
image a call. spolia is timed twice against it, in turns:

* on the same batch: its embedder gets the decoded pictures of which the tensors were made, in as
  many threads;
* from files to a store: it reads, decodes in processes of their own, prepares, embeds and writes.

Its rows are compared first, bit for bit, with those of the bare network. Besides, the bare network
in batches of 32 that it spreads over the cores itself, as is usual. Wall time, and the time of all
processors, that of the decoders included: on a machine that does other things as well, only the
latter says much.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.checks import Wrong
from benchmarks.measure import RESULTS, Seconds, append, median
from spolia.auditing.embed import EmbedOptions, embed_source
from spolia.core.types import Float32, normalise
from spolia.embedding import Batched, Embedder, Pixels, load_card, open_embedder, preprocess
from spolia.embedding.cards import find_model
from spolia.sources import Source, open_source
from spolia.store.shards import open_store

BATCH = 32
_GROUP = 8
"""Images that a thread takes at once, in both ways."""
_WAYS = ("bare", "pixels", "files")


def session(model: Path, threads: int) -> Any:
    """Return the bare network."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def in_groups(call: Callable[[int, int], list[Float32]], n: int, threads: int) -> Float32:
    """Return the rows of ``n`` images, of which each call makes some in one of the threads."""
    with ThreadPoolExecutor(threads) as pool:
        starts = range(0, n, _GROUP)
        several = pool.map(lambda start: call(start, min(start + _GROUP, n)), starts)
        return np.stack([row for rows in several for row in rows])


def one_by_one(network: Any, images: Float32, threads: int) -> Float32:
    """Return the outputs of the bare network, an image a call."""
    entry = network.get_inputs()[0].name

    def call(start: int, stop: int) -> list[Float32]:
        return [network.run(None, {entry: images[i : i + 1]})[0][0] for i in range(start, stop)]

    return in_groups(call, len(images), threads)


def in_batches(network: Any, images: Float32) -> Float32:
    """Return the outputs of the bare network, in batches."""
    entry = network.get_inputs()[0].name
    starts = range(0, len(images), BATCH)
    return np.concatenate([network.run(None, {entry: images[i : i + BATCH]})[0] for i in starts])


def of_pixels(embedder: Embedder, pictures: list[Pixels], threads: int) -> Float32:
    """Return spolia's rows of decoded pictures, as it makes them in a run."""
    assert isinstance(embedder, Batched)

    def call(start: int, stop: int) -> list[Any]:
        return embedder.embed_batch(pictures[start:stop])

    return in_groups(call, len(pictures), threads)


def of_files(source: Source, embedder: Embedder, threads: int | None) -> Float32:
    """Return the rows of a set of images, by way of a store."""
    with tempfile.TemporaryDirectory() as folder:
        embed_source(source, embedder, Path(folder), options=EmbedOptions(threads=threads))
        vectors = open_store(Path(folder)).embeddings.vectors
        return np.array(vectors[0 : vectors.shape[0]])


def timed(call: Callable[[], Float32]) -> tuple[Float32, Seconds]:
    """Return what the call returns, and how long it took, on the processors also of children."""
    wall, cpu = time.perf_counter(), time.process_time() + _of_children()
    result = call()
    return result, Seconds(time.perf_counter() - wall, time.process_time() + _of_children() - cpu)


def _of_children() -> float:
    """Return the seconds of processors that children which still run have used, on Linux."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def measured(card: Path, source: Source, threads: int, rounds: int) -> dict[str, Any]:
    """Return seconds an image and ratios, of the bare network and of spolia, in turns."""
    spec, embedder, n = load_card(card), open_embedder(card), len(source)
    pictures = [source.image(i) for i in range(n)]
    images = np.concatenate([preprocess(one, spec.input) for one in pictures])
    lone, spread = session(find_model(spec), 1), session(find_model(spec), threads)
    source.fingerprint  # noqa: B018 - asked for once, before the clock runs
    calls: tuple[Callable[[], Float32], ...] = (
        partial(one_by_one, lone, images, threads),
        partial(of_pixels, embedder, pictures, threads),
        partial(of_files, source, embedder, None),
    )
    wanted = normalise(calls[0]())
    for call in calls[1:]:
        if not np.array_equal(call(), wanted):
            raise Wrong("spolia's rows are not those of the bare network")
    turns = [[timed(call)[1] for call in calls] for _ in range(rounds)]
    bare, *ours = (median(list(one)) for one in zip(*turns, strict=True))
    together = median([timed(partial(in_batches, spread, images))[1] for _ in range(rounds)])
    line: dict[str, Any] = {"images": n, "threads": threads, "rounds": rounds}
    for name, one in zip(_WAYS, (bare, *ours), strict=True):
        line |= {f"{name}_wall": one.wall / n, f"{name}_cpu": one.cpu / n}
        line |= {f"{name}_ratio": bare.wall / one.wall, f"{name}_cpu_ratio": bare.cpu / one.cpu}
    return line | {f"bare_{BATCH}_wall": together.wall / n, f"bare_{BATCH}_cpu": together.cpu / n}


def written(line: dict[str, Any]) -> str:
    """Return a measurement as a table."""
    names = ("bare network, image by image", "on the same batch", "from files to a store")
    rows = [
        f"{line['images']:,} images, {line['threads']} threads; milliseconds an image",
        f"{'':30}    wall  ratio     cpu  ratio",
    ]
    for name, way in zip(names, _WAYS, strict=True):
        wall, cpu = line[f"{way}_wall"] * 1e3, line[f"{way}_cpu"] * 1e3
        rows.append(
            f"{name:30}{wall:8.2f}{line[f'{way}_ratio']:7.2f}{cpu:8.2f}{line[f'{way}_cpu_ratio']:7.2f}"
        )
    wall, cpu = line[f"bare_{BATCH}_wall"] * 1e3, line[f"bare_{BATCH}_cpu"] * 1e3
    rows.append(f"{f'bare network, in batches of {BATCH}':30}{wall:8.2f}{'':7}{cpu:8.2f}")
    return "\n".join(rows)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks embed", description=__doc__)
    parser.add_argument("card", type=Path)
    parser.add_argument("source", type=Path)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(arguments)
    line = measured(asked.card, open_source(asked.source), asked.threads, asked.rounds)
    print(written(line))
    append(RESULTS / "embed.jsonl", [line | {"card": asked.card.name, "set": asked.source.name}])
