// y = W x for a single row x: what decoding one token at a time consists of. The time is that of reading W once.
#include "common.h"

static inline float wide(float v) { return v; }
static inline float wide(uint16_t v) {  // bfloat16 is the upper half of a float
    uint32_t bits = (uint32_t)v << 16;
    float out;
    std::memcpy(&out, &bits, sizeof out);
    return out;
}

template <class T> static void matvec(int64_t rows, int64_t columns, int threads, const T *w, const float *x, float *y) {
#pragma omp parallel for schedule(static) num_threads(threads) if (rows * columns > 30000)
    for (int64_t r = 0; r < rows; r += 4) {
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0;  // four rows at once: four streams of memory, one reading of x
        const int64_t last = rows - 1;
        const T *w0 = w + r * columns, *w1 = w + (r + 1 < last ? r + 1 : last) * columns;
        const T *w2 = w + (r + 2 < last ? r + 2 : last) * columns, *w3 = w + (r + 3 < last ? r + 3 : last) * columns;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
        for (int64_t c = 0; c < columns; c++) {
            s0 += wide(w0[c]) * x[c];
            s1 += wide(w1[c]) * x[c];
            s2 += wide(w2[c]) * x[c];
            s3 += wide(w3[c]) * x[c];
        }
        y[r] = s0;
        if (r + 1 < rows) y[r + 1] = s1;
        if (r + 2 < rows) y[r + 2] = s2;
        if (r + 3 < rows) y[r + 3] = s3;
    }
}

extern "C" void matvec_float(int64_t rows, int64_t columns, int threads, const float *w, const float *x, float *y) {
    matvec(rows, columns, threads, w, x, y);
}
extern "C" void matvec_bfloat16(int64_t rows, int64_t columns, int threads, const uint16_t *w, const float *x, float *y) {
    matvec(rows, columns, threads, w, x, y);
}
