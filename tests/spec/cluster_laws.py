"""Laws of complete linkage that the right version passes and a known wrong version breaks."""

import numpy as np


def reference(n, similarity, threshold):
    """The definition: merge the two clusters whose least similar pair is most similar."""
    clusters = [[i] for i in range(n)]
    while True:
        links = []
        for a in range(len(clusters)):
            for b in range(a + 1, len(clusters)):
                pairs = [
                    (-similarity[i, j], min(i, j), max(i, j))
                    for i in clusters[a]
                    for j in clusters[b]
                ]
                links.append((*max(pairs), a, b))  # the pair that comes last
        links = [link for link in links if -link[0] >= threshold]
        if not links:
            break
        *_, a, b = min(links)
        clusters[a] += clusters.pop(b)
    label = np.empty(n, dtype=np.int64)
    for number, cluster in enumerate(sorted(map(sorted, clusters))):
        label[cluster] = number
    return label


def pairs_at(similarity, threshold):
    """Every pair of a similarity matrix at or above a threshold."""
    first, second = np.nonzero(np.triu(similarity >= threshold, 1))
    return first, second, similarity[first, second]


def drawn(seed, n=12, levels=6):
    """A symmetric matrix with many ties."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.integers(0, levels, size=(n, n)), 1) / levels
    return upper + upper.T


def law_clusters_do_not_chain(complete_linkage):
    """In every cluster every pair is at or above the threshold."""
    n = 9
    first = np.arange(n - 1)
    label = complete_linkage(n, first, first + 1, np.linspace(0.99, 0.95, n - 1))
    assert np.bincount(label).max() == 2
    for seed in range(40):
        similarity = drawn(seed)
        label = complete_linkage(12, *pairs_at(similarity, 0.5))
        inside = label[:, None] == label[None, :]
        np.fill_diagonal(inside, False)
        assert (similarity[inside] >= 0.5).all()


def law_clusters_are_those_of_the_definition(complete_linkage):
    """The most similar clusters are merged first; ties go by the lower item."""
    for seed in range(60):
        similarity = drawn(seed)
        label = complete_linkage(12, *pairs_at(similarity, 0.5))
        assert label.tolist() == reference(12, similarity, 0.5).tolist()


def law_clusters_do_not_depend_on_the_order_of_the_pairs(complete_linkage):
    """Nor on which way round a pair is given."""
    for seed in range(40):
        first, second, similarity = pairs_at(drawn(seed), 0.5)
        expected = complete_linkage(12, first, second, similarity)
        rng = np.random.default_rng(seed)
        order = rng.permutation(first.size)
        turned = rng.random(first.size) < 0.5
        one, other = np.where(turned, second, first), np.where(turned, first, second)
        moved = complete_linkage(12, one[order], other[order], similarity[order])
        assert moved.tolist() == expected.tolist()


def law_no_two_clusters_could_still_be_one(complete_linkage):
    """Between any two clusters some pair is under the threshold."""
    for seed in range(40):
        similarity = drawn(seed)
        label = complete_linkage(12, *pairs_at(similarity, 0.5))
        for a in range(label.max() + 1):
            for b in range(a):
                assert similarity[np.ix_(label == a, label == b)].min() < 0.5
