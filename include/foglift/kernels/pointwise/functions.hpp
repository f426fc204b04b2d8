#pragma once

#include "foglift/kernels/simd.hpp"

#include <cmath>
#include <concepts>
#include <limits>

namespace foglift::inline v0::kernels {

// Elementary functions on Lanes. Float: packet formulas, a few units in the last place, results
// below the smallest normal number flushed to 0. Double: the standard library. Not a number stays
// not a number.

namespace detail {

/// The bits of a packet as integers.
template <class L>
using Bits = decltype(L{}.v < L{}.v);

/// 1.5 * 2^23: the low bits of a sum with it are the other number, rounded to an integer.
inline constexpr float exp_round = 12582912.f;
inline constexpr float log2_e = 1.44269504088896341f;
/// ln 2 in two parts, the first of 10 bits, so that its product with an exponent is exact.
inline constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;

/// e^r 2^m for |r| <= ln 2 / 2 and an exponent m within range, `shifted` being m + exp_round: the
/// polynomial of Cephes' expf, m added to the exponent.
template <std::same_as<float> T>
[[gnu::always_inline]] inline Lanes<T> scaled_exp(Lanes<T> r, Lanes<T> shifted) {
  using L = Lanes<T>;
  constexpr float c[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                         4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
  L p = c[0];
  for (int i = 1; i < 6; ++i) p = fma(p, r, L(c[i]));
  p = fma(p, r * r, r + 1.f);
  using Bits = detail::Bits<L>;
  return L::make(reinterpret_cast<typename L::Packet>(reinterpret_cast<Bits>(p.v) +
                                                      (reinterpret_cast<Bits>(shifted.v) << 23)));
}

}  // namespace detail

/// Cody & Waite 1980: e^x = e^r 2^m with x = m ln 2 + r.
template <Scalar T>
[[gnu::always_inline]] inline Lanes<T> exp(Lanes<T> x) {
  if constexpr (Lanes<T>::count == 1) {
    return each_lane(x, [](T s) {
      return s < T(std::numeric_limits<T>::min_exponent - 1) * T(0.6931472) ? T(0) : std::exp(s);
    });
  } else {
    using L = Lanes<T>;
    const L shifted = fma(x, L(detail::log2_e), L(detail::exp_round));
    const L m = shifted - L(detail::exp_round);
    const L r = fma(m, L(-detail::ln2_low), fma(m, L(-detail::ln2_high), x));
    const L y = detail::scaled_exp(r, shifted);
    // Not a number fails both comparisons, and x + infinity keeps it.
    const L infinite = x + std::numeric_limits<T>::infinity();
    return where_less(x, L(88.72284f), where_less(L(-87.33654f), x, y, L(0)), infinite);
  }
}

/// x = m 2^e with m in [sqrt(1/2), sqrt(2)): e ln 2 + log m, by the polynomial of Cephes' logf.
/// What is below the smallest normal number counts as that number; 0 gives -infinity, below 0 not a
/// number.
template <Scalar T>
Lanes<T> log(Lanes<T> x) {
  if constexpr (Lanes<T>::count == 1) {
    return each_lane(x, [](T s) { return std::log(s); });
  } else {
    using L = Lanes<T>;
    using Bits = detail::Bits<L>;
    constexpr float smallest = std::numeric_limits<float>::min();
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const Bits bits = reinterpret_cast<Bits>(max(x, L(smallest)).v);
    L e = L::make(__builtin_convertvector((bits >> 23) - 126, typename L::Packet));
    L m = L::make(
        reinterpret_cast<typename L::Packet>((bits & 0x007fffff) | 0x3f000000));  // in [1/2, 1)
    const L below = m, root(0.707106781186547524f);
    e = where_less(below, root, e - 1.f, e);
    m = m - 1.f;
    m = where_less(below, root, m + below, m);  // now less 1
    // Three polynomials side by side, in m^3: shorter chains than one.
    constexpr float c[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,
                           -1.2420140846e-1f, 1.4249322787e-1f,  -1.6668057665e-1f,
                           2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
    const auto part = [&](int i) { return fma(fma(L(c[i]), m, L(c[i + 1])), m, L(c[i + 2])); };
    const L square = m * m, cube = square * m;
    const L tail = cube * fma(fma(part(0), cube, part(3)), cube, part(6));
    const L y = fma(e, L(0.693147180559945309f), m + fma(L(-0.5f), square, tail));
    const L special = where_less(x, L(0), L(std::numeric_limits<float>::quiet_NaN()), x - infinity);
    return where_less(L(0), x, where_less(x, L(infinity), y, x), special);
  }
}

/// Float: the quotient of an odd polynomial of degree 13 and an even one of degree 6 (the fit is
/// Eigen's), x itself where that is as near. Beyond 8 it is 1.
template <Scalar T>
Lanes<T> tanh(Lanes<T> x) {
  if constexpr (Lanes<T>::count == 1) {
    return each_lane(x, [](T s) { return std::tanh(s); });
  } else {
    using L = Lanes<T>;
    constexpr float odd[] = {-2.76076847742355e-16f, 2.00018790482477e-13f, -8.60467152213735e-11f,
                             5.12229709037114e-08f,  1.48572235717979e-05f, 6.37261928875436e-04f,
                             4.89352455891786e-03f};
    constexpr float even[] = {1.19825839466702e-06f, 1.18534705686654e-04f, 2.26843463243900e-03f,
                              4.89352518554385e-03f};
    // Where the quotient is 1, which a product that is rounded by itself reaches earlier.
    const L end = detail::fused_multiply_add ? 7.99881172180175781f : 7.90531110763549805f;
    const L a = max(min(x, end), -end), square = a * a;
    L p = odd[0], q = even[0];
    for (int i = 1; i < 7; ++i) p = fma(square, p, L(odd[i]));
    for (int i = 1; i < 4; ++i) q = fma(square, q, L(even[i]));
    return where_less(abs(x), L(0.0004f), a, (a * p) / q);
  }
}

/// log(1 + e) for e in [0, 1].
template <Scalar T>
Lanes<T> log1p_unit(Lanes<T> e) {
  if constexpr (std::is_same_v<T, double>) {
    return each_lane(e, [](T s) { return std::log1p(s); });
  } else {  // Higham 2002, section 1.14.1: the rounding of 1 + e cancels in the quotient
    const Lanes<T> u = T(1) + e, d = u - T(1);
    return where_less(Lanes<T>(0), d, log(u) * (e / d), e);
  }
}

/// 1 / (1 + e^-x).
template <Scalar T>
[[gnu::always_inline]] inline Lanes<T> logistic(Lanes<T> x) {
  return T(1) / (T(1) + exp(-x));
}

/// logistic(x) and logistic(-x), both to full relative precision.
template <Scalar T>
struct LogisticPair {
  Lanes<T> plus, minus;

  explicit LogisticPair(Lanes<T> x) {
    const Lanes<T> e = exp(-abs(x)), large = T(1) / (T(1) + e), small = e * large;
    plus = where_less(x, Lanes<T>(0), small, large);
    minus = where_less(x, Lanes<T>(0), large, small);
  }
};

/// The standard normal law at x: its density, and the probability beyond |x| to full relative
/// precision.
template <Scalar T>
struct NormalLaw {
  Lanes<T> density, tail;

  explicit NormalLaw(Lanes<T> x) {
    using L = Lanes<T>;
    constexpr T inv_sqrt_2pi = T(0.39894228040143267794);
    if constexpr (std::is_same_v<T, double>) {
      density = inv_sqrt_2pi * exp(T(-0.5) * (x * x));
      tail = each_lane(abs(x), [](T s) { return 0.5 * std::erfc(0.70710678118654752440 * s); });
    } else {
      // tail = exp(-a^2 / 2) t q(t), t = 1 / (1 + 0.3 a) (the form of Abramowitz & Stegun 7.1.26);
      // q is the Chebyshev fit of degree 9 over 0 <= a <= 14, relative error 4e-9.
      constexpr T q[] = {-0.0209143597288f, 0.114040272074f,  -0.232038482936f, 0.196940677017f,
                         -0.0837425490162f, 0.0984807401835f, 0.0775890643774f, 0.110405179847f,
                         0.119551763229f,   0.119687693145f};
      const L a = min(abs(x), L(15)), half = T(-0.5) * a;
      // exp(-a^2 / 2) without rounding the square, which reaches 87.
      const L shifted = fma(half * T(detail::log2_e), a, L(detail::exp_round));
      const L m = shifted - L(detail::exp_round);
      const L r = fma(m, L(-detail::ln2_low), fma(half, a, m * L(-detail::ln2_high)));
      const L e = where_less(L(13.2f), a, L(0), detail::scaled_exp(r, shifted));
      const L t = T(1) / fma(L(0.3f), a, L(1));
      L p = q[0];
      for (int i = 1; i < 10; ++i) p = fma(p, t, L(q[i]));
      density = inv_sqrt_2pi * e;
      tail = e * (t * p);
    }
  }
};

// Functions of one variable with their derivative: value(x) and slope(x) of Lanes x.

struct Square {
  static auto value(auto x) { return x * x; }
  static auto slope(auto x) { return x + x; }
};

struct Exp {
  static auto value(auto x) { return exp(x); }
  static auto slope(auto x) { return exp(x); }
};

struct Log {
  static auto value(auto x) { return log(x); }
  static auto slope(auto x) { return decltype(x)(1) / x; }
};

struct Sqrt {
  static auto value(auto x) { return sqrt(x); }
  static auto slope(auto x) { return decltype(x)(0.5f) / sqrt(x); }
};

/// Slope 0 at 0.
struct Abs {
  static auto value(auto x) { return abs(x); }
  template <class L>
  static L slope(L x) {
    return where_less(x, L(0), L(-1), where_less(L(0), x, L(1), L(0)));
  }
};

/// Slope 0 at 0.
struct Relu {
  static auto value(auto x) { return max(x, decltype(x)(0)); }
  template <class L>
  static L slope(L x) {
    return where_less(L(0), x, L(1), L(0));
  }
};

struct Sigmoid {
  static auto value(auto x) { return logistic(x); }
  static auto slope(auto x) {
    const LogisticPair s(x);
    return s.plus * s.minus;
  }
};

struct Tanh {
  static auto value(auto x) { return tanh(x); }
  static auto slope(auto x) {
    const LogisticPair s(x + x);  // 1 - tanh^2 = 4 logistic(2x) logistic(-2x), no cancellation
    return decltype(x)(4) * (s.plus * s.minus);
  }
};

/// log(1 + e^x).
struct Softplus {
  static auto value(auto x) { return max(x, decltype(x)(0)) + log1p_unit(exp(-abs(x))); }
  static auto slope(auto x) { return logistic(x); }
};

/// x logistic(x) (Hendrycks & Gimpel 2016; Ramachandran et al. 2017).
struct Silu {
  static auto value(auto x) { return x * logistic(x); }
  static auto slope(auto x) {
    const LogisticPair s(x);
    return s.plus * fma(x, s.minus, decltype(x)(1));
  }
};

/// x P(z < x) for standard normal z (Hendrycks & Gimpel 2016).
struct Gelu {
  static auto value(auto x) { return fma(-abs(x), NormalLaw(x).tail, max(x, decltype(x)(0))); }
  template <class L>
  static L slope(L x) {
    const NormalLaw law(x);
    return fma(x, law.density, where_less(x, L(0), law.tail, L(1) - law.tail));
  }
};

/// Silu to 1.5e-4 of itself, a thirteenth of half a unit of bfloat16, in less than half of the
/// time: 2^r for |r| <= 1/2 by a cubic fitted to 7.5e-5, and a rough reciprocal.
struct SiluRough {
  static Lanes<float> value(Lanes<float> x) {
    using L = Lanes<float>;
    using Bits = detail::Bits<L>;
    const L a = max(min(x, L(80)), L(-80));  // e^-a stays within range
    const L shifted = fma(a, L(-detail::log2_e), L(detail::exp_round));
    const L r = fma(a, L(-detail::log2_e), L(detail::exp_round) - shifted);
    const L p = fma(fma(fma(L(5.51716242e-2f), r, L(2.42611119e-1f)), r, L(6.93260994e-1f)), r,
                    L(9.99928074e-1f));
    const L e = L::make(reinterpret_cast<L::Packet>(reinterpret_cast<Bits>(p.v) +
                                                    (reinterpret_cast<Bits>(shifted.v) << 23)));
    return x * L::make(detail::rough_reciprocal((e + 1.f).v));
  }
};

/// Gelu to 3e-4, a thirtieth of what bfloat16 rounds near 4, in a third of the time: P(z < x) is
/// 1/2 and an odd polynomial of degree 13, fitted for the least greatest error (7.4e-5) where it is
/// to reach 1 at 3.8, beyond which it stays.
struct GeluRough {
  static Lanes<float> value(Lanes<float> x) {
    using L = Lanes<float>;
    constexpr float p[] = {3.818467002e-08f, -2.348013973e-06f, 6.214557016e-05f, -9.454353865e-04f,
                           9.383415287e-03f, -6.586784847e-02f, 3.987872714e-01f};
    const L a = max(min(x, L(3.8f)), L(-3.8f)), square = a * a;
    L q = p[0];
    for (int i = 1; i < 7; ++i) q = fma(q, square, L(p[i]));
    return x * fma(a, q, L(0.5f));
  }
};

/// Gelu's approximation x (1 + tanh u) / 2 = x logistic(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3).
struct GeluTanh {
  static constexpr double linear = 1.5957691216057308, cubic = 0.071354816272600252;  // of 2 u

  template <Scalar T>
  static Lanes<T> value(Lanes<T> x) {
    return x * logistic(x * fma(Lanes<T>(T(cubic)), x * x, Lanes<T>(T(linear))));
  }
  template <Scalar T>
  static Lanes<T> slope(Lanes<T> x) {
    // Beyond 40 the logistic is 0 or 1 and its slope 0 in double too; u alone would overflow.
    const Lanes<T> c = max(min(x, Lanes<T>(40)), Lanes<T>(-40)), square = c * c;
    const LogisticPair<T> s(c * fma(Lanes<T>(T(cubic)), square, Lanes<T>(T(linear))));
    const Lanes<T> du = fma(Lanes<T>(T(3 * cubic)), square, Lanes<T>(T(linear)));
    return s.plus * fma(c * du, s.minus, Lanes<T>(1));
  }
};

}  // namespace foglift::inline v0::kernels
