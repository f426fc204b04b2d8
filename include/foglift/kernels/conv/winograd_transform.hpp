#pragma once

#include "foglift/kernels/simd.hpp"

namespace foglift::inline v0::kernels {

/// The transforms of Winograd's F(4x4, 3x3) (Lavin & Gray 2016): a tile of 4 x 4 outputs is
/// Y = A^T [(G g G^T) * (B^T d B)] A of 6 x 6 inputs d and 3 x 3 taps g, which takes 36 products
/// where the definition takes 144. It is interpolation at 0, +-a, +-b and infinity (Toom-Cook), and
/// all of it is exact but for rounding, which the points decide: a = 5/8, b = 3/2 are where the
/// error was least in steps of 1/16, 7e-7 of the norm at 64 channels, against 1.7e-6 for the
/// customary 1 and 2. Matrices are applied as chains of fused multiply-adds on one channel a lane.
namespace winograd {

inline constexpr Index outputs = 4, inputs = 6;
/// Products a tile: F(4, 3) along one axis, F(4x4, 3x3) along two.
template <int Axes>
inline constexpr Index points = Axes == 1 ? inputs : inputs * inputs;
inline constexpr double a = 0.625, b = 1.5, a2 = a * a, b2 = b * b;

template <Scalar T>
Lanes<T> number(double s) {
  return Lanes<T>(static_cast<T>(s));
}

/// out = B^T d, whose rows are the coefficients of prod (x - p) over the other points p.
template <Scalar T>
struct InputTransform {
  static constexpr Index from = 6, to = 6;
  static void apply(const Lanes<T> (&d)[6], Lanes<T> (&out)[6]) {
    const auto pair = [&](double p, double other2, Lanes<T>& plus, Lanes<T>& minus) {
      const Lanes<T> even = fma(number<T>(-other2), d[2], d[4]);  // x^4 - other2 x^2
      const Lanes<T> odd = fma(number<T>(-other2), d[1], d[3]);   // x^3 - other2 x, times p
      plus = fma(number<T>(p), odd, even);
      minus = fma(number<T>(-p), odd, even);
    };
    out[0] = fma(number<T>(a2 * b2), d[0], fma(number<T>(-a2 - b2), d[2], d[4]));
    pair(a, b2, out[1], out[2]);
    pair(b, a2, out[3], out[4]);
    out[5] = fma(number<T>(a2 * b2), d[1], fma(number<T>(-a2 - b2), d[3], d[5]));
  }
};

/// out = G g: the taps' polynomial at the points, over prod (p - other points).
template <Scalar T>
struct WeightTransform {
  static constexpr Index from = 3, to = 6;
  static void apply(const Lanes<T> (&g)[3], Lanes<T> (&out)[6]) {
    const auto pair = [&](double p, double other2, Lanes<T>& plus, Lanes<T>& minus) {
      const double p2 = p * p, scale = 1 / (2 * p2 * (p2 - other2));
      const Lanes<T> even = fma(number<T>(p2 * scale), g[2], number<T>(scale) * g[0]);
      plus = fma(number<T>(p * scale), g[1], even);
      minus = fma(number<T>(-p * scale), g[1], even);
    };
    out[0] = number<T>(1 / (a2 * b2)) * g[0];
    pair(a, b2, out[1], out[2]);
    pair(b, a2, out[3], out[4]);
    out[5] = g[2];
  }
};

/// out = A^T m: row i is p^i at the points, and the last one takes infinity's product.
template <Scalar T>
struct OutputTransform {
  static constexpr Index from = 6, to = 4;
  static void apply(const Lanes<T> (&m)[6], Lanes<T> (&out)[4]) {
    const Lanes<T> even_a = m[1] + m[2], odd_a = m[1] - m[2];
    const Lanes<T> even_b = m[3] + m[4], odd_b = m[3] - m[4];
    out[0] = m[0] + (even_a + even_b);
    out[1] = fma(number<T>(a), odd_a, number<T>(b) * odd_b);
    out[2] = fma(number<T>(a2), even_a, number<T>(b2) * even_b);
    out[3] = fma(number<T>(a * a2), odd_a, fma(number<T>(b * b2), odd_b, m[5]));
  }
};

/// out = A y, the adjoint of OutputTransform.
template <Scalar T>
struct OutputAdjoint {
  static constexpr Index from = 4, to = 6;
  static void apply(const Lanes<T> (&y)[4], Lanes<T> (&out)[6]) {
    const auto pair = [&](double p, Lanes<T>& plus, Lanes<T>& minus) {
      const Lanes<T> even = fma(number<T>(p * p), y[2], y[0]);
      const Lanes<T> odd = fma(number<T>(p * p), y[3], y[1]);  // times p
      plus = fma(number<T>(p), odd, even);
      minus = fma(number<T>(-p), odd, even);
    };
    out[0] = y[0];
    pair(a, out[1], out[2]);
    pair(b, out[3], out[4]);
    out[5] = y[3];
  }
};

/// out = G^T u, the adjoint of WeightTransform.
template <Scalar T>
struct WeightAdjoint {
  static constexpr Index from = 6, to = 3;
  static void apply(const Lanes<T> (&u)[6], Lanes<T> (&out)[3]) {
    constexpr double scale_a = 1 / (2 * a2 * (a2 - b2)), scale_b = 1 / (2 * b2 * (b2 - a2));
    const Lanes<T> even_a = number<T>(scale_a) * (u[1] + u[2]);
    const Lanes<T> even_b = number<T>(scale_b) * (u[3] + u[4]);
    out[0] = fma(number<T>(1 / (a2 * b2)), u[0], even_a + even_b);
    out[1] = fma(number<T>(a * scale_a), u[1] - u[2], number<T>(b * scale_b) * (u[3] - u[4]));
    out[2] = fma(number<T>(a2), even_a, fma(number<T>(b2), even_b, u[5]));
  }
};

/// store(i, j, (M x M^T)(i, j)) for x(i, j) = load(i, j), M being the matrix of a transform; along
/// one axis, store(0, j, (x M^T)(0, j)).
template <Scalar T, template <Scalar> class Transform, int Axes, class Load, class Store>
void transform(const Load& load, const Store& store) {
  using M = Transform<T>;
  if constexpr (Axes == 1) {
    Lanes<T> x[M::from], y[M::to];
#pragma GCC unroll 6
    for (Index j = 0; j < M::from; ++j) x[j] = load(0, j);
    M::apply(x, y);
#pragma GCC unroll 6
    for (Index j = 0; j < M::to; ++j) store(0, j, y[j]);
    return;
  }
  Lanes<T> half[M::to][M::from];
#pragma GCC unroll 6
  for (Index j = 0; j < M::from; ++j) {
    Lanes<T> x[M::from], y[M::to];
#pragma GCC unroll 6
    for (Index i = 0; i < M::from; ++i) x[i] = load(i, j);
    M::apply(x, y);
#pragma GCC unroll 6
    for (Index i = 0; i < M::to; ++i) half[i][j] = y[i];
  }
#pragma GCC unroll 6
  for (Index i = 0; i < M::to; ++i) {
    Lanes<T> y[M::to];
    M::apply(half[i], y);
#pragma GCC unroll 6
    for (Index j = 0; j < M::to; ++j) store(i, j, y[j]);
  }
}

}  // namespace winograd
}  // namespace foglift::inline v0::kernels
