#pragma once

#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/level.hpp"

#include <concepts>
#include <utility>

namespace foglift {
inline namespace v0 {

/// What a network predicts from x = alpha x0 + sigma eps, given by three pairs of coefficients at
/// each level: the target f = a x0 + b eps, and back x0 = a x + b f and eps = a x + b f. They hold
/// for every alpha and sigma, alpha^2 + sigma^2 = 1 or not.
template <class P>
concept Parameterization = requires(const P& p, const Level& level) {
  { p.target(level) } -> std::same_as<Mix>;
  { p.x0(level) } -> std::same_as<Mix>;
  { p.eps(level) } -> std::same_as<Mix>;
};

namespace predict {

/// f = eps (Ho et al. 2020). At alpha = 0 the noise says nothing about x0, and x0 = 0, the mean of
/// standardized data, is returned.
struct Epsilon {
  Mix target(const Level&) const { return {0, 1}; }
  Mix x0(const Level& l) const {
    return l.alpha > 0 ? Mix{1 / l.alpha, -l.sigma / l.alpha} : Mix{0, 0};
  }
  Mix eps(const Level&) const { return {0, 1}; }
};

/// f = x0. At sigma = 0 there is no noise to tell, and eps = 0 is returned.
struct X0 {
  Mix target(const Level&) const { return {1, 0}; }
  Mix x0(const Level&) const { return {0, 1}; }
  Mix eps(const Level& l) const {
    return l.sigma > 0 ? Mix{1 / l.sigma, -l.alpha / l.sigma} : Mix{0, 0};
  }
};

/// f = v = alpha eps - sigma x0 (Salimans & Ho 2022), finite in both directions at every level.
struct Velocity {
  Mix target(const Level& l) const { return {-l.sigma, l.alpha}; }
  Mix x0(const Level& l) const {
    const double square = l.alpha * l.alpha + l.sigma * l.sigma;
    return {l.alpha / square, -l.sigma / square};
  }
  Mix eps(const Level& l) const {
    const double square = l.alpha * l.alpha + l.sigma * l.sigma;
    return {l.sigma / square, l.alpha / square};
  }
};

/// E[x0 | x], shape of x [B, ...], from the network's output f for x. Throws ShapeError if the
/// shapes differ or the levels do not fit (Levels::rows); so do the functions below.
template <Parameterization P, Scalar T>
Tensor<T> to_x0(const P& p, const Tensor<T>& x, Tensor<T> f, const Levels& levels) {
  const Index rows = levels.rows(foglift::detail::batch_of(x), x.row_size(), "to_x0");
  return affine(std::move(f), x, rows, [&](Index b) {
    const Mix m = p.x0(levels[b]);
    return Mix{m.b, m.a};
  });
}

/// E[eps | x] from the network's output f for x.
template <Parameterization P, Scalar T>
Tensor<T> to_eps(const P& p, const Tensor<T>& x, Tensor<T> f, const Levels& levels) {
  const Index rows = levels.rows(foglift::detail::batch_of(x), x.row_size(), "to_eps");
  return affine(std::move(f), x, rows, [&](Index b) {
    const Mix m = p.eps(levels[b]);
    return Mix{m.b, m.a};
  });
}

/// What the network is trained to predict, from the data and the noise.
template <Parameterization P, Scalar T>
Tensor<T> target(const P& p, Tensor<T> x0, const Tensor<T>& eps, const Levels& levels) {
  const Index rows = levels.rows(foglift::detail::batch_of(x0), x0.row_size(), "target");
  return affine(std::move(x0), eps, rows, [&](Index b) { return p.target(levels[b]); });
}

/// The output that a network of parameterization Q would have given where one of P gave f for x.
template <Parameterization P, Parameterization Q, Scalar T>
Tensor<T> convert(const P& from, const Q& to, const Tensor<T>& x, Tensor<T> f,
                  const Levels& levels) {
  const Index rows = levels.rows(foglift::detail::batch_of(x), x.row_size(), "convert");
  return affine(std::move(f), x, rows, [&](Index b) {
    const Mix t = to.target(levels[b]), x0 = from.x0(levels[b]), eps = from.eps(levels[b]);
    return Mix{t.a * x0.b + t.b * eps.b, t.a * x0.a + t.b * eps.a};
  });
}

/// Weight of a squared error of f that makes it a squared error of x0: |x0' - x0|^2 = w |f' - f|^2.
template <Parameterization P>
double x0_weight(const P& p, const Level& level) {
  const double b = p.x0(level).b;
  return b * b;
}

/// Weight of Hang et al. 2023 ("Min-SNR"): min(snr, gamma) on the squared error of x0, expressed
/// for the error of f, level -> weight. 0 where x0 can not be told from f.
template <Parameterization P>
auto min_snr(P p, double gamma = 5) {
  if (!(gamma > 0)) raise<ArgumentError>("min_snr: gamma = ", gamma, ", must be positive");
  return [p, gamma](const Level& level) {
    const double per_f = x0_weight(p, level);
    const bool capped = level.alpha * level.alpha > gamma * level.sigma * level.sigma;
    if (capped) return gamma * per_f;
    const double root = p.x0(level).b * level.alpha / level.sigma;  // snr * per_f without overflow
    return root * root;
  };
}

}  // namespace predict
}  // namespace v0
}  // namespace foglift
