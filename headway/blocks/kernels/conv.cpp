// A causal convolution over time, one short filter per channel, and silu: what stands before the scan in Mamba.
//
//     y[t, c] = silu(bias[c] + sum_k w[k, c] full[t + k, c])        full = the K - 1 inputs before the first, then x
#include "common.h"
#include <vector>

// Channels that a thread takes through time: a kilobyte a step, because the next step lies on another page of memory.
constexpr int LANES = 256;

template <class T> struct Conv {
    int64_t batch, steps, channels, taps, x_row;  // x_row: from one step of x to the next, in elements
    const T *x, *w, *bias, *before;               // w is (taps, channels); before (b, taps - 1, channels)

    // Input `t + k` of `full`, at the block's first channel.
    inline const T *input(int64_t b, int64_t t, int64_t first) const {
        return t < taps - 1 ? before + (b * (taps - 1) + t) * channels + first : x + (b * steps + t - taps + 1) * x_row + first;
    }
    inline void sum(int64_t b, int64_t t, int64_t first, int width, T *out) const {
        for (int c = 0; c < width; c++) out[c] = bias ? bias[first + c] : T(0);
        for (int64_t k = 0; k < taps; k++) {
            const T *in = input(b, t + k, first), *weight = w + k * channels + first;
            for (int c = 0; c < width; c++) out[c] += weight[c] * in[c];
        }
    }

    void forward(T *y, int threads) const {
        const int64_t blocks = (channels + LANES - 1) / LANES;
#pragma omp parallel for collapse(2) schedule(dynamic) num_threads(threads) if (batch * steps * channels > 50000)
        for (int64_t b = 0; b < batch; b++)
            for (int64_t k = 0; k < blocks; k++) {
                const int64_t first = k * LANES;
                const int width = channels - first < LANES ? channels - first : LANES;
                T out[LANES];
                for (int64_t t = 0; t < steps; t++) {
                    sum(b, t, first, width, out);
                    T *to = y + (b * steps + t) * channels + first;
                    for (int c = 0; c < width; c++) to[c] = out[c] * sigmoid(out[c]);
                }
            }
    }

    // All gradients have to come in as zeros. A block of channels goes through all rows, so that its sums are its own.
    void backward(const T *gy, T *gx, T *gw, T *gbias, T *gbefore, int threads) const {
        const int64_t blocks = (channels + LANES - 1) / LANES;
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (batch * steps * channels > 50000)
        for (int64_t k = 0; k < blocks; k++) {
            const int64_t first = k * LANES;
            const int width = channels - first < LANES ? channels - first : LANES;
            T out[LANES];
            for (int64_t b = 0; b < batch; b++)
                for (int64_t t = 0; t < steps; t++) {
                    sum(b, t, first, width, out);
                    const T *g = gy + (b * steps + t) * channels + first;
                    for (int c = 0; c < width; c++) {
                        const T on = sigmoid(out[c]);
                        out[c] = g[c] * on * (1 + out[c] * (1 - on));  // gradient of the sum
                        gbias[first + c] += out[c];
                    }
                    for (int64_t j = 0; j < taps; j++) {
                        const int64_t s = t + j;
                        const T *in = input(b, s, first), *weight = w + j * channels + first;
                        T *gin = s < taps - 1 ? gbefore + (b * (taps - 1) + s) * channels + first
                                              : gx + (b * steps + s - taps + 1) * channels + first;
                        T *gweight = gw + j * channels + first;
                        for (int c = 0; c < width; c++) gin[c] += weight[c] * out[c], gweight[c] += in[c] * out[c];
                    }
                }
        }
    }
};

#define CONV(NAME, T)                                                                                                    \
    extern "C" void NAME##_forward(int64_t b, int64_t t, int64_t d, int64_t taps, int64_t x_row, int threads, const T *x, \
                                   const T *w, const T *bias, const T *before, T *y) {                                   \
        Conv<T>{b, t, d, taps, x_row, x, w, bias, before}.forward(y, threads);                                           \
    }                                                                                                                    \
    extern "C" void NAME##_backward(int64_t b, int64_t t, int64_t d, int64_t taps, int64_t x_row, int threads,           \
                                    const T *x, const T *w, const T *bias, const T *before, const T *gy, T *gx, T *gw,   \
                                    T *gbias, T *gbefore) {                                                              \
        Conv<T>{b, t, d, taps, x_row, x, w, bias, before}.backward(gy, gx, gw, gbias, gbefore, threads);                 \
    }
CONV(conv_float, float)
CONV(conv_double, double)
