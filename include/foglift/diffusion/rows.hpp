#pragma once

#include "foglift/autograd/tape.hpp"
#include "foglift/diffusion/level.hpp"

#include <algorithm>
#include <concepts>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace foglift::inline v0 {

/// Some samples of a batch: row a of what is asked about them is sample index[a] of `batch`. Refers
/// to the list.
struct Rows {
  std::span<const Index> index;
  Index batch = 0;

  Index size() const { return static_cast<Index>(index.size()); }
};

/// What can be asked about some samples of its batch: d.rows(rows) is a denoiser (of a guidance a
/// guidance) for x [A, ...], the rows of those samples alone. It may refer to d, to the list and to
/// whatever d refers to. A NetworkDenoiser is one, with its condition or without, as are the exact
/// denoisers, and guidances of such. What d makes of a sample must not depend on which others are
/// asked about.
template <class D>
concept KnowsRows =
    requires(const std::remove_reference_t<D>& d, const Rows& rows) { d.rows(rows); };

/// A denoiser (or another function of a batch) that treats all samples alike, wherever they stand
/// in the batch. A lambda can not be asked whether it does: it may hold a label for each sample.
/// Rules with steps of each sample's own ask a lambda about the whole batch until the last sample
/// has arrived; in here, about those on their way.
///
///   const Alike half([](const Tensor<float>& x, const Levels&) { return 0.5 * x; });
///   auto x = sample(solver::AdaptiveRk45{}, half, shape, grid, rng);
template <class F>
class Alike {
 public:
  static constexpr bool clips = requires { requires F::clips; };

  explicit Alike(F f) : f_(std::move(f)) {}

  template <class... A>
    requires std::invocable<const F&, const A&...>
  auto operator()(const A&... a) const {
    return f_(a...);
  }
  const Alike& rows(const Rows&) const { return *this; }
  /// f(part) for what PackedWeights looks into.
  template <class G>
  void each_part(const G& g) const {
    g(f_);
  }

 private:
  F f_;
};

namespace detail {

/// A denoiser that knows of no rows, asked about some samples of its batch: about all of them, the
/// others standing where the first of the rows stands, and what it says of those is dropped.
template <class D>
class OfWhole {
 public:
  OfWhole(const D& denoise, const Rows& rows) : denoise_(&denoise), rows_(rows) {}

  template <class X, class L>
    requires std::convertible_to<std::invoke_result_t<const D&, const X&, const L&>, X>
  X operator()(const X& x, const L& levels) const {
    if (x.shape().rank() == 0 || x.shape()[0] != rows_.size())
      raise<ShapeError>("denoiser: asked about ", rows_.size(), " samples with a state ",
                        x.shape());
    if (rows_.size() == 0) return x;
    const X all = spread(x);
    const X x0 = whole(all, levels);
    if (x0.shape() != all.shape())
      raise<ShapeError>("denoiser: returned ", x0.shape(), " for a state ", all.shape(),
                        "; the same shape is needed");
    return picked(x0);
  }

 private:
  template <class X>
  X whole(const X& all, const Level& level) const {
    return (*denoise_)(all, level);
  }
  template <class X>
  X whole(const X& all, const Levels& levels) const {
    if (levels.shared()) return (*denoise_)(all, levels);
    const Index groups = levels.groups();
    std::vector<Level> each(static_cast<std::size_t>(rows_.batch * groups), levels[0]);
    for (Index i = 0; i < rows_.size() * groups; ++i)
      each[static_cast<std::size_t>(place(i / groups) * groups + i % groups)] = levels[i];
    return (*denoise_)(all, Levels(each, groups));
  }

  Index place(Index a) const { return rows_.index[static_cast<std::size_t>(a)]; }

  /// out[index[a]] = x[a]; the other rows are `others`.
  template <Scalar T>
  Tensor<T> spread(const Tensor<T>& x, const T* others) const {
    auto out = Tensor<T>::uninitialized(x.shape().with(0, rows_.batch));
    const Index n = x.row_size();
    if (others)
      for (Index b = 0; b < rows_.batch; ++b) std::copy_n(others, n, out.data() + b * n);
    else
      out.fill(0);
    for (Index a = 0; a < rows_.size(); ++a)
      std::copy_n(x.data() + a * n, n, out.data() + place(a) * n);
    return out;
  }
  template <Scalar T>
  Tensor<T> spread(const Tensor<T>& x) const {
    return spread(x, x.data());
  }
  template <Scalar T>
  Var<T> spread(const Var<T>& x) const {
    return x.tape().record(
        spread(x.value()), {x},
        [*this, x](const Tensor<T>& d, const auto& grad) { grad(x, d.rows(rows_.index)); });
  }

  template <Scalar T>
  Tensor<T> picked(const Tensor<T>& x) const {
    return x.rows(rows_.index);
  }
  template <Scalar T>
  Var<T> picked(const Var<T>& x) const {
    return x.tape().record(picked(x.value()), {x},
                           [*this, x](const Tensor<T>& d, const auto& grad) {
                             grad(x, spread(d, static_cast<const T*>(nullptr)));
                           });
  }

  const D* denoise_;
  Rows rows_;
};

}  // namespace detail

/// The denoiser for some samples of its batch, for x [A, ...]: its rows(), or, where it has none,
/// one that asks it about the whole batch and drops what it says of the others. Refers to the
/// denoiser and to the list.
template <class D>
decltype(auto) rows_of(const D& denoise, const Rows& rows) {
  if constexpr (KnowsRows<D>)
    return denoise.rows(rows);
  else
    return detail::OfWhole<D>(denoise, rows);
}

/// What rows_of gives: a type, or a reference to a denoiser that treats all samples alike.
template <class D>
using RowsOf = decltype(rows_of(std::declval<const std::remove_reference_t<D>&>(),
                                std::declval<const Rows&>()));

namespace detail {

/// A denoiser asked about ever fewer samples of a batch.
template <class D>
class AskedOfFewer {
 public:
  AskedOfFewer(const D& denoise, Index batch) : denoise_(denoise), batch_(batch) {}

  /// f(the denoiser of those samples). The list must not change while it has the same length.
  template <class F>
  auto of(std::span<const Index> samples, const F& f) {
    if (static_cast<Index>(samples.size()) == batch_) return f(denoise_);
    if (!part_ || size_ != samples.size()) {
      part_.reset(new Part{rows_of(denoise_, Rows{samples, batch_})});
      size_ = samples.size();
    }
    return f(part_->denoise);
  }

 private:
  struct Part {
    RowsOf<D> denoise;
  };
  const D& denoise_;
  Index batch_;
  std::unique_ptr<const Part> part_;
  std::size_t size_ = 0;
};

}  // namespace detail
}  // namespace foglift::inline v0
