#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/core/pool.hpp"
#include "foglift/kernels/simd.hpp"
#include "foglift/nn/module.hpp"

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace foglift {
inline namespace v0 {
namespace train {
namespace detail {

/// How a kernel reads and writes a whole Lanes, or the last n elements of a run: in the lanes
/// beyond them it computes on zeros what nobody sees.
template <Scalar T>
struct Whole {
  kernels::Lanes<T> load(const T* x) const { return kernels::Lanes<T>::load(x); }
  void store(kernels::Lanes<T> v, T* y) const { v.store(y); }
};
template <Scalar T>
struct Rest {
  Index n;
  kernels::Lanes<T> load(const T* x) const { return kernels::Lanes<T>::load(x, n, T(0)); }
  void store(kernels::Lanes<T> v, T* y) const { v.store(y, n); }
};

/// What moves no weights.
struct NoKernel {};

/// All parameters of type T of a model in a row, for one pass over them in parallel. The kernel of
/// a piece, kernel(lanes, piece, i), updates the elements at i and returns the new weights; where
/// there is an average, it follows them.
template <Scalar T, class Kernel>
class Pieces {
 public:
  struct Piece {
    T* w;
    Index size, from;      // from: its first element in the row
    T* average = nullptr;  // nullptr: none
    const T* g = nullptr;  // nullptr: the weights stay
    T* moments[2] = {};
    Kernel kernel = {};
  };

  /// With NoKernel nothing is written to the model.
  explicit Pieces(
      const std::conditional_t<std::is_same_v<Kernel, NoKernel>, ModelView, ModelRef>& model) {
    model.each_parameter([&]<class U>(const ModelPath&, const Parameter<U>& p) {
      if constexpr (std::is_same_v<T, U>) {
        T* const w = const_cast<T*>(p.value.data());
        pieces_.push_back({.w = w, .size = p.value.size(), .from = end_});
        end_ += p.value.size();
      }
    });
  }

  /// Lets an average of the model follow it. False, with nothing done, if it was built differently.
  bool followed_by(const ModelRef& ema) {
    std::size_t count = 0;
    bool same = true;
    const auto visit = [&](const auto& f) {
      count = 0;
      ema.each_parameter([&]<class U>(const ModelPath&, Parameter<U>& p) {
        if constexpr (std::is_same_v<T, U>) f(p.value);
      });
    };
    visit([&](const Tensor<T>& t) {
      same = same && count < pieces_.size() && pieces_[count].size == t.size();
      ++count;
    });
    if (!same || count != pieces_.size()) return false;
    visit([&](Tensor<T>& t) { pieces_[count++].average = t.data(); });
    return true;
  }

  Piece& operator[](std::size_t i) { return pieces_[i]; }

  /// One pass; averages move by `rate` of the way. Threads get the same number of elements, however
  /// the parameters are cut.
  void run(T rate) const {
    constexpr Index block = elements_per_thread;
    parallel_for((end_ + block - 1) / block, 1, [&](Index b) {
      const Index first = b * block, last = std::min(end_, first + block);
      auto piece = std::upper_bound(pieces_.begin(), pieces_.end(), first,
                                    [](Index at, const Piece& p) { return at < p.from; }) -
                   1;
      for (; piece != pieces_.end() && piece->from < last; ++piece)
        elements(*piece, std::max<Index>(0, first - piece->from),
                 std::min(piece->size, last - piece->from), rate);
    });
  }

 private:
  /// The piece by value: what is stored could otherwise be one of its members.
  static void elements(const Piece piece, Index i, Index last, T rate) {
    constexpr Index step = kernels::Lanes<T>::count;
    for (; i + step <= last; i += step) update(Whole<T>(), piece, i, rate);
    if (i < last) update(Rest<T>{last - i}, piece, i, rate);
  }

  template <class Lanes>
  static void update(const Lanes& lanes, const Piece& piece, Index i, T rate) {
    auto w = lanes.load(piece.w + i);
    if constexpr (!std::is_same_v<Kernel, NoKernel>)
      if (piece.g) {
        w = piece.kernel(lanes, piece, i, w);
        lanes.store(w, piece.w + i);
      }
    if (!piece.average) return;
    const auto a = lanes.load(piece.average + i);
    lanes.store(fma(kernels::Lanes<T>(rate), w - a, a), piece.average + i);
  }

  pool::Vector<Piece> pieces_;
  Index end_ = 0;
};

}  // namespace detail
}  // namespace train
}  // namespace v0
}  // namespace foglift
