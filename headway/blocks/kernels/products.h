// Products of matrices that fit the processor's cache, with no call and no thread of their own: c = keep c + a b.
#pragma once
#include <cstdint>
#include <cstring>

#ifdef __AVX512F__
constexpr int BYTES = 64;
#else
constexpr int BYTES = 32;
#endif
template <class T> struct Vectors {
    typedef T Vector __attribute__((vector_size(BYTES)));
    static constexpr int64_t LANES = BYTES / sizeof(T), STRIP = 2 * LANES;  // columns worked on side by side
    static int64_t whole(int64_t columns) { return (columns + STRIP - 1) / STRIP * STRIP; }
};

// R rows and one strip of c, held in registers over the whole sum.
template <class T, int R>
static inline void tile(int64_t inner, const T *a, int64_t a_row, int64_t a_column, const T *b, int64_t b_row, T *c,
                        int64_t c_row, T keep) {
    typedef typename Vectors<T>::Vector Vector;
    constexpr int64_t L = Vectors<T>::LANES;
    Vector sum[R][2] = {};
    for (int64_t i = 0; i < inner; i++) {
        Vector left, right;
        std::memcpy(&left, b + i * b_row, sizeof left);
        std::memcpy(&right, b + i * b_row + L, sizeof right);
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
            const T factor = a[r * a_row + i * a_column];
            sum[r][0] += factor * left;
            sum[r][1] += factor * right;
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
        if (keep != 0) {
            Vector left, right;
            std::memcpy(&left, c + r * c_row, sizeof left);
            std::memcpy(&right, c + r * c_row + L, sizeof right);
            sum[r][0] += keep * left;
            sum[r][1] += keep * right;
        }
        std::memcpy(c + r * c_row, &sum[r][0], sizeof(Vector));
        std::memcpy(c + r * c_row + L, &sum[r][1], sizeof(Vector));
    }
}

// a (rows, inner) may lie in memory any way; rows of b (inner, columns) and of c lie side by side, and have room up to a
// whole number of strips, which is computed.
template <class T>
static void multiply(int64_t rows, int64_t columns, int64_t inner, const T *a, int64_t a_row, int64_t a_column, const T *b,
                     int64_t b_row, T *c, int64_t c_row, T keep) {
    constexpr int64_t S = Vectors<T>::STRIP;
    for (int64_t j = 0; j < columns; j += S) {
        int64_t r = 0;
        for (; r + 6 <= rows; r += 6)
            tile<T, 6>(inner, a + r * a_row, a_row, a_column, b + j, b_row, c + r * c_row + j, c_row, keep);
        const T *rest = a + r * a_row;
        T *to = c + r * c_row + j;
        switch (rows - r) {
        case 5: tile<T, 5>(inner, rest, a_row, a_column, b + j, b_row, to, c_row, keep); break;
        case 4: tile<T, 4>(inner, rest, a_row, a_column, b + j, b_row, to, c_row, keep); break;
        case 3: tile<T, 3>(inner, rest, a_row, a_column, b + j, b_row, to, c_row, keep); break;
        case 2: tile<T, 2>(inner, rest, a_row, a_column, b + j, b_row, to, c_row, keep); break;
        case 1: tile<T, 1>(inner, rest, a_row, a_column, b + j, b_row, to, c_row, keep); break;
        }
    }
}

// The transpose of a (rows, columns): out (columns, rows).
template <class T>
static void turn(int64_t rows, int64_t columns, const T *a, int64_t a_row, T *out, int64_t out_row) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) out[c * out_row + r] = a[r * a_row + c];
}
