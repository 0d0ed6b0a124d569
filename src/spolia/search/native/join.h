// The join of a block of packed query rows with a packed base.
#pragma once

#include <cstdint>

#include "best.h"
#include "kernel.h"

namespace spolia {

struct PackedQuery {
    int64_t n;
    int64_t first;  // number of the first row
    const int8_t* packed;
    const int32_t* correction;
    const double *scale, *norm, *error, *tail;
    const double* shift;  // added to every similarity of the packed rows
    const float* const* rows;
    const int64_t* groups;  // or null
};

struct PackedBase {
    int64_t columns;
    int64_t depth;
    int64_t d;
    double slack;  // added to every bound
    const uint8_t* panels;
    const double* scales;       // (panels,)
    const float* maxima;        // (panels, 3): norm, error, tail
    const uint32_t* numbers;    // (columns,) rows of base, rising
    const uint8_t* late;        // (columns,) or null: neither among the nearest nor the top
    const float* const* rows;   // (columns,)
    const int64_t* groups;      // (columns,) or null
};

// What is collected, and where. Pointers are null where an output is not asked for.
struct Collected {
    Best* nearest;     // (n,)
    Best* top;
    double above;      // infinity where not asked
    Pair* pairs;       // of `above`
    int64_t pair_room;
    int64_t pair_count;
    int32_t once;      // list a pair only where base > query
    int64_t panel;     // where to go on
    int64_t group;
    int64_t survivors; // pairs that passed the filter
    int64_t settled;   // pairs whose rows were looked at
};

enum Status : int32_t { DONE = 0, PAIRS_FULL = 1, STOPPED = 2 };

Status join_block(const Kernel& kernel, const PackedQuery& query, const PackedBase& base,
                  Collected& out, const volatile int32_t* stop);

}  // namespace spolia
