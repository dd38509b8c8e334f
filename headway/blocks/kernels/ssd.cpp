// The recurrence of Mamba-2 (arXiv 2405.21060), one pass over time, forward and backward.
//
//     S[t] = exp(dt[t] A) S[t-1] + B[t] (dt[t] x[t])        y[t] = C[t] S[t] + D x[t]
//
// One decay per head and step, so there is one exponential for a whole block of state. A thread takes W channels of a head
// through all of time with their states, n by W, in its cache. The backward pass walks back over stretches of STEPS steps; it
// starts each from the state that the forward pass kept and works the states in between out again.
#include "common.h"
#include <vector>

constexpr int STEPS = 16;

template <class T> struct Dual {
    int64_t batch, steps, heads, width, groups, n;
    const T *x, *dt, *A, *B, *C, *D, *start;  // D and start may be null
    int64_t x_row, B_row, C_row;              // from one step to the next, in elements: they may be slices

    int64_t blocks() const { return (width + W - 1) / W; }
    int64_t stretches() const { return (steps + STEPS - 1) / STEPS; }

    // S[n][W] one step on, and `out`, if asked for, what C reads from it.
    static inline void step(int64_t n, T decay, const T *B, const T *C, const T *u, T *S, T *out) {
        T sum[W] = {};
        for (int64_t i = 0; i < n; i++) {
            const T b = B[i], g = C[i];
            T *s = S + i * W;
            for (int c = 0; c < W; c++) {
                s[c] = decay * s[c] + b * u[c];
                sum[c] += g * s[c];
            }
        }
        for (int c = 0; c < W; c++) out[c] = sum[c];
    }
    static inline void copy(const T *from, int64_t from_row, T *to, int64_t to_row, int64_t rows, int w, int pad) {
        for (int64_t i = 0; i < rows; i++) {
            for (int c = 0; c < w; c++) to[i * to_row + c] = from ? from[i * from_row + c] : T(0);
            for (int c = w; c < pad; c++) to[i * to_row + c] = T(0);
        }
    }

    // y (b t h k), last (b h n k); kept (b, stretches, h n k) is null where no gradient will be asked for.
    void forward(T *y, T *last, T *kept, int threads) const {
        const int64_t size = n * width;
#pragma omp parallel for collapse(3) schedule(dynamic) num_threads(threads) if (batch * steps * heads * size > 40000)
        for (int64_t b = 0; b < batch; b++)
            for (int64_t h = 0; h < heads; h++)
                for (int64_t k = 0; k < blocks(); k++) {
                    const int64_t first = k * W, group = h / (heads / groups);
                    const int w = width - first < W ? width - first : W;
                    std::vector<T> S(n * W);
                    T u[W], out[W];
                    copy(start ? start + (b * heads + h) * size + first : nullptr, width, S.data(), W, n, w, W);
                    for (int64_t t = 0; t < steps; t++) {
                        const int64_t bt = b * steps + t;
                        if (kept && t % STEPS == 0)
                            copy(S.data(), W, kept + ((b * stretches() + t / STEPS) * heads + h) * size + first, width, n, w, 0);
                        const T *xs = x + bt * x_row + h * width + first, time = dt[bt * heads + h];
                        for (int c = 0; c < W; c++) u[c] = c < w ? time * xs[c] : T(0);
                        step(n, exponential(time * A[h]), B + bt * B_row + group * n, C + bt * C_row + group * n, u, S.data(), out);
                        T *to = y + (bt * heads + h) * width + first;
                        for (int c = 0; c < w; c++) to[c] = out[c] + (D ? D[h] * xs[c] : T(0));
                    }
                    copy(S.data(), W, last + (b * heads + h) * size + first, width, n, w, 0);
                }
    }

    // Gradients of everything, given those of y and of the last state. Every block of channels leaves its share of gdt
    // (blocks, b t h), gA and gD (blocks, b h); every thread its share of gB and gC (threads, b t g n), which come in as zeros.
    void backward(const T *kept, const T *gy, const T *glast, T *gx, T *gdt, T *gA, T *gB, T *gC, T *gD, T *gstart,
                  int threads) const {
        const int64_t size = n * width, shared = batch * steps * groups * n;
        const int64_t tasks = batch * heads * blocks();
#pragma omp parallel for schedule(static) num_threads(threads)
        for (int64_t share = 0; share < threads; share++)
            for (int64_t task = tasks * share / threads; task < tasks * (share + 1) / threads; task++) {
                const int64_t k = task % blocks(), h = task / blocks() % heads, b = task / blocks() / heads;
                const int64_t first = k * W, group = h / (heads / groups), bh = (k * batch + b) * heads + h;
                const int w = width - first < W ? width - first : W;
                std::vector<T> states((STEPS + 1) * n * W), gS(n * W);
                T out[W], u[STEPS][W], sum_A = 0, sum_D = 0;
                copy(glast + (b * heads + h) * size + first, width, gS.data(), W, n, w, W);
                for (int64_t s = stretches() - 1; s >= 0; s--) {
                    const int64_t t0 = s * STEPS;
                    const int length = steps - t0 < STEPS ? steps - t0 : STEPS;
                    copy(kept + ((b * stretches() + s) * heads + h) * size + first, width, states.data(), W, n, w, W);
                    for (int q = 0; q < length; q++) {  // forward once more, this time keeping every state
                        const int64_t bt = b * steps + t0 + q;
                        const T *xs = x + bt * x_row + h * width + first, time = dt[bt * heads + h];
                        for (int c = 0; c < W; c++) u[q][c] = c < w ? time * xs[c] : T(0);
                        T *S = states.data() + (q + 1) * n * W;
                        std::memcpy(S, S - n * W, n * W * sizeof(T));
                        step(n, exponential(time * A[h]), B + bt * B_row + group * n, C + bt * C_row + group * n, u[q], S, out);
                    }
                    for (int q = length - 1; q >= 0; q--) {  // and back
                        const int64_t bt = b * steps + t0 + q;
                        const T *xs = x + bt * x_row + h * width + first, time = dt[bt * heads + h];
                        const T decay = exponential(time * A[h]);
                        const T *Bt = B + bt * B_row + group * n, *Ct = C + bt * C_row + group * n;
                        T *gBt = gB + share * shared + (bt * groups + group) * n, *gCt = gC + (gBt - gB);
                        T g[W], gu[W] = {}, power[W] = {};
                        copy(gy + (bt * heads + h) * width + first, 0, g, W, 1, w, W);
                        for (int64_t i = 0; i < n; i++) {
                            const T *S = states.data() + ((q + 1) * n + i) * W, *before = S - n * W;
                            T *gs = gS.data() + i * W, sum_b = 0, sum_c = 0;
                            const T bi = Bt[i], ci = Ct[i];
#pragma omp simd reduction(+ : sum_b, sum_c)
                            for (int c = 0; c < W; c++) {
                                const T now = gs[c] + g[c] * ci;  // gradient of S[t]
                                sum_c += g[c] * S[c];
                                sum_b += now * u[q][c];
                                power[c] += now * before[c];
                                gu[c] += now * bi;
                                gs[c] = now * decay;
                            }
                            gBt[i] += sum_b, gCt[i] += sum_c;
                        }
                        T of_decay = 0, of_time = 0;
                        T *to = gx + (bt * heads + h) * width + first;
                        for (int c = 0; c < w; c++) {
                            of_decay += power[c] * decay;
                            of_time += gu[c] * xs[c];
                            sum_D += g[c] * xs[c];
                            to[c] = gu[c] * time + (D ? g[c] * D[h] : T(0));
                        }
                        gdt[(k * batch * steps + bt) * heads + h] = of_decay * A[h] + of_time;
                        sum_A += of_decay * time;
                    }
                }
                gA[bh] = sum_A, gD[bh] = sum_D;
                copy(gS.data(), W, gstart + (b * heads + h) * size + first, width, n, w, 0);
            }
    }
};

#define DUAL(NAME, T)                                                                                                    \
    extern "C" void NAME##_forward(int64_t b, int64_t t, int64_t h, int64_t k, int64_t g, int64_t n, int64_t x_row,      \
                                   int64_t B_row, int64_t C_row, int threads, const T *x, const T *dt, const T *A,       \
                                   const T *B, const T *C, const T *D, const T *start, T *y, T *last, T *kept) {         \
        Dual<T>{b, t, h, k, g, n, x, dt, A, B, C, D, start, x_row, B_row, C_row}.forward(y, last, kept, threads);        \
    }                                                                                                                    \
    extern "C" void NAME##_backward(int64_t b, int64_t t, int64_t h, int64_t k, int64_t g, int64_t n, int64_t x_row,     \
                                    int64_t B_row, int64_t C_row, int threads, const T *x, const T *dt, const T *A,      \
                                    const T *B, const T *C, const T *D, const T *kept, const T *gy, const T *glast,      \
                                    T *gx, T *gdt, T *gA, T *gB, T *gC, T *gD, T *gstart) {                              \
        Dual<T>{b, t, h, k, g, n, x, dt, A, B, C, D, nullptr, x_row, B_row, C_row}                                       \
            .backward(kept, gy, glast, gx, gdt, gA, gB, gC, gD, gstart, threads);                                        \
    }
DUAL(ssd_float, float)
DUAL(ssd_double, double)
