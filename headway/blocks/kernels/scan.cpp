// The selective scan of Mamba (arXiv 2312.00752, algorithm 2), one pass over time, forward and backward.
//
//     h[t] = exp(dt[t] A) h[t-1] + dt[t] x[t] B[t]        y[t] = (C[t] h[t] + D x[t]) silu(z[t])
//
// A thread takes a block of W channels through all of time with their states in its cache: nothing of size (time, channel,
// state) is ever written. The backward pass walks back over stretches of STRETCH steps; it starts each from the state that
// the forward pass kept and works the states in between out again.
#include "common.h"
#include <vector>

constexpr int STRETCH = 32;

template <class T> struct Scan {
    int64_t batch, steps, channels, n;
    const T *x, *dt, *A, *B, *C, *D, *z, *start;  // D, z and start may be null
    int64_t z_row;                                // from one step of z to the next, in elements: z may be a slice

    // One step of the states of a block: h[n][W] moves on, `decay` keeps exp(dt A), `out` becomes C h.
    inline void step(const T *A, T *h, const T *dt, const T *x, const T *B, const T *C, T *out, T *decay) const {
        T dx[W];
        for (int c = 0; c < W; c++) dx[c] = dt[c] * x[c], out[c] = 0;
        for (int64_t i = 0; i < n; i++) {
            const T b = B[i], g = C[i];
            const T *a = A + i * W;
            T *hi = h + i * W, *keep = decay ? decay + i * W : nullptr;
            if (keep) {
                for (int c = 0; c < W; c++) {
                    T d = exponential(dt[c] * a[c]);
                    keep[c] = d;
                    hi[c] = d * hi[c] + dx[c] * b;
                    out[c] += hi[c] * g;
                }
            } else {
                for (int c = 0; c < W; c++) {
                    hi[c] = exponential(dt[c] * a[c]) * hi[c] + dx[c] * b;
                    out[c] += hi[c] * g;
                }
            }
        }
    }

    // (channel, n) in memory <-> (n, W) in the block; channels beyond the last are zero.
    void take(const T *from, int64_t first, int width, T *block) const {
        for (int64_t i = 0; i < n; i++)
            for (int c = 0; c < W; c++) block[i * W + c] = c < width && from ? from[(first + c) * n + i] : T(0);
    }
    void give(const T *block, int64_t first, int width, T *to) const {
        for (int64_t i = 0; i < n; i++)
            for (int c = 0; c < width; c++) to[(first + c) * n + i] = block[i * W + c];
    }
    static inline void row(const T *from, int width, T *to) {
        if (width == W) {
            for (int c = 0; c < W; c++) to[c] = from[c];
        } else {
            for (int c = 0; c < W; c++) to[c] = c < width ? from[c] : T(0);
        }
    }

    // y (b t d), last (b d n); kept (b, stretches, d n) is null where no gradient will be asked for.
    void forward(T *y, T *last, T *kept, int threads) const {
        const int64_t blocks = (channels + W - 1) / W, stretches = (steps + STRETCH - 1) / STRETCH;
#pragma omp parallel for collapse(2) schedule(dynamic) num_threads(threads) if (batch * steps * channels * n > 20000)
        for (int64_t b = 0; b < batch; b++)
            for (int64_t k = 0; k < blocks; k++) {
                const int64_t first = k * W;
                const int width = channels - first < W ? channels - first : W;
                std::vector<T> a(n * W), h(n * W);
                T skip[W], xs[W], ds[W], out[W], gate[W];
                take(A, first, width, a.data());
                take(start ? start + b * channels * n : nullptr, first, width, h.data());
                row(D ? D + first : nullptr, D ? width : 0, skip);
                for (int64_t t = 0; t < steps; t++) {
                    const int64_t at = (b * steps + t) * channels + first, s = (b * steps + t) * n;
                    if (kept && t % STRETCH == 0)
                        give(h.data(), first, width, kept + (b * stretches + t / STRETCH) * channels * n);
                    row(x + at, width, xs);
                    row(dt + at, width, ds);
                    step(a.data(), h.data(), ds, xs, B + s, C + s, out, nullptr);
                    for (int c = 0; c < W; c++) out[c] += skip[c] * xs[c];
                    if (z) {
                        row(z + (b * steps + t) * z_row + first, width, gate);
                        for (int c = 0; c < W; c++) out[c] *= gate[c] * sigmoid(gate[c]);
                    }
                    for (int c = 0; c < width; c++) y[at + c] = out[c];
                }
                give(h.data(), first, width, last + b * channels * n);
            }
    }

    // Gradients of everything, given those of y and of the last state. Where several channels or rows add to the same
    // number, each leaves its own share and the caller adds them up, so that the sum does not depend on the threads:
    // gA (b d n) and gD (b d) per row, gB and gC (blocks, b t n) per block of channels.
    void backward(const T *kept, const T *gy, const T *glast, T *gx, T *gdt, T *gA, T *gB, T *gC, T *gD, T *gz,
                  T *gstart, int threads) const {
        const int64_t blocks = (channels + W - 1) / W, stretches = (steps + STRETCH - 1) / STRETCH;
#pragma omp parallel for collapse(2) schedule(dynamic) num_threads(threads) if (batch * steps * channels * n > 20000)
        for (int64_t b = 0; b < batch; b++)
            for (int64_t k = 0; k < blocks; k++) {
                const int64_t first = k * W, size = n * W;
                const int width = channels - first < W ? channels - first : W;
                std::vector<T> a(size), ga(size), gh(size), states((STRETCH + 1) * size), decays(STRETCH * size);
                T xs[STRETCH][W], ds[STRETCH][W], out[STRETCH][W], skip[W], gskip[W] = {}, g[W], gate[W], gdx[W], gd[W];
                take(A, first, width, a.data());
                take(glast + b * channels * n, first, width, gh.data());
                row(D ? D + first : nullptr, D ? width : 0, skip);
                for (int64_t s = stretches - 1; s >= 0; s--) {
                    const int64_t t0 = s * STRETCH;
                    const int length = steps - t0 < STRETCH ? steps - t0 : STRETCH;
                    take(kept + (b * stretches + s) * channels * n, first, width, states.data());
                    for (int q = 0; q < length; q++) {  // forward once more, this time keeping every state
                        const int64_t bt = b * steps + t0 + q;
                        T *h = states.data() + (q + 1) * size;
                        std::memcpy(h, h - size, size * sizeof(T));
                        row(x + bt * channels + first, width, xs[q]);
                        row(dt + bt * channels + first, width, ds[q]);
                        step(a.data(), h, ds[q], xs[q], B + bt * n, C + bt * n, out[q], decays.data() + q * size);
                    }
                    for (int q = length - 1; q >= 0; q--) {  // and back
                        const int64_t bt = b * steps + t0 + q, at = bt * channels + first;
                        row(gy + at, width, g);
                        if (z) {
                            row(z + bt * z_row + first, width, gate);
                            T gg[W];
                            for (int c = 0; c < W; c++) {
                                const T on = sigmoid(gate[c]), y = out[q][c] + skip[c] * xs[q][c];
                                gg[c] = g[c] * y * on * (1 + gate[c] * (1 - on));
                                g[c] *= gate[c] * on;
                            }
                            for (int c = 0; c < width; c++) gz[at + c] = gg[c];
                        }
                        for (int c = 0; c < W; c++) gskip[c] += g[c] * xs[q][c], gdx[c] = 0, gd[c] = 0;
                        const T *Bt = B + bt * n, *Ct = C + bt * n;
                        T *gBt = gB + (k * batch * steps + bt) * n, *gCt = gC + (k * batch * steps + bt) * n;
                        for (int64_t i = 0; i < n; i++) {
                            const T *h = states.data() + (q + 1) * size + i * W, *before = h - size;
                            const T *decay = decays.data() + q * size + i * W, *ai = a.data() + i * W;
                            T *gai = ga.data() + i * W, *ghi = gh.data() + i * W;
                            T sum_b = 0, sum_c = 0;
                            const T bi = Bt[i], ci = Ct[i];
#pragma omp simd reduction(+ : sum_b, sum_c)
                            for (int c = 0; c < W; c++) {
                                sum_c += g[c] * h[c];
                                const T now = ghi[c] + g[c] * ci;           // gradient of h[t]
                                const T power = now * before[c] * decay[c];  // and of dt A, through the decay
                                sum_b += now * ds[q][c] * xs[q][c];
                                gdx[c] += now * bi;
                                gd[c] += power * ai[c];
                                gai[c] += power * ds[q][c];
                                ghi[c] = now * decay[c];
                            }
                            gBt[i] = sum_b, gCt[i] = sum_c;
                        }
                        for (int c = 0; c < width; c++) {
                            gx[at + c] = gdx[c] * ds[q][c] + g[c] * skip[c];
                            gdt[at + c] = gd[c] + gdx[c] * xs[q][c];
                        }
                    }
                }
                give(ga.data(), first, width, gA + b * channels * n);
                give(gh.data(), first, width, gstart + b * channels * n);
                for (int c = 0; c < width; c++) gD[b * channels + first + c] = gskip[c];
            }
    }
};

#define SCAN(NAME, T)                                                                                                    \
    extern "C" void NAME##_forward(int64_t b, int64_t t, int64_t d, int64_t n, int64_t z_row, int threads, const T *x,   \
                                   const T *dt, const T *A, const T *B, const T *C, const T *D, const T *z,              \
                                   const T *start, T *y, T *last, T *kept) {                                             \
        Scan<T>{b, t, d, n, x, dt, A, B, C, D, z, start, z_row}.forward(y, last, kept, threads);                         \
    }                                                                                                                    \
    extern "C" void NAME##_backward(int64_t b, int64_t t, int64_t d, int64_t n, int64_t z_row, int threads, const T *x,  \
                                    const T *dt, const T *A, const T *B, const T *C, const T *D, const T *z,             \
                                    const T *kept, const T *gy, const T *glast, T *gx, T *gdt, T *gA, T *gB, T *gC,      \
                                    T *gD, T *gz, T *gstart) {                                                           \
        Scan<T>{b, t, d, n, x, dt, A, B, C, D, z, nullptr, z_row}.backward(kept, gy, glast, gx, gdt, gA, gB, gC, gD, gz, \
                                                                           gstart, threads);                             \
    }
SCAN(scan_float, float)
SCAN(scan_double, double)
