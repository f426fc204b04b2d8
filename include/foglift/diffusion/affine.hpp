#pragma once

#include "foglift/autograd/tape.hpp"
#include "foglift/core/parallel.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/diffusion/level.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace foglift::inline v0 {

/// Coefficients of a x + b y. They are computed in double and rounded once to the state's type.
struct Mix {
  double a = 0, b = 0;

  /// Of b x + a y.
  Mix swapped() const { return {b, a}; }
};

/// Coefficients of a x + b y + c z, likewise; as they are by default, x stays as it is.
struct Mix3 {
  double a = 1, b = 0, c = 0;
};

namespace detail {

/// x = a x + b y and a x + b y + c z for n elements.
template <Scalar T>
void affine_row(Index n, T a, T* x, T b, const T* y) {
  for (Index i = 0; i < n; ++i) x[i] = a * x[i] + b * y[i];
}
template <Scalar T>
void affine_row(Index n, T a, T* x, T b, const T* y, T c, const T* z) {
  for (Index i = 0; i < n; ++i) x[i] = a * x[i] + b * y[i] + c * z[i];
}

/// f(b) for every row b. Rows are whole samples, and no row's loop sees another's elements: a
/// sample's bits are the same in every batch. A thread gets `least` elements or more.
template <class F>
void for_rows(Index rows, Index row_size, const F& f, Index least = elements_per_thread) {
  parallel_for(rows, 1 + least / std::max<Index>(row_size, 1), f);
}

/// `least` of for_rows for a linear combination, which takes some 0.1 ns an element in cache: 3 us
/// of work, several times what a fork and join takes while the workers watch.
inline constexpr Index least_linear = 32'768;

template <Scalar T>
Index batch_of(const Tensor<T>& x) {
  return x.rank() ? x.dim(0) : 1;
}

template <Scalar T>
void check_same_shape(const Tensor<T>& x, const Tensor<T>& y, const char* where) {
  if (x.shape() != y.shape())
    raise<ShapeError>(where, ": shapes ", x.shape(), " and ", y.shape(), " differ");
}

/// Elements of each of `rows` rows of x. Throws ShapeError unless they divide it.
template <Scalar T>
Index elements_of_a_row(const Tensor<T>& x, Index rows) {
  if (rows < 0 || (rows == 0 ? !x.empty() : x.size() % rows != 0))
    raise<ShapeError>("affine: shape ", x.shape(), " does not fall into ", rows, " rows");
  return rows == 0 ? 0 : x.size() / rows;
}

}  // namespace detail

/// a x in the memory of x, with a = of(r) for row r of `rows`.
template <Scalar T, class Coefficient>
Tensor<T> scale(Tensor<T> x, Index rows, const Coefficient& of) {
  const Index n = detail::elements_of_a_row(x, rows);
  detail::for_rows(
      rows, n,
      [&](Index row) {
        const T a = static_cast<T>(of(row));
        T* out = x.data() + row * n;
        for (Index i = 0; i < n; ++i) out[i] *= a;
      },
      detail::least_linear);
  return x;
}

/// a x in the memory of x.
template <Scalar T>
Tensor<T> scale(double a, Tensor<T> x) {
  const Index rows = detail::batch_of(x);
  return scale(std::move(x), rows, [&](Index) { return a; });
}

/// a x on a tape, with a = of(r) for row r of `rows`.
template <Scalar T, class Coefficient>
Var<T> scale(const Var<T>& x, Index rows, const Coefficient& of) {
  std::vector<double> by;
  for (Index r = 0; r < rows; ++r) by.push_back(of(r));
  const auto at = [](Index r) { return static_cast<std::size_t>(r); };
  Tensor<T> out = scale(x.value(), rows, [&](Index r) { return by[at(r)]; });
  return x.tape().record(std::move(out), {x},
                         [x, rows, at, by = std::move(by)](const Tensor<T>& d, const auto& grad) {
                           grad(x, scale(d, rows, [&](Index r) { return by[at(r)]; }));
                         });
}

/// a x + b y in the memory of x, with coefficients of(r) for row r of `rows`, into which the
/// elements fall evenly and in order: samples of a batch, or groups of their elements
/// (Levels::rows).
template <Scalar T, class Coefficients>
  requires requires(const Coefficients& of, Index r) { Mix(of(r)); }
Tensor<T> affine(Tensor<T> x, const Tensor<T>& y, Index rows, const Coefficients& of) {
  detail::check_same_shape(x, y, "affine");
  const Index n = detail::elements_of_a_row(x, rows);
  detail::for_rows(
      rows, n,
      [&](Index row) {
        const Mix mix = of(row);
        detail::affine_row(n, static_cast<T>(mix.a), x.data() + row * n, static_cast<T>(mix.b),
                           y.data() + row * n);
      },
      detail::least_linear);
  return x;
}

/// The same on a tape: one operation, with the gradients a dy and b dy.
template <Scalar T, class Coefficients>
  requires requires(const Coefficients& of, Index r) { Mix(of(r)); }
Var<T> affine(const Var<T>& x, const Var<T>& y, Index rows, const Coefficients& of) {
  std::vector<Mix> mixes;
  for (Index r = 0; r < rows; ++r) mixes.push_back(of(r));
  const auto at = [](Index r) { return static_cast<std::size_t>(r); };
  Tensor<T> out = affine(x.value(), y.value(), rows, [&](Index r) { return mixes[at(r)]; });
  return x.tape().record(
      std::move(out), {x, y},
      [x, y, rows, at, mixes = std::move(mixes)](const Tensor<T>& d, const auto& grad) {
        if (grad.needs(x)) grad(x, scale(d, rows, [&](Index r) { return mixes[at(r)].a; }));
        if (grad.needs(y)) grad(y, scale(d, rows, [&](Index r) { return mixes[at(r)].b; }));
      });
}

/// a x + b y, with coefficients of(b) for each sample b of [B, ...]; a Tensor in the memory of x.
template <Scalar T, class Coefficients>
  requires requires(const Coefficients& of, Index b) { Mix(of(b)); }
Tensor<T> affine(Tensor<T> x, const Tensor<T>& y, const Coefficients& of) {
  const Index rows = detail::batch_of(x);
  return affine(std::move(x), y, rows, of);
}
template <Scalar T, class Coefficients>
  requires requires(const Coefficients& of, Index b) { Mix(of(b)); }
Var<T> affine(const Var<T>& x, const Var<T>& y, const Coefficients& of) {
  return affine(x, y, detail::batch_of(x.value()), of);
}

/// The same with the coefficients of(level) of each sample or group of its elements. Throws
/// ShapeError, in the name of `where`, if the levels do not fit (Levels::rows).
template <Scalar T, class Coefficients>
  requires requires(const Coefficients& of, const Level& level) { Mix(of(level)); }
Tensor<T> affine(Tensor<T> x, const Tensor<T>& y, const Levels& levels, const char* where,
                 const Coefficients& of) {
  const Index rows = levels.rows(detail::batch_of(x), x.row_size(), where);
  return affine(std::move(x), y, rows, [&](Index r) { return of(levels[r]); });
}

/// a x + b y; a Tensor in the memory of x.
template <Scalar T>
Tensor<T> affine(double a, Tensor<T> x, double b, const Tensor<T>& y) {
  return affine(std::move(x), y, [&](Index) { return Mix{a, b}; });
}
template <Scalar T>
Var<T> affine(double a, const Var<T>& x, double b, const Var<T>& y) {
  return affine(x, y, [&](Index) { return Mix{a, b}; });
}

/// a x + b y + c z in the memory of x, in one pass. Not inlined: where a compiler sees that a is 1
/// it rounds otherwise.
template <Scalar T>
[[gnu::noinline]] Tensor<T> affine(double a, Tensor<T> x, double b, const Tensor<T>& y, double c,
                                   const Tensor<T>& z) {
  detail::check_same_shape(x, y, "affine");
  detail::check_same_shape(x, z, "affine");
  const Index n = x.row_size();
  const T ca = static_cast<T>(a), cb = static_cast<T>(b), cc = static_cast<T>(c);
  detail::for_rows(
      detail::batch_of(x), n,
      [&](Index row) {
        detail::affine_row(n, ca, x.data() + row * n, cb, y.data() + row * n, cc,
                           z.data() + row * n);
      },
      detail::least_linear);
  return x;
}

/// The same with coefficients for each of the rows. Nothing is read that counts by 0 where a row
/// has no z, or stays as it is: it may be no number.
template <Scalar T>
[[gnu::noinline]] Tensor<T> affine(Tensor<T> x, const Tensor<T>& y, const Tensor<T>& z,
                                   std::span<const Mix3> rows) {
  detail::check_same_shape(x, y, "affine");
  detail::check_same_shape(x, z, "affine");
  const auto count = static_cast<Index>(rows.size());
  const Index n = detail::elements_of_a_row(x, count);
  detail::for_rows(
      count, n,
      [&](Index row) {
        const Mix3 mix = rows[static_cast<std::size_t>(row)];
        const T a = static_cast<T>(mix.a), b = static_cast<T>(mix.b), c = static_cast<T>(mix.c);
        T* out = x.data() + row * n;
        if (mix.c != 0)
          detail::affine_row(n, a, out, b, y.data() + row * n, c, z.data() + row * n);
        else if (mix.a != 1 || mix.b != 0)
          detail::affine_row(n, a, out, b, y.data() + row * n);
      },
      detail::least_linear);
  return x;
}

}  // namespace foglift::inline v0
