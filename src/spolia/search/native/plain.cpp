// The kernel without special instructions: what every other one must equal.
#include "exact.h"
#include "kernel.h"

namespace spolia {
namespace {

constexpr int ROWS = 8;

bool tile(const int8_t* query, const uint8_t* panel, int depth, const int32_t* start,
          uint64_t* hits, int32_t* excess) {
    for (int r = 0; r < ROWS; ++r)
        for (int c = 0; c < COLUMNS; ++c) excess[r * COLUMNS + c] = start[r];
    for (int k = 0; k < depth; k += 4, panel += 4 * COLUMNS, query += 4 * ROWS)
        for (int r = 0; r < ROWS; ++r)
            for (int c = 0; c < COLUMNS; ++c)
                for (int i = 0; i < 4; ++i)
                    excess[r * COLUMNS + c] += int8_t(panel[4 * c + i]) * query[4 * r + i];
    uint64_t any = 0;
    for (int r = 0; r < ROWS; ++r) {
        hits[r] = 0;
        for (int c = 0; c < COLUMNS; ++c)
            hits[r] |= uint64_t(excess[r * COLUMNS + c] >= 0) << c;
        any |= hits[r];
    }
    return any != 0;
}

double similarity(const float* x, const float* y, int64_t d) { return similarity_of(x, y, d); }

void begin() {}

}  // namespace

const Kernel plain_kernel = {"plain", ROWS, 4, 0, 127, tile, similarity, begin};

}  // namespace spolia
