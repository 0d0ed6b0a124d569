// The dot product of two float32 rows, rounded once to float64.
#pragma once

#include <cstdint>
#include <cstring>

// Compiled for several instruction sets, of which the loader picks one; only where it can.
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GLIBC__)
#define SPOLIA_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define SPOLIA_CLONES
#endif

namespace spolia {

// The same, by exact addition of fixed-point numbers: slower, always right.
double similarity_by_limbs(const float* x, const float* y, int64_t d);

// Vectors as wide as the registers of the caller: of wider ones compilers make slow code.
template <int BYTES>
struct Vectors {
    typedef double Doubles __attribute__((vector_size(BYTES)));
    typedef float Floats __attribute__((vector_size(BYTES), aligned(4)));
    typedef float Halves __attribute__((vector_size(BYTES / 2), aligned(4)));
    static constexpr int DOUBLES = BYTES / 8, FLOATS = BYTES / 4;
};

constexpr int CHAINS = 4;         // of vectors, added up side by side
constexpr double COUNTED_FROM = 6.0;

// Sums of a pair's products over the first coordinates, and how many these are.
struct Partial {
    double high, low;
    int64_t done;
};

// Proof, with u = 2^-53, sigma = 4, and the products p of a pair, exact in float64, fused into the
// sum or not. Rows have a norm of 1.0001 at most, so sum|p| <= 1.001 (Cauchy-Schwarz).
// 1. A sum that starts at 6 stays between 4 and 8, by 2, where float64 numbers are multiples of
//    2 u sigma. So next - sum has no error; it is p rounded to such a multiple, called high; and
//    low = p - high has no error and |low| <= u sigma.
// 2. sum|high| <= sum|p| + d u sigma <= 1.002, so sums of highs, in any order, are multiples of
//    2 u sigma of far less than 1/u units: float64 numbers. Their sum s has no error.
// 3. The sum e of lows, in any order, errs by less than d u sum|low| (1 + tiny) < delta / 2, with
//    delta = 4 d^2 u^2 sigma / 2.
// 4. hi + lo = s + e without error (Knuth). Where hi + (lo - 2 delta) and hi + (lo + 2 delta) both
//    round to hi, the true sum does so too, rounding being monotone. Elsewhere we add exactly.
inline __attribute__((always_inline)) double rounded(const Partial& parts, const float* x,
                                                     const float* y, int64_t d) {
    double sum = COUNTED_FROM, e = parts.low;
    for (int64_t j = parts.done; j < d; ++j) {
        const double p = double(x[j]) * double(y[j]);
        const double next = sum + p;
        e += p - (next - sum);
        sum = next;
    }
    const double s = parts.high + (sum - COUNTED_FROM);
    const double hi = s + e;
    const double part = hi - s;
    const double lo = (s - (hi - part)) + (e - part);
    const double delta = double(d) * double(d) * 0x1p-102;  // twice what step 3 asks
    if (hi + (lo - delta) == hi && hi + (lo + delta) == hi) return hi + 0.0;
    return similarity_by_limbs(x, y, d);
}

// Adds up the lanes of all chains.
template <class Doubles>
inline __attribute__((always_inline)) Partial partial_of(const Doubles* sums, const Doubles* lows,
                                                     int64_t done) {
    Doubles high = sums[0] - COUNTED_FROM, low = lows[0];
    for (int i = 1; i < CHAINS; ++i) {
        high += sums[i] - COUNTED_FROM;
        low += lows[i];
    }
    Partial parts = {0.0, 0.0, done};
    for (size_t lane = 0; lane < sizeof(Doubles) / sizeof(double); ++lane) {
        parts.high += high[lane];
        parts.low += low[lane];
    }
    return parts;
}

template <int BYTES>
inline __attribute__((always_inline)) double similarity_of(const float* x, const float* y,
                                                           int64_t d) {
    typedef typename Vectors<BYTES>::Doubles Doubles;
    typedef typename Vectors<BYTES>::Halves Halves;
    constexpr int LANES = Vectors<BYTES>::DOUBLES;
    Doubles sums[CHAINS], lows[CHAINS];
    for (int i = 0; i < CHAINS; ++i) {
        sums[i] = Doubles{} + COUNTED_FROM;
        lows[i] = Doubles{};
    }
    int64_t j = 0;
    for (; j + CHAINS * LANES <= d; j += CHAINS * LANES)
#pragma GCC unroll 4
        for (int i = 0; i < CHAINS; ++i) {
            const Halves a = *reinterpret_cast<const Halves*>(x + j + LANES * i);
            const Halves b = *reinterpret_cast<const Halves*>(y + j + LANES * i);
            const Doubles p =
                __builtin_convertvector(a, Doubles) * __builtin_convertvector(b, Doubles);
            const Doubles next = sums[i] + p;
            lows[i] += p - (next - sums[i]);
            sums[i] = next;
        }
    return rounded(partial_of(sums, lows, j), x, y, d);
}

// The same in float32 arithmetic, in 64 chains: each product meets d / 64 + 6 roundings at most, so
// the error is under (d / 64 + 8) 2^-24 sum|p| (1 + tiny), and sum|p| <= 1.001.
template <int BYTES>
inline __attribute__((always_inline)) double about_of(const float* x, const float* y, int64_t d) {
    typedef typename Vectors<BYTES>::Floats Floats;
    constexpr int LANES = Vectors<BYTES>::FLOATS, COUNT = 64 / LANES;
    Floats sums[COUNT];
    for (Floats& sum : sums) sum = Floats{};
    int64_t j = 0;
    for (; j + 64 <= d; j += 64)
#pragma GCC unroll 16
        for (int i = 0; i < COUNT; ++i)
            sums[i] += *reinterpret_cast<const Floats*>(x + j + LANES * i) *
                       *reinterpret_cast<const Floats*>(y + j + LANES * i);
    if (j < d) {
        float a[64] = {}, b[64] = {};
        std::memcpy(a, x + j, sizeof(float) * size_t(d - j));
        std::memcpy(b, y + j, sizeof(float) * size_t(d - j));
#pragma GCC unroll 16
        for (int i = 0; i < COUNT; ++i)
            sums[i] += *reinterpret_cast<const Floats*>(a + LANES * i) *
                       *reinterpret_cast<const Floats*>(b + LANES * i);
    }
    for (int half = COUNT / 2; half; half /= 2)
        for (int i = 0; i < half; ++i) sums[i] += sums[i + half];
    double sum = 0.0;
    for (int lane = 0; lane < LANES; ++lane) sum += sums[0][lane];
    return sum;
}

// How far `about_of` may be off, for rows of norm 1.0001 at most.
inline double about_error(int64_t d) {
    return double(d / 64 + 8) * 0x1p-24 * 1.01 + double(d) * 0x1p-100;
}

}  // namespace spolia
