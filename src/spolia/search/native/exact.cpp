#include "exact.h"

namespace spolia {
namespace {

// A signed number of 320 bits, two's complement, in units of 2^-298: the smallest product of two
// float32 numbers. Room for sums of up to 2^21.
struct Fixed {
    static constexpr int LIMBS = 5;
    static constexpr int UNIT = -298;
    uint64_t limb[LIMBS] = {};

    // Adds mantissa * 2^(shift + UNIT), or subtracts it.
    void add(uint64_t mantissa, int shift, bool negative) {
        const int at = shift / 64, bits = shift % 64;
        uint64_t part[2] = {mantissa << bits, bits ? mantissa >> (64 - bits) : 0};
        uint64_t carry = 0;
        for (int i = at; i < LIMBS; ++i) {
            const uint64_t value = i < at + 2 ? part[i - at] : 0;
            const unsigned __int128 wide =
                negative ? (unsigned __int128)limb[i] - value - carry
                         : (unsigned __int128)limb[i] + value + carry;
            limb[i] = uint64_t(wide);
            carry = uint64_t(wide >> 64) & 1;
            if (carry == 0 && i > at) break;
        }
    }

    void negate() {
        uint64_t carry = 1;
        for (uint64_t& one : limb) {
            one = ~one + carry;
            carry = carry && one == 0;
        }
    }

    bool bit(int i) const { return i >= 0 && (limb[i / 64] >> (i % 64) & 1); }

    // The nearest float64, ties to even.
    double rounded() const {
        Fixed size = *this;
        const bool negative = limb[LIMBS - 1] >> 63;
        if (negative) size.negate();
        int top = LIMBS * 64 - 1;
        while (top >= 0 && !size.bit(top)) --top;
        if (top < 0) return 0.0;
        const int last = top - 52;  // the lowest bit that a float64 holds
        uint64_t mantissa = 0;
        for (int i = top; i >= last; --i) mantissa = mantissa << 1 | uint64_t(size.bit(i));
        bool rest = false;
        for (int i = last - 2; i >= 0 && !rest; --i) rest = size.bit(i);
        if (size.bit(last - 1) && (rest || (mantissa & 1))) ++mantissa;
        const double value = __builtin_ldexp(double(mantissa), last + UNIT);
        return negative ? -value : value;
    }
};

// x = mantissa * 2^(exponent - 149), without its sign.
struct Parts {
    uint64_t mantissa;
    int exponent;
    bool negative;

    explicit Parts(float x) {
        uint32_t bits;
        std::memcpy(&bits, &x, sizeof bits);
        const int field = int(bits >> 23 & 255);
        negative = bits >> 31;
        mantissa = field ? (bits & 0x7fffff) | 0x800000 : bits & 0x7fffff;
        exponent = field ? field - 1 : 0;
    }
};

}  // namespace

double similarity_by_limbs(const float* x, const float* y, int64_t d) {
    Fixed sum;
    for (int64_t j = 0; j < d; ++j) {
        const Parts a(x[j]), b(y[j]);
        if (a.mantissa && b.mantissa)
            sum.add(a.mantissa * b.mantissa, a.exponent + b.exponent, a.negative != b.negative);
    }
    return sum.rounded() + 0.0;
}

}  // namespace spolia
