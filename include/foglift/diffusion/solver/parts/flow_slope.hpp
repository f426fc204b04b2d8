#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/solver/parts/adaptive.hpp"
#include "foglift/diffusion/solver/parts/arc.hpp"

namespace foglift::inline v0::solver {
namespace detail {

/// Throws ArgumentError at clean data, from which the flow does not lead anywhere.
inline void check_noise(const Level& from, const char* where) {
  if (!(from.sigma > 0))
    raise<ArgumentError>(where, ": starts at ", from,
                         ", clean data; the probability flow needs a start with some noise");
}

/// The level of each row on its way along an arc.
inline void levels_on(const Arc& arc, std::span<const double> at, std::vector<Level>& out) {
  out.clear();
  for (const double v : at) out.push_back(arc.at(v));
}

/// x [A, ...] = norm u of rows u [A, m], whose first elements are those of a sample of `shape`
/// [B, ...].
template <Scalar T>
Tensor<T> states(const Tensor<double>& u, const Shape& shape, const Levels& levels) {
  auto x = Tensor<T>::uninitialized(shape.with(0, u.dim(0)));
  const Index n = x.row_size(), m = u.row_size();
  foglift::detail::for_rows(u.dim(0), n, [&](Index a) {
    const Level& l = levels[a];
    const double norm = std::hypot(l.alpha, l.sigma);
    for (Index i = 0; i < n; ++i) x[a * n + i] = static_cast<T>(norm * u[a * m + i]);
  });
  return x;
}

/// The slope x0 - tanh(v) u of u along an arc, in the first elements of the rows of `out` [A, m].
template <Scalar T>
void flow_slopes(const Tensor<double>& u, const Tensor<T>& x0, std::span<const double> at,
                 Tensor<double>& out) {
  const Index n = x0.row_size(), m = u.row_size();
  foglift::detail::for_rows(u.dim(0), n, [&](Index a) {
    const double c = std::tanh(at[static_cast<std::size_t>(a)]);
    for (Index i = 0; i < n; ++i)
      out[a * m + i] = static_cast<double>(x0[a * n + i]) - c * u[a * m + i];
  });
}

/// u = x / norm at one level, as rows [B, elements].
template <Scalar T>
Tensor<double> on_arc(const Tensor<T>& x, const Level& level) {
  auto u = Tensor<double>::uninitialized({foglift::detail::batch_of(x), x.row_size()});
  const double by = 1 / std::hypot(level.alpha, level.sigma);
  for (Index i = 0; i < x.size(); ++i) u[i] = by * static_cast<double>(x[i]);
  return u;
}

/// The last level before `to` that an adaptive step goes to: `to`, or, where that is clean, the one
/// of ratio `clean_ratio` on the process's curve; `from` if it is not noisier than that.
inline Level last_noisy(const Level& from, const Level& to, double clean_ratio) {
  if (to.sigma > 0) return to;
  if (!(from.ratio() > clean_ratio)) return from;
  const double c = 1 / std::hypot(1.0, clean_ratio), s = c * clean_ratio;
  const double norm = Curve(from, to).norm(1, c, s);
  return {to.t, norm * c, norm * s};
}

}  // namespace detail
}  // namespace foglift::inline v0::solver
