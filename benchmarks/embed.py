"""Embedding a set of images against the bare network: ``python -m benchmarks embed CARD SOURCE``.

The bare network gets arrays that lie ready in memory, from as many threads as there are cores, one
image a call; and, as is usual, in batches of 32 that it spreads over the cores itself. spolia gets
the files: it reads, decodes in processes of their own, prepares, embeds and writes a store. Its
rows are compared first, bit for bit, with those of the bare network. Then both in turns; wall
time, for the decoders are other processes.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.checks import Wrong
from benchmarks.measure import RESULTS, append, in_turns, timed
from spolia.auditing.embed import embed_source
from spolia.core.types import Float32, normalise
from spolia.embedding import Embedder, load_card, open_embedder, preprocess
from spolia.embedding.cards import find_model
from spolia.sources import Source, open_source
from spolia.store.shards import open_store

BATCH = 32


def session(model: Path, threads: int) -> Any:
    """Return the bare network."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def one_by_one(network: Any, images: Float32, threads: int) -> Float32:
    """Return the outputs of the bare network, an image a call."""
    entry = network.get_inputs()[0].name
    with ThreadPoolExecutor(threads) as pool:
        singles = (images[i : i + 1] for i in range(len(images)))
        rows = pool.map(lambda one: network.run(None, {entry: one})[0], singles)
        return np.concatenate(list(rows))


def in_batches(network: Any, images: Float32) -> Float32:
    """Return the outputs of the bare network, in batches."""
    entry = network.get_inputs()[0].name
    starts = range(0, len(images), BATCH)
    return np.concatenate([network.run(None, {entry: images[i : i + BATCH]})[0] for i in starts])


def embedded(source: Source, embedder: Embedder) -> Float32:
    """Return the rows of a set of images, by way of a store."""
    with tempfile.TemporaryDirectory() as folder:
        embed_source(source, embedder, Path(folder))
        vectors = open_store(Path(folder)).embeddings.vectors
        return np.array(vectors[0 : vectors.shape[0]])


def measured(card: Path, source: Source, threads: int, rounds: int) -> dict[str, Any]:
    """Return images a second, of the bare network and of spolia, in turns."""
    spec = load_card(card)
    images = np.concatenate([preprocess(source.image(i), spec.input) for i in range(len(source))])
    lone, spread = session(find_model(spec), 1), session(find_model(spec), threads)
    source.fingerprint  # noqa: B018 - asked for once, before the clock runs
    ours: Callable[[], Float32] = partial(embedded, source, open_embedder(card))
    bare: Callable[[], Float32] = partial(one_by_one, lone, images, threads)
    batches: Callable[[], Float32] = partial(in_batches, spread, images)
    rows, first = timed(ours)
    outputs, first_bare = timed(bare)
    if not np.array_equal(rows, normalise(outputs)):
        raise Wrong("spolia's rows are not those of the bare network")
    whole, alone = in_turns(
        (lambda: timed(ours)[1], lambda: timed(bare)[1]), (first, first_bare), rounds
    )
    together = min(timed(batches)[1].wall for _ in range(rounds))
    n = len(source)
    return {
        "images": n,
        "threads": threads,
        "spolia": n / whole.wall,
        "bare": n / alone.wall,
        f"bare_{BATCH}": n / together,
        "ratio": alone.wall / whole.wall,
        f"ratio_{BATCH}": together / whole.wall,
    }


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks embed", description=__doc__)
    parser.add_argument("card", type=Path)
    parser.add_argument("source", type=Path)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(arguments)
    line = measured(asked.card, open_source(asked.source), asked.threads, asked.rounds)
    print(f"{line['images']:,} images, {line['threads']} threads, images a second:")
    print(f"  spolia, from files to a store       {line['spolia']:8.1f}")
    print(f"  bare network, image by image        {line['bare']:8.1f}   ratio {line['ratio']:.2f}")
    print(
        f"  bare network, in batches of {BATCH}      {line[f'bare_{BATCH}']:8.1f}   "
        f"ratio {line[f'ratio_{BATCH}']:.2f}"
    )
    append(RESULTS / "embed.jsonl", [line | {"card": asked.card.name, "set": asked.source.name}])
