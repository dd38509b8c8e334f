// y = W x + bias for a single row x: what decoding one token at a time consists of. The time is that of reading W once.
#include "common.h"
#include <chrono>
#include <vector>

typedef float Floats __attribute__((vector_size(32)));
typedef uint32_t Bits __attribute__((vector_size(32)));

template <class V> static inline V load(const void *from) {
    V v;
    std::memcpy(&v, from, sizeof v);
    return v;
}
static inline float total(Floats v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }

static inline float wide(float v) { return v; }
static inline float wide(uint16_t v) {  // bfloat16 is the upper half of a float
    uint32_t bits = (uint32_t)v << 16;
    float out;
    std::memcpy(&out, &bits, sizeof out);
    return out;
}
static inline void put(float *to, float v) { *to = v; }
static inline void put(uint16_t *to, float v) {  // rounded to the nearest, ties to even
    uint32_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    *to = v != v ? 0x7fc0 : (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// Sixteen columns of a row, times x. In bfloat16 they are eight words of two numbers each, taken apart by a shift and a
// mask, which is why x comes with its even places first and its odd ones after them.
static inline void step(const float *w, const float *x, const float *x8, Floats &a, Floats &b) {
    a += load<Floats>(w) * load<Floats>(x);
    b += load<Floats>(w + 8) * load<Floats>(x8);
}
static inline void step(const uint16_t *w, const float *even, const float *odd, Floats &a, Floats &b) {
    const Bits pair = load<Bits>(w), low = pair << 16, high = pair & 0xffff0000u;
    a += load<Floats>(&low) * load<Floats>(even);
    b += load<Floats>(&high) * load<Floats>(odd);
}

// One thread, or all: whichever was quicker of late. On processors that others use too, a second thread that has to wait for
// its turn costs milliseconds where the product takes a tenth of one. The numbers are the same either way.
struct Pace {
    double each[2] = {0, 0};  // seconds per weight, running means: all threads, one thread
    unsigned turn = 0, patience = 64;
    bool next() {  // whether to take one thread
        if (!each[0] || !each[1]) return !each[1];
        const bool better = each[1] < each[0];
        if (++turn < patience) return better;
        turn = 0;
        return !better;  // from time to time the other one is tried again, less often the clearer it lost
    }
    void note(bool alone, double seconds) {
        const bool better = each[1] < each[0];
        if (each[0] && each[1] && alone != better) {
            const bool clear = seconds > 1.5 * each[better];
            patience = clear ? (patience < 2048 ? 2 * patience : patience) : 64;
        }
        each[alone] = each[alone] ? each[alone] + 0.1 * (seconds - each[alone]) : seconds;
    }
};

template <class T>
static void matvec(int64_t rows, int64_t columns, int threads, const T *w, const T *given, const T *bias, T *y) {
    const int64_t whole = columns / 16 * 16, half = sizeof(T) == 4 ? 8 : whole / 2, pace = sizeof(T) == 4 ? 16 : 8;
    std::vector<float> x(columns);
    for (int64_t c = 0; c < columns; c++) x[sizeof(T) == 4 || c >= whole ? c : c / 2 + c % 2 * half] = wide(given[c]);
    if (rows * columns <= 30000) threads = 1;
    static thread_local Pace habit;
    const bool chosen = threads > 1, alone = chosen && habit.next();
    const auto begun = std::chrono::steady_clock::now();
    if (alone) threads = 1;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int part = 0; part < threads; part++) {
        // Four rows at a time, each from its own quarter: four long streams, which is what the memory prefetcher likes best.
        const int64_t begin = rows * part / threads, end = rows * (part + 1) / threads, quarter = (end - begin + 3) / 4;
        for (int64_t n = 0; n < quarter; n++) {
            int64_t row[4];
            const T *from[4];
            Floats a[4] = {}, b[4] = {};
            for (int k = 0; k < 4; k++) {
                row[k] = begin + n + k * quarter < end ? begin + n + k * quarter : end - 1;
                from[k] = w + row[k] * columns;
            }
            for (int64_t c = 0, i = 0; c < whole; c += 16, i += pace)
                for (int k = 0; k < 4; k++) step(from[k] + c, x.data() + i, x.data() + i + half, a[k], b[k]);
            for (int k = 0; k < 4; k++) {
                float sum = total(a[k] + b[k]);
                for (int64_t c = whole; c < columns; c++) sum += wide(from[k][c]) * x[c];
                put(y + row[k], bias ? sum + wide(bias[row[k]]) : sum);
            }
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    if (chosen) habit.note(alone, took.count() / (double)(rows * columns));
}

extern "C" void matvec_float(
    int64_t rows, int64_t columns, int threads, const float *w, const float *x, const float *bias, float *y) {
    matvec(rows, columns, threads, w, x, bias, y);
}
extern "C" void matvec_bfloat16(
    int64_t rows, int64_t columns, int threads, const uint16_t *w, const uint16_t *x, const uint16_t *bias, uint16_t *y) {
    matvec(rows, columns, threads, w, x, bias, y);
}
