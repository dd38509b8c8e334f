// The recurrence of Mamba-2 (arXiv 2405.21060, section 6), forward and backward, chunk by chunk with small products.
//
//     S[t] = exp(dt[t] A) S[t-1] + B[t] (dt[t] x[t])        y[t] = C[t] S[t] + D x[t]
//
// In a chunk of Q steps, with u = dt x, S the state before it, p[t] what is left of S after step t, and L[t][s] what is left
// at step t of what step s wrote:
//
//     y = p (C S) + ((C Bᵀ) L) u + D x            S' = p[last] S + Bᵀ (L[last] u)
//
// C Bᵀ is the same for all heads of a group and is worked out first. A thread then takes a head through all of time, its
// state in the cache. The backward pass walks the chunks back, each from the state that the forward pass kept.
#include "common.h"
#include "products.h"
#include <vector>

constexpr int64_t CHUNK = 64;

template <class T> struct Dual {
    int64_t batch, steps, heads, width, groups, n;
    const T *x, *dt, *A, *B, *C, *D, *start;  // D and start may be null
    int64_t x_row, B_row, C_row;              // from one step to the next, in elements: they may be slices

    int64_t chunks() const { return (steps + CHUNK - 1) / CHUNK; }
    int64_t length(int64_t chunk) const { return steps - chunk * CHUNK < CHUNK ? steps - chunk * CHUNK : CHUNK; }
    int64_t group(int64_t h) const { return h / (heads / groups); }
    const T *keys(int64_t bt, int64_t g) const { return B + bt * B_row + g * n; }
    const T *queries(int64_t bt, int64_t g) const { return C + bt * C_row + g * n; }

    // C Bᵀ of every chunk: (b, chunks, g, CHUNK, CHUNK).
    std::vector<T> scores(int threads) const {
        std::vector<T> all(batch * chunks() * groups * CHUNK * CHUNK);
        const int64_t tasks = batch * chunks() * groups;
#pragma omp parallel for schedule(static) num_threads(threads) if (tasks > 1)
        for (int64_t task = 0; task < tasks; task++) {
            const int64_t g = task % groups, chunk = task / groups % chunks(), b = task / groups / chunks();
            const int64_t bt = b * steps + chunk * CHUNK, q = length(chunk);
            std::vector<T> turned(n * CHUNK);
            turn(q, n, keys(bt, g), B_row, turned.data(), CHUNK);
            T *to = all.data() + task * CHUNK * CHUNK;
            multiply<T>(q, q, n, queries(bt, g), C_row, 1, turned.data(), CHUNK, to, CHUNK, 0);
        }
        return all;
    }

    // What is left after each step of the state before the chunk, and of what each step in it wrote. Products of decays, not
    // exponentials of differences: a difference of long sums would be wrong in its last digits.
    struct Decays {
        T step[CHUNK], before[CHUNK], between[CHUNK * CHUNK];
    };
    void decays(int64_t bt, int64_t h, int64_t q, Decays &left) const {
        for (int64_t t = 0; t < q; t++) left.step[t] = dt[(bt + t) * heads + h] * A[h];
        for (int64_t t = 0; t < q; t++) left.step[t] = exponential(left.step[t]);
        for (int64_t t = 0; t < q; t++) {
            const T now = left.step[t];
            left.before[t] = gone(t ? left.before[t - 1] * now : now);
            T *row = left.between + t * CHUNK;
            for (int64_t s = 0; s < t; s++) row[s] = gone(row[s - CHUNK] * now);
            row[t] = 1;
            for (int64_t s = t + 1; s < q; s++) row[s] = 0;
        }
    }
    static T gone(T v) { return v < T(1e-30) ? T(0) : v; }  // before it gets so small that processors take long over it

    static void copy(const T *from, int64_t from_row, T *to, int64_t to_row, int64_t rows, int64_t columns) {
        for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < columns; c++) to[r * to_row + c] = from ? from[r * from_row + c] : T(0);
    }

    // y (b t h k), last (b h n k); kept (b, chunks, h n k) is null where no gradient will be asked for.
    void forward(T *y, T *last, T *kept, int threads) const {
        const int64_t size = n * width, wide = Vectors<T>::whole(width);
        if (steps == 1 && !kept) return step(y, last, threads);
        const std::vector<T> all = scores(threads);
#pragma omp parallel for collapse(2) schedule(dynamic) num_threads(threads) if (batch * steps * heads * size > 40000)
        for (int64_t b = 0; b < batch; b++)
            for (int64_t h = 0; h < heads; h++) {
                const int64_t g = group(h), at_head = (b * heads + h) * size;
                std::vector<T> S(n * wide), u(CHUNK * wide), out(CHUNK * wide), mixed(CHUNK * CHUNK);
                Decays left;
                copy(start ? start + at_head : nullptr, width, S.data(), wide, n, width);
                for (int64_t chunk = 0; chunk < chunks(); chunk++) {
                    const int64_t q = length(chunk), bt = b * steps + chunk * CHUNK, end = q - 1;
                    const T *xs = x + bt * x_row + h * width;
                    if (kept) copy(S.data(), wide, kept + ((b * chunks() + chunk) * heads + h) * size, width, n, width);
                    decays(bt, h, q, left);
                    for (int64_t t = 0; t < q; t++)
                        for (int64_t c = 0; c < width; c++) u[t * wide + c] = dt[(bt + t) * heads + h] * xs[t * x_row + c];
                    const T *score = all.data() + ((b * chunks() + chunk) * groups + g) * CHUNK * CHUNK;
                    for (int64_t i = 0; i < q * CHUNK; i++) mixed[i] = score[i] * left.between[i];
                    multiply<T>(q, width, n, queries(bt, g), C_row, 1, S.data(), wide, out.data(), wide, 0);
                    for (int64_t t = 0; t < q; t++)
                        for (int64_t c = 0; c < wide; c++) out[t * wide + c] *= left.before[t];
                    for (int64_t t = 0; t < q; t += 12) {  // a step looks back only: rows of zeros are not multiplied
                        const int64_t rows = q - t < 12 ? q - t : 12;
                        const T *weights = mixed.data() + t * CHUNK;
                        multiply<T>(rows, width, t + rows, weights, CHUNK, 1, u.data(), wide, out.data() + t * wide, wide, 1);
                    }
                    for (int64_t t = 0; t < q; t++)
                        for (int64_t c = 0; c < width; c++) {
                            const T skip = D ? D[h] * xs[t * x_row + c] : T(0);
                            y[((bt + t) * heads + h) * width + c] = out[t * wide + c] + skip;
                            u[t * wide + c] *= left.between[end * CHUNK + t];
                        }
                    multiply<T>(n, width, q, keys(bt, g), 1, B_row, u.data(), wide, S.data(), wide, left.before[end]);
                }
                copy(S.data(), wide, last + at_head, width, n, width);
            }
    }

    // One token: the state is read and written once, which is all the time it takes.
    void step(T *y, T *last, int threads) const {
        const int64_t size = n * width;
#pragma omp parallel for collapse(2) schedule(static) num_threads(threads) if (batch * heads * size > 40000)
        for (int64_t b = 0; b < batch; b++)
            for (int64_t h = 0; h < heads; h++) {
                const int64_t at = b * heads + h;
                const T time = dt[at], decay = exponential(time * A[h]), *xs = x + b * x_row + h * width;
                const T *from = start ? start + at * size : nullptr, *Bs = keys(b, group(h)), *Cs = queries(b, group(h));
                T *to = last + at * size, *out = y + at * width;
                for (int64_t c = 0; c < width; c++) out[c] = D ? D[h] * xs[c] : T(0);
                for (int64_t i = 0; i < n; i++) {
                    const T write = Bs[i] * time, read = Cs[i];
                    for (int64_t c = 0; c < width; c++) {
                        const T now = (from ? decay * from[i * width + c] : T(0)) + write * xs[c];
                        to[i * width + c] = now;
                        out[c] += read * now;
                    }
                }
            }
    }

    // Gradients of everything, given those of y and of the last state. A row and head leaves its share of gA and gD (b, h);
    // every thread its share of gB and gC (threads, b t g n), which come in as zeros.
    void backward(const T *kept, const T *gy, const T *glast, T *gx, T *gdt, T *gA, T *gB, T *gC, T *gD, T *gstart,
                  int threads) const {
        const int64_t size = n * width, wide = Vectors<T>::whole(width), deep = Vectors<T>::whole(n);
        const int64_t shared = batch * steps * groups * n, tasks = batch * heads;
        const int64_t squares = batch * chunks() * groups * CHUNK * CHUNK;
        const std::vector<T> all = scores(threads);
        std::vector<T> gscores(threads * squares);  // of C Bᵀ, a share per thread
#pragma omp parallel for schedule(static) num_threads(threads)
        for (int64_t share = 0; share < threads; share++) {
            std::vector<T> S_turned(width * deep), gS(n * wide), gS_turned(width * deep);
            std::vector<T> u(CHUNK * wide), u_turned(width * CHUNK), g(CHUNK * wide), gu(CHUNK * wide);
            std::vector<T> mixed(CHUNK * CHUNK), gmixed(CHUNK * CHUNK), read(CHUNK * deep), written(CHUNK * deep);
            Decays left;
            for (int64_t task = tasks * share / threads; task < tasks * (share + 1) / threads; task++) {
                const int64_t h = task % heads, b = task / heads, gr = group(h), at_head = (b * heads + h) * size;
                double sum_A = 0, sum_D = 0;
                copy(glast + at_head, width, gS.data(), wide, n, width);
                for (int64_t chunk = chunks() - 1; chunk >= 0; chunk--) {
                    const int64_t q = length(chunk), bt = b * steps + chunk * CHUNK, end = q - 1;
                    const int64_t square = ((b * chunks() + chunk) * groups + gr) * CHUNK * CHUNK;
                    const T *xs = x + bt * x_row + h * width, *before = kept + ((b * chunks() + chunk) * heads + h) * size;
                    const T *late = left.between + end * CHUNK;  // what is left of each step's writing at the end
                    double power[CHUNK];  // gradient of the log of the decay up to each step: in it, large terms cancel
                    decays(bt, h, q, left);
                    for (int64_t t = 0; t < q; t++)
                        for (int64_t c = 0; c < width; c++) {
                            u[t * wide + c] = dt[(bt + t) * heads + h] * xs[t * x_row + c];
                            g[t * wide + c] = gy[((bt + t) * heads + h) * width + c];
                        }
                    for (int64_t i = 0; i < q * CHUNK; i++) mixed[i] = all[square + i] * left.between[i];
                    turn(n, width, before, width, S_turned.data(), deep);
                    turn(n, width, gS.data(), wide, gS_turned.data(), deep);
                    turn(q, width, u.data(), wide, u_turned.data(), CHUNK);
                    multiply<T>(q, n, width, g.data(), wide, 1, S_turned.data(), deep, read.data(), deep, 0);
                    multiply<T>(q, n, width, u.data(), wide, 1, gS_turned.data(), deep, written.data(), deep, 0);
                    multiply<T>(q, q, width, g.data(), wide, 1, u_turned.data(), CHUNK, gmixed.data(), CHUNK, 0);
                    double whole = 0;  // gradient of the log of what is left of the state after the chunk
                    for (int64_t i = 0; i < n; i++)
                        for (int64_t c = 0; c < width; c++) whole += gS[i * wide + c] * before[i * width + c];
                    whole *= left.before[end];
                    for (int64_t t = 0; t < q; t++) {
                        T by_read = 0, by_write = 0;
                        const T *Bt = keys(bt + t, gr), *Ct = queries(bt + t, gr);
                        const T *r = read.data() + t * deep, *w = written.data() + t * deep;
                        T *gBt = gB + share * shared + ((bt + t) * groups + gr) * n, *gCt = gC + (gBt - gB);
                        const T now = left.before[t], then = late[t];
#pragma omp simd reduction(+ : by_read, by_write)
                        for (int64_t i = 0; i < n; i++) {
                            by_read += Ct[i] * r[i];
                            by_write += Bt[i] * w[i];
                            gCt[i] += now * r[i];
                            gBt[i] += then * w[i];
                        }
                        power[t] = now * by_read - then * by_write;
                        whole += then * by_write;
                    }
                    power[end] += whole;
                    for (int64_t t = 0; t < q; t++) {
                        double row = 0;
                        T *gshare = gscores.data() + share * squares + square + t * CHUNK;
                        for (int64_t s = 0; s < t; s++) {
                            const T both = gmixed[t * CHUNK + s] * mixed[t * CHUNK + s];
                            row += both;
                            power[s] -= both;
                        }
                        for (int64_t s = 0; s <= t; s++) gshare[s] += gmixed[t * CHUNK + s] * left.between[t * CHUNK + s];
                        power[t] += row;
                    }
                    multiply<T>(q, width, n, keys(bt, gr), B_row, 1, gS.data(), wide, gu.data(), wide, 0);
                    for (int64_t t = 0; t < q; t++)
                        for (int64_t c = 0; c < wide; c++) gu[t * wide + c] *= late[t];
                    for (int64_t s = 0; s < q; s += 12) {  // a step is looked at from later ones only
                        const int64_t rows = q - s < 12 ? q - s : 12;
                        const T *weights = mixed.data() + s * CHUNK + s;
                        multiply<T>(rows, width, q - s, weights, 1, CHUNK, g.data() + s * wide, wide, gu.data() + s * wide, wide, 1);
                    }
                    double of_log = 0;
                    for (int64_t t = q - 1; t >= 0; t--) {
                        const int64_t at = (bt + t) * heads + h;
                        T of_time = 0, skip = 0;
                        for (int64_t c = 0; c < width; c++) {
                            const T in = xs[t * x_row + c];
                            of_time += gu[t * wide + c] * in;
                            skip += g[t * wide + c] * in;
                            gx[at * width + c] = gu[t * wide + c] * dt[at] + (D ? g[t * wide + c] * D[h] : T(0));
                            g[t * wide + c] *= left.before[t];
                        }
                        of_log += power[t];
                        gdt[at] = of_log * A[h] + of_time;
                        sum_A += of_log * dt[at];
                        sum_D += skip;
                    }
                    multiply<T>(n, width, q, queries(bt, gr), 1, C_row, g.data(), wide, gS.data(), wide, left.before[end]);
                }
                gA[task] = sum_A, gD[task] = sum_D;
                copy(gS.data(), wide, gstart + at_head, width, n, width);
            }
        }
        // Through C Bᵀ, once for all heads of a group.
        const int64_t groups_of_chunks = batch * chunks() * groups;
#pragma omp parallel for schedule(static) num_threads(threads)
        for (int64_t task = 0; task < groups_of_chunks; task++) {
            const int64_t gr = task % groups, chunk = task / groups % chunks(), b = task / groups / chunks();
            const int64_t bt = b * steps + chunk * CHUNK, q = length(chunk);
            std::vector<T> sum(CHUNK * CHUNK), rows(CHUNK * deep), out(CHUNK * deep);
            for (int64_t share = 0; share < threads; share++)
                for (int64_t i = 0; i < q * CHUNK; i++) sum[i] += gscores[share * squares + task * CHUNK * CHUNK + i];
            for (int which = 0; which < 2; which++) {  // gC += g B, then gB += gᵀ C
                copy(which ? queries(bt, gr) : keys(bt, gr), which ? C_row : B_row, rows.data(), deep, q, n);
                const int64_t row = which ? 1 : CHUNK, column = which ? CHUNK : 1;
                multiply<T>(q, n, q, sum.data(), row, column, rows.data(), deep, out.data(), deep, 0);
                T *to = (which ? gB : gC) + (bt * groups + gr) * n;
                for (int64_t t = 0; t < q; t++)
                    for (int64_t i = 0; i < n; i++) to[t * groups * n + i] += out[t * deep + i];
            }
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
