#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/core/scalar.hpp"
#include "foglift/core/shape.hpp"

#include <cmath>
#include <complex>
#include <type_traits>

namespace foglift::inline v0::kernels {

/// H systems of N modes each, h' = a h + u, seen at steps of dt [H]. Numbers are [parts, H, N]:
/// reals, or real and imaginary parts.
struct ZohExtents {
  Index parts, H, N;
  Index modes() const { return H * N; }
};

namespace detail {

/// (e^z - 1) / z and its derivative. Near 0 the quotients lose digits: there by their series, whose
/// next terms are below 1e-15.
template <class Z>
struct Phi {
  Z value, slope;
};
template <class Z>
Phi<Z> phi(Z z) {
  if (std::abs(z) < 1e-2) {
    Z value = 1, slope = 0.5, power = 1;
    double factorial = 1;  // value: sum z^k / (k + 1)!, slope: sum (k + 1) z^k / (k + 2)!
    for (int k = 1; k < 7; ++k) {
      power *= z;
      factorial *= k + 1;
      value += power / factorial;
      slope += power * ((k + 1.0) / (factorial * (k + 2)));
    }
    return {value, slope};
  }
  const Z e = std::exp(z);
  return {(e - 1.0) / z, (z * e - e + 1.0) / (z * z)};
}

/// f(h, z, place) over all modes, with a_place as a number or a pair of parts.
template <class Z, Scalar T, class F>
void for_modes(const ZohExtents& n, const T* a, const F& f) {
  for (Index i = 0; i < n.modes(); ++i)
    if constexpr (std::is_same_v<Z, double>)
      f(i / n.N, static_cast<double>(a[i]), i);
    else
      f(i / n.N, Z(static_cast<double>(a[i]), static_cast<double>(a[n.modes() + i])), i);
}

template <class Z, Scalar T>
void put_mode(const ZohExtents& n, Z z, T* at) {
  *at = static_cast<T>(std::real(z));
  if constexpr (!std::is_same_v<Z, double>) at[n.modes()] = static_cast<T>(z.imag());
}
template <class Z, Scalar T>
Z get_mode(const ZohExtents& n, const T* at) {
  if constexpr (std::is_same_v<Z, double>)
    return static_cast<double>(*at);
  else
    return Z(static_cast<double>(*at), static_cast<double>(at[n.modes()]));
}

template <class Z, Scalar T>
void zoh(const ZohExtents& n, const T* dt, const T* a, T* y) {
  for_modes<Z>(n, a, [&](Index h, Z rate, Index i) {
    const auto step = static_cast<double>(dt[h]);
    put_mode(n, std::exp(step * rate), y + i);
    put_mode(n, step * phi(step * rate).value, y + n.parts * n.modes() + i);
  });
}

/// For analytic f the gradient to z is conj(f'(z)) times the gradient to f.
template <class Z, Scalar T>
void zoh_backward(const ZohExtents& n, const T* dt, const T* a, const T* dy, T* ddt, T* da) {
  Index system = -1;
  double sum = 0;
  for_modes<Z>(n, a, [&](Index h, Z rate, Index i) {
    if (h != system) sum = 0, system = h;
    const auto step = static_cast<double>(dt[h]);
    const Z e = std::exp(step * rate);
    const Phi<Z> b = phi(step * rate);
    const Z dm = get_mode<Z>(n, dy + i), db = get_mode<Z>(n, dy + n.parts * n.modes() + i);
    const auto product = [](Z slope, Z d) {
      if constexpr (std::is_same_v<Z, double>)
        return slope * d;
      else
        return std::conj(slope) * d;
    };
    put_mode(n, product(step * e, dm) + product(step * step * b.slope, db), da + i);
    sum += std::real(product(rate * e, dm) + product(e, db));  // d(dt phi(dt a)) / d(dt) = e^(dt a)
    ddt[h] = static_cast<T>(sum);
  });
}

}  // namespace detail

/// Zero-order hold: y [2, parts, H, N] holds e^(dt a), then (e^(dt a) - 1) / a, which is dt at a =
/// 0. In double.
template <Scalar T>
void zoh(const ZohExtents& n, const T* dt, const T* a, T* y) {
  if (n.parts == 1) return detail::zoh<double>(n, dt, a, y);
  detail::zoh<std::complex<double>>(n, dt, a, y);
}

/// Its gradients ddt [H] and da [parts, H, N].
template <Scalar T>
void zoh_backward(const ZohExtents& n, const T* dt, const T* a, const T* dy, T* ddt, T* da) {
  if (n.parts == 1) return detail::zoh_backward<double>(n, dt, a, dy, ddt, da);
  detail::zoh_backward<std::complex<double>>(n, dt, a, dy, ddt, da);
}

}  // namespace foglift::inline v0::kernels
