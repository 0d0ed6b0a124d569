// What Python calls, through ctypes: plain functions, so that no call holds the interpreter.
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>

#include "join.h"
#include "pack.h"

#if defined(_WIN32)
#define SPOLIA_EXPORT extern "C" __declspec(dllexport)
#else
#define SPOLIA_EXPORT extern "C" __attribute__((visibility("default")))
#endif

using namespace spolia;

namespace {

struct Choice {
    const Kernel* kernel;
    bool runs;
};

// Fastest first, and after all others those of two bytes.
const Choice* choices(int* count) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    static const bool avx512 =
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni");
    static const Choice all[] = {
        {&amx_kernel, avx512 && amx_allowed()},
        {&avx512_kernel, avx512},
        {&avx2_kernel, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")},
        {&plain_kernel, true},
        {&avx512_fine_kernel, avx512},
        {&avx2_fine_kernel, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")},
        {&plain_fine_kernel, true},
    };
#elif defined(__aarch64__)
    static const Choice all[] = {{&neon_kernel, neon_dot_available()},
                                 {&plain_kernel, true},
                                 {&plain_fine_kernel, true}};
#else
    static const Choice all[] = {{&plain_kernel, true}, {&plain_fine_kernel, true}};
#endif
    *count = int(sizeof all / sizeof *all);
    return all;
}

const Kernel& kernel_of(int number) {
    int count;
    return *choices(&count)[number].kernel;
}

}  // namespace

struct KernelInfo {
    const char* name;
    int32_t runs, rows, unit, offset, levels, bytes, fine, columns, deepest;
};

// Describes kernel `number`; false where there is none.
SPOLIA_EXPORT int32_t spolia_kernel(int32_t number, KernelInfo* info) {
    int count;
    const Choice* all = choices(&count);
    if (number < 0 || number >= count) return 0;
    const Kernel& one = *all[number].kernel;
    int32_t fine = -1;
    for (int32_t other = 0; other < count; ++other)
        if (all[other].kernel == one.fine) fine = other;
    *info = {one.name,   all[number].runs, one.rows, one.unit, one.offset,
             one.levels, one.bytes,        fine,     COLUMNS,  DEEPEST};
    return 1;
}

SPOLIA_EXPORT void spolia_pack_query(int32_t kernel, const Source* source, int64_t n,
                                     int64_t depth, int8_t* packed, int32_t* correction,
                                     const Sizes* sizes) {
    pack_query(kernel_of(kernel), *source, n, depth, packed, correction, *sizes);
}

SPOLIA_EXPORT void spolia_pack_base(int32_t kernel, const Source* source, int64_t n,
                                    int64_t depth, const PackedPanels* out) {
    pack_base(kernel_of(kernel), *source, n, depth, *out);
}

SPOLIA_EXPORT int32_t spolia_join_block(int32_t kernel, const PackedQuery* query,
                                        const PackedBase* base, Collected* out,
                                        const int32_t* stop) {
    return join_block(kernel_of(kernel), *query, *base, *out, stop);
}

SPOLIA_EXPORT void spolia_similarities(int32_t kernel, const float* const* x,
                                       const float* const* y, int64_t n, int64_t d, double* out) {
    for (int64_t i = 0; i < n; ++i) out[i] = kernel_of(kernel).similarity(x[i], y[i], d);
}

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_kernel", nullptr, -1, nullptr,
                                 nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit__kernel() { return PyModule_Create(&definition); }
