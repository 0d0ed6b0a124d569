// The kernel for 64-bit ARM, compiled for the dot product and used only where the CPU has it.
#if defined(__aarch64__)

#include <arm_neon.h>

#include "exact.h"
#include "kernel.h"

#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

#if defined(__clang__)
#define SPOLIA_TARGET __attribute__((target("dotprod")))
#else
#define SPOLIA_TARGET __attribute__((target("arch=armv8.2-a+dotprod")))
#endif

namespace spolia {
namespace {

constexpr int ROWS = 8, VECTORS_AT_ONCE = 3;  // whose sums fit 32 registers, with their operands

// Written out: not every compiler offers the intrinsic where only a function is compiled for it.
template <int ROW>
SPOLIA_TARGET inline void add_dot(int32x4_t& sum, int8x16_t panel, int8x16_t query) {
    asm("sdot %0.4s, %1.16b, %2.4b[%3]" : "+w"(sum) : "w"(panel), "w"(query), "i"(ROW));
}

// Adds the dot products of four query rows and four columns.
SPOLIA_TARGET inline void add_dots(int32x4_t* sums, int8x16_t panel, int8x16_t query) {
    add_dot<0>(sums[0], panel, query);
    add_dot<1>(sums[1], panel, query);
    add_dot<2>(sums[2], panel, query);
    add_dot<3>(sums[3], panel, query);
}

// Adds up a part of a tile. A sign bit of the result stays only where all sums are negative.
SPOLIA_TARGET int32x4_t add_up(const int8_t* query, const int8_t* panel, int depth,
                               const int32_t* start, int32_t* excess) {
    int32x4_t sums[VECTORS_AT_ONCE][ROWS];
#pragma GCC unroll 3
    for (int v = 0; v < VECTORS_AT_ONCE; ++v)
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; ++r) sums[v][r] = vdupq_n_s32(start[r]);
    for (int k = 0; k < depth; k += 4, query += 4 * ROWS, panel += 4 * COLUMNS) {
        const int8x16_t x[2] = {vld1q_s8(query), vld1q_s8(query + 16)};
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS_AT_ONCE; ++v) {
            const int8x16_t y = vld1q_s8(panel + 16 * v);
            add_dots(sums[v], y, x[0]);
            add_dots(sums[v] + 4, y, x[1]);
        }
    }
    int32x4_t all = vdupq_n_s32(-1);
#pragma GCC unroll 3
    for (int v = 0; v < VECTORS_AT_ONCE; ++v)
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; ++r) {
            all = vandq_s32(all, sums[v][r]);
            vst1q_s32(excess + r * COLUMNS + 4 * v, sums[v][r]);
        }
    return all;
}

bool tile(const int8_t* query, const uint8_t* panel, int depth, const int32_t* start,
          uint64_t* hits, int32_t* excess) {
    int32x4_t all = vdupq_n_s32(-1);
    for (int c = 0; c < COLUMNS; c += 4 * VECTORS_AT_ONCE)
        all = vandq_s32(all, add_up(query, (const int8_t*)panel + 4 * c, depth, start,
                                    excess + c));
    if (vmaxvq_s32(all) < 0) return false;
    for (int r = 0; r < ROWS; ++r) {
        hits[r] = 0;
        for (int c = 0; c < COLUMNS; ++c)
            hits[r] |= uint64_t(excess[r * COLUMNS + c] >= 0) << c;
    }
    return true;
}

double similarity(const float* x, const float* y, int64_t d) { return similarity_of<16>(x, y, d); }

double about(const float* x, const float* y, int64_t d) { return about_of<16>(x, y, d); }

void begin() {}

}  // namespace

bool neon_dot_available() {
#if defined(__linux__)
    return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
#elif defined(__APPLE__)
    int there = 0;
    size_t size = sizeof there;
    return sysctlbyname("hw.optional.arm.FEAT_DotProd", &there, &size, nullptr, 0) == 0 && there;
#else
    return false;
#endif
}

const Kernel neon_kernel = {"neon", ROWS,    4,          COLUMNS, 0,     127,  1,
                            nullptr, tile, similarity, about, begin};

}  // namespace spolia

#endif
