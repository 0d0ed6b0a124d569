// The best pairs seen so far, and those that may still be among them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "exact.h"

namespace spolia {

struct Pair {
    double similarity;
    uint32_t query;
    uint32_t base;
};

// Not a plain function, because sorting calls that through a pointer.
inline constexpr auto better = [](const Pair& one, const Pair& other) {
    if (one.similarity != other.similarity) return one.similarity > other.similarity;
    return one.query != other.query ? one.query < other.query : one.base < other.base;
};

constexpr int HALVINGS = 20;

// A number that at least `keep` of some values reach: the keep-th largest, or, where so many
// halvings of what lies between them do not tell values apart, one just below.
SPOLIA_CLONES static double reached_by(const double* values, int64_t count, int64_t keep) {
    double low = values[0], high = values[0];
    for (int64_t i = 0; i < count; ++i) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    if (keep == 1) return high;
    for (int step = 0; step < HALVINGS; ++step) {
        const double middle = 0.5 * (low + high);
        int64_t reach = 0;
        for (int64_t i = 0; i < count; ++i) reach += values[i] >= middle;
        (reach >= keep ? low : high) = middle;
        if (reach == keep) break;
    }
    double least = high;
    for (int64_t i = 0; i < count; ++i)
        least = values[i] >= low && values[i] < least ? values[i] : least;
    return std::max(low, least);
}

// A pair whose similarity is only known to lie between two numbers.
struct Waiting {
    double lower;
    double upper;
    uint32_t row;     // of the block
    uint32_t column;  // of the packed base
};

// The best `keep` pairs of those offered. `best` has room for `keep + extra`; `held` are filled.
struct Best {
    Pair* best;
    Waiting* waiting;
    int64_t keep;
    int64_t extra;
    int64_t room;   // of waiting
    int64_t held;
    int64_t count;  // of waiting
    double floor;   // a pair with a similarity below is not among the best

    bool full() const { return count == room; }

    // If `keep` pairs are surely at or above a number, so is the last of the best. Looks at the
    // first `known` of those that wait.
    void raise(int64_t known, std::vector<double>& lowers) {
        if (held + known < keep) return;
        lowers.resize(size_t(held + known));
        for (int64_t i = 0; i < held; ++i) lowers[size_t(i)] = best[i].similarity;
        for (int64_t i = 0; i < known; ++i) lowers[size_t(held + i)] = waiting[i].lower;
        floor = std::max(floor, reached_by(lowers.data(), held + known, keep));
    }

    // Drops those that cannot be among the best.
    void thin(std::vector<double>& lowers) {
        raise(count, lowers);
        int64_t stay = 0;
        for (int64_t i = 0; i < count; ++i)
            if (waiting[i].upper >= floor) waiting[stay++] = waiting[i];
        count = stay;
    }

    void prune() {
        if (held > keep) {
            std::nth_element(best, best + (keep - 1), best + held, better);
            held = keep;
            floor = std::max(floor, best[keep - 1].similarity);
        } else if (held == keep) {
            const Pair* last = std::max_element(best, best + held, better);
            floor = std::max(floor, last->similarity);
        }
    }

    // Learns the similarity of all that wait: the most promising first where there are many, so
    // that the floor rises over the rest.
    template <class Exact>
    void settle(const Exact& exact) {
        if (count > 2 * keep)
            std::sort(waiting, waiting + count, [](const Waiting& one, const Waiting& other) {
                return one.upper > other.upper;
            });
        for (int64_t i = 0; i < count; ++i) {
            if (waiting[i].upper < floor) continue;
            const Pair pair = exact(waiting[i], waiting[std::min(i + 1, count - 1)]);
            if (pair.similarity < floor) continue;
            best[held++] = pair;
            if (held == keep + extra) prune();
        }
        prune();
        count = 0;
    }
};

}  // namespace spolia
