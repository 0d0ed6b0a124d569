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

// Eight lanes that the compiler lays out for the instruction set of its caller.
typedef double Lanes __attribute__((vector_size(64)));
typedef float Floats __attribute__((vector_size(32), aligned(4)));
typedef float Floats16 __attribute__((vector_size(64), aligned(4)));

// Proof, with u = 2^-53, sigma = 4, and the products p of a pair, exact in float64. Rows have a
// norm of 1.0001 at most, so sum|p| <= 1.001 and sigma >= 2 sum|p| (Cauchy-Schwarz).
// 1. high = (sigma + p) - sigma is p rounded to a multiple of u sigma, and low = p - high has no
//    error (Sterbenz, Dekker); |low| <= u sigma.
// 2. sum|high| <= sum|p| + d u sigma <= sigma, so partial sums of highs, in any order, are
//    multiples of u sigma of at most 1/u units: float64 numbers. Their sum s has no error.
// 3. The sum e of lows, in any order, errs by less than d u sum|low| (1 + tiny) < delta / 2, with
//    delta = 4 d^2 u^2 sigma / 2.
// 4. hi + lo = s + e without error (Knuth). Where hi + (lo - 2 delta) and hi + (lo + 2 delta) both
//    round to hi, the true sum does so too, rounding being monotone. Elsewhere we add exactly.
inline __attribute__((always_inline)) double similarity_of(const float* x, const float* y,
                                                           int64_t d) {
    const Lanes sigma = Lanes{} + 4.0;
    Lanes highs[2] = {Lanes{}, Lanes{}}, lows[2] = {Lanes{}, Lanes{}};
    int64_t j = 0;
    for (; j + 16 <= d; j += 16) {
        for (int half = 0; half < 2; ++half) {
            const Floats a = *reinterpret_cast<const Floats*>(x + j + 8 * half);
            const Floats b = *reinterpret_cast<const Floats*>(y + j + 8 * half);
            const Lanes p = __builtin_convertvector(a, Lanes) * __builtin_convertvector(b, Lanes);
            const Lanes high = (p + sigma) - sigma;
            highs[half] += high;
            lows[half] += p - high;
        }
    }
    highs[0] += highs[1];
    lows[0] += lows[1];
    double s = 0.0, e = 0.0;
    for (int lane = 0; lane < 8; ++lane) {
        s += highs[0][lane];
        e += lows[0][lane];
    }
    for (; j < d; ++j) {
        const double p = double(x[j]) * double(y[j]);
        const double high = (p + 4.0) - 4.0;
        s += high;
        e += p - high;
    }
    const double hi = s + e;
    const double part = hi - s;
    const double lo = (s - (hi - part)) + (e - part);
    const double delta = double(d) * double(d) * 0x1p-102;  // twice what step 3 asks
    if (hi + (lo - delta) == hi && hi + (lo + delta) == hi) return hi + 0.0;
    return similarity_by_limbs(x, y, d);
}

// The same in float32 arithmetic, in 64 chains: each product meets d / 64 + 5 roundings at most, so
// the error is under (d / 64 + 8) 2^-24 sum|p| (1 + tiny), and sum|p| <= 1.001.
inline __attribute__((always_inline)) double about_of(const float* x, const float* y, int64_t d) {
    Floats16 sums[4] = {Floats16{}, Floats16{}, Floats16{}, Floats16{}};
    int64_t j = 0;
    for (; j + 64 <= d; j += 64)
        for (int part = 0; part < 4; ++part)
            sums[part] += *reinterpret_cast<const Floats16*>(x + j + 16 * part) *
                          *reinterpret_cast<const Floats16*>(y + j + 16 * part);
    for (int part = 0; j < d; j += 16, ++part) {
        float a[16] = {}, b[16] = {};
        const size_t bytes = sizeof(float) * size_t(d - j < 16 ? d - j : 16);
        std::memcpy(a, x + j, bytes);
        std::memcpy(b, y + j, bytes);
        sums[part] +=
            *reinterpret_cast<const Floats16*>(a) * *reinterpret_cast<const Floats16*>(b);
    }
    sums[0] += sums[1] + (sums[2] + sums[3]);
    double sum = 0.0;
    for (int lane = 0; lane < 16; ++lane) sum += sums[0][lane];
    return sum;
}

// How far `about_of` may be off, for rows of norm 1.0001 at most.
inline double about_error(int64_t d) {
    return double(d / 64 + 8) * 0x1p-24 * 1.01 + double(d) * 0x1p-100;
}

}  // namespace spolia
