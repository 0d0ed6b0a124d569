// Rows made small: whole numbers, a scale, and how much was lost.
#pragma once

#include <cstdint>

#include "kernel.h"

namespace spolia {

// What is known of each query row. The slack that is added to every bound covers all float64
// roundings here.
struct Sizes {
    double* scale;
    double* norm;   // of the quantised row, scaled back
    double* error;  // of what rounding and quantising lost
    double* tail;   // of what the prefix leaves out
};

// Where the coordinates come from: the rows themselves, or the leading coordinates of rotated rows.
struct Source {
    const float* const* rows;  // (n,) addresses of d coordinates
    const float* prefix;       // (n, width), or null: the rows themselves
    const double* whole;       // (n,) norms of the rotated rows, at least; null without prefix
    int64_t width;             // coordinates used: d where prefix is null
    double rounding;           // error of a computed prefix, over its whole norm
    double frame_error;        // how far the rotation's rows are from orthonormal
};

void pack_query(const Kernel& kernel, const Source& source, int64_t n, int64_t depth,
                int8_t* packed, int32_t* correction, const Sizes& sizes);

struct PackedPanels {
    uint8_t* panels;
    double* scales;  // (panels,)
    float* maxima;   // (panels, 3): norm, error and tail
    float *norms, *errors, *tails;  // (n,), rounded up
};

void pack_base(const Kernel& kernel, const Source& source, int64_t n, int64_t depth,
               const PackedPanels& out);

}  // namespace spolia
