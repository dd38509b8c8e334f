// Root-mean-square normalisation in one pass each way; PyTorch makes it of five operators, each through all of memory.
//
//     y = x r w,    r = 1 / sqrt(mean(x²) + eps)            per row; w is shared
#include "common.h"

template <class T> struct Norm {
    int64_t rows, width;
    const T *x, *w;

    void forward(double eps, T *y, T *scale, int threads) const {
#pragma omp parallel for schedule(static) num_threads(threads) if (rows > 1 && rows * width > 50000)
        for (int64_t r = 0; r < rows; r++) {
            const T *in = x + r * width;
            T *out = y + r * width, sum = 0;
#pragma omp simd reduction(+ : sum)
            for (int64_t c = 0; c < width; c++) sum += in[c] * in[c];
            const T by = 1 / std::sqrt(sum / width + (T)eps);
            for (int64_t c = 0; c < width; c++) out[c] = in[c] * by * w[c];
            if (scale) scale[r] = by;
        }
    }

    // gx, and gw in shares, one per thread (threads, width), which come in as zeros.
    void backward(const T *scale, const T *gy, T *gx, T *gw, int threads) const {
#pragma omp parallel for schedule(static) num_threads(threads) if (rows > 1 && rows * width > 50000)
        for (int64_t share = 0; share < threads; share++)
            for (int64_t r = rows * share / threads; r < rows * (share + 1) / threads; r++) {
                const T *in = x + r * width, *g = gy + r * width, by = scale[r];
                T *out = gx + r * width, *to = gw + share * width, along = 0;
#pragma omp simd reduction(+ : along)
                for (int64_t c = 0; c < width; c++) along += g[c] * w[c] * in[c];
                along *= by * by / width;
                for (int64_t c = 0; c < width; c++) {
                    out[c] = by * (g[c] * w[c] - in[c] * along);
                    to[c] += g[c] * in[c] * by;
                }
            }
    }
};

#define NORM(NAME, T)                                                                                                  \
    extern "C" void NAME##_forward(int64_t rows, int64_t width, int threads, const T *x, const T *w, T *y, T *scale,   \
                                   double eps) {                                                                       \
        Norm<T>{rows, width, x, w}.forward(eps, y, scale, threads);                                                    \
    }                                                                                                                  \
    extern "C" void NAME##_backward(int64_t rows, int64_t width, int threads, const T *x, const T *w, const T *scale,  \
                                    const T *gy, T *gx, T *gw) {                                                       \
        Norm<T>{rows, width, x, w}.backward(scale, gy, gx, gw, threads);                                               \
    }
NORM(norm_float, float)
NORM(norm_double, double)
