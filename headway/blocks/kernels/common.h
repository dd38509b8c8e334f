// What the kernels share: a fast exponential that the compiler can vectorise, and the sigmoid made of it.
// Compiled for float and for double; double is there so that tests can hold a kernel to 1e-10.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

// Channels worked on side by side: whole cache lines, whole vectors, and states that stay in the first-level cache.
constexpr int W = 32;

// exp(x) to about 1e-7: x = n ln2 + r with |r| <= ln2 / 2, a polynomial for exp(r), and n put into the exponent's bits.
// ln2 is taken away in two parts, because n ln2 rounded once would lose the last digits of r.
static inline float exponential(float x) {
    float bounded = x < -87.3f ? -87.3f : (x > 88.37f ? 88.37f : x);  // a NaN fails both and stays
    float n = std::nearbyintf(bounded * 1.44269504f);
    float r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t bits = ((int32_t)n + 127) << 23;
    float power;
    std::memcpy(&power, &bits, sizeof power);
    return x > 88.37f ? INFINITY : p * power;
}
static inline double exponential(double x) { return std::exp(x); }

template <class T> static inline T sigmoid(T x) { return T(1) / (T(1) + exponential(-x)); }
