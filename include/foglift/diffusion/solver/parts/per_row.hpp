#pragma once

#include "foglift/core/pool.hpp"
#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/level.hpp"

#include <algorithm>
#include <utility>

namespace foglift::inline v0::solver {

// A step leads from one level to another for the whole batch, or each row (a sample, or a group of
// its elements) from its own level to its own. A rule says what one row does; per_row and
// levels_between ask it once, or once a row.

/// A value for all rows.
template <class R>
struct OneForAll {
  R value;
  Index rows;

  const R& operator()(Index) const { return value; }
  template <class P>
  bool any(const P& holds) const {
    return holds(value);
  }
};

/// A value for each row.
template <class R>
struct OneForEach {
  pool::Vector<R> values;
  Index rows;

  const R& operator()(Index r) const { return values[static_cast<std::size_t>(r)]; }
  template <class P>
  bool any(const P& holds) const {
    return std::any_of(values.begin(), values.end(), holds);
  }
};

namespace detail {
/// f(r, from, to, whether the level of the row stays as it is) for each row. Throws ShapeError for
/// levels that do not fit x or each other, ArgumentError for a row that leaves clean data.
template <Scalar T, class F>
Index for_levels(const Tensor<T>& x, const Levels& from, const Levels& to, const F& f) {
  const Index batch = foglift::detail::batch_of(x), n = x.row_size();
  const Index rows = from.rows(batch, n, "solver"), other = to.rows(batch, n, "solver");
  if (rows != other && !from.shared() && !to.shared())
    raise<ShapeError>("solver: a step from levels of ", from.groups(), " groups to levels of ",
                      to.groups());
  for (Index r = 0; r < std::max(rows, other); ++r) {
    const Level &a = from[r], &b = to[r];
    const bool stays = a.alpha == b.alpha && a.sigma == b.sigma;
    if (!stays && !(a.sigma > 0))
      raise<ArgumentError>("solver: row ", r, " is to go from ", a, " to ", b,
                           ", needed sigma > 0, or the same level");
    f(r, a, b, stays);
  }
  return std::max(rows, other);
}
}  // namespace detail

/// The value of(from, to) of a step of x, for all of its rows or for each; `stay` for rows whose
/// level stays as it is.
template <class R, Scalar T, class F>
OneForAll<R> per_row(const Tensor<T>& x, const Level& from, const Level& to, const R&,
                     const F& of) {
  return {of(from, to), foglift::detail::batch_of(x)};
}
template <class R, Scalar T, class F>
OneForEach<R> per_row(const Tensor<T>& x, const Levels& from, const Levels& to, const R& stay,
                      const F& of) {
  OneForEach<R> out;
  out.rows =
      detail::for_levels(x, from, to, [&](Index, const Level& a, const Level& b, bool stays) {
        out.values.push_back(stays ? stay : of(a, b));
      });
  return out;
}

/// a x + b y + c z in the memory of x, with the Mix3 that mix makes of what per_row gave.
template <Scalar T, class R, class F>
Tensor<T> affine_rows(Tensor<T>&& x, const Tensor<T>& y, const Tensor<T>& z, const OneForAll<R>& of,
                      const F& mix) {
  const Mix3 m = mix(of.value);
  return affine(m.a, std::move(x), m.b, y, m.c, z);
}
template <Scalar T, class R, class F>
Tensor<T> affine_rows(Tensor<T>&& x, const Tensor<T>& y, const Tensor<T>& z,
                      const OneForEach<R>& of, const F& mix) {
  pool::Vector<Mix3> rows;
  for (const R& value : of.values) rows.push_back(mix(value));
  return affine(std::move(x), y, z, rows);
}

/// A level between those of a step, of(from, to), for all rows or for each. One that stays stays.
template <Scalar T, class F>
Level levels_between(const Tensor<T>&, const Level& from, const Level& to, const F& of) {
  return of(from, to);
}
template <Scalar T, class F>
OwnedLevels levels_between(const Tensor<T>& x, const Levels& from, const Levels& to, const F& of) {
  pool::Vector<Level> each;
  detail::for_levels(x, from, to, [&](Index, const Level& a, const Level& b, bool stays) {
    each.push_back(stays ? a : of(a, b));
  });
  return {std::move(each), std::max(from.groups(), to.groups())};
}

/// What levels_between gave, as a rule and a denoiser take it.
inline const Level& as_levels(const Level& level) { return level; }
inline Levels as_levels(const OwnedLevels& levels) { return levels.get(); }

}  // namespace foglift::inline v0::solver
