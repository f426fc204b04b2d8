#pragma once

#include "foglift/core/tensor.hpp"

#include <cmath>
#include <complex>
#include <numbers>
#include <span>
#include <vector>

namespace foglift::inline v0::forecast {

/// Fourier transforms of squares of n x n complex numbers, n a power of 2, in place:
/// X[k, l] = sum over x[j, i] exp(-2 pi i (j k + i l) / n), and back (Cooley & Tukey 1965).
class Fourier {
 public:
  using Complex = std::complex<double>;

  /// Throws ArgumentError unless n is a power of 2.
  explicit Fourier(Index n) : n_(n) {
    if (n < 1 || (n & (n - 1)) != 0)
      raise<ArgumentError>("Fourier: ", n, " points, needed a power of 2");
    for (Index i = 0; i < n / 2; ++i)
      roots_.push_back(
          std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n)));
  }

  Index points() const { return n_; }

  /// Throws ShapeError for another number of values.
  void forward(std::span<Complex> x) const { square(x, 1); }
  /// The inverse of forward.
  void back(std::span<Complex> x) const {
    square(x, -1);
    const double scale = 1 / static_cast<double>(n_ * n_);
    for (Complex& v : x) v *= scale;
  }

 private:
  void square(std::span<Complex> x, double sign) const {
    if (static_cast<Index>(x.size()) != n_ * n_)
      raise<ShapeError>("Fourier: ", x.size(), " values, needed ", n_ * n_);
    along(x.data(), n_, sign);
    for (Index row = 0; row < n_; ++row) along(x.data() + row * n_, 1, sign);
  }

  /// The transform of n groups of `inner` numbers, each place of a group by itself.
  void along(Complex* x, Index inner, double sign) const {
    for (Index i = 0, j = 0; i < n_; ++i) {  // j is i with its bits in reverse
      if (i < j) std::swap_ranges(x + i * inner, x + (i + 1) * inner, x + j * inner);
      for (Index bit = n_ / 2; bit > 0 && ((j ^= bit) & bit) == 0; bit /= 2) {
      }
    }
    for (Index half = 1; half < n_; half *= 2)
      for (Index k = 0; k < half; ++k) {
        const Complex root = roots_[static_cast<std::size_t>(k * (n_ / (2 * half)))];
        for (Index begin = k; begin < n_; begin += 2 * half)
          butterfly(x + begin * inner, x + (begin + half) * inner, inner, root.real(),
                    sign * root.imag());
      }
  }

  /// a, b become a + w b, a - w b. Written out: the product of std::complex looks for NaN.
  static void butterfly(Complex* a, Complex* b, Index count, double re, double im) {
    for (Index i = 0; i < count; ++i) {
      const Complex turned(re * b[i].real() - im * b[i].imag(),
                           re * b[i].imag() + im * b[i].real());
      b[i] = a[i] - turned;
      a[i] += turned;
    }
  }

  Index n_;
  std::vector<Complex> roots_;  // exp(-2 pi i k / n), k < n / 2
};

}  // namespace foglift::inline v0::forecast
