#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/core/pool.hpp"
#include "foglift/kernels/simd.hpp"
#include "foglift/nn/module.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace foglift::inline v0::train {
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
struct NoRule {
  static constexpr std::array<const char*, 0> moments{};
};

/// All parameters of type T of a model in a row, for one pass over them in parallel: the rule of a
/// piece gives the new weights and moments, see DescentRule; where there is an average, it follows
/// them.
template <Scalar T, class R>
class Pieces {
 public:
  static constexpr std::size_t moment_count = R::moments.size();

  struct Piece {
    T* w;
    Index size, from;      // from: its first element in the row
    T* average = nullptr;  // nullptr: none
    const T* g = nullptr;  // nullptr: the weights stay
    std::array<T*, moment_count> moments = {};
    R rule = {};
  };

  /// With NoRule nothing is written to the model.
  explicit Pieces(const std::conditional_t<std::is_same_v<R, NoRule>, ModelView, ModelRef>& model) {
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
    constexpr Index bytes = block * static_cast<Index>((2 + moment_count) * sizeof(T));
    parallel_for((end_ + block - 1) / block, bytes_per_thread / bytes, [&](Index b) {
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
    constexpr std::make_index_sequence<moment_count> all;
    for (; i + step <= last; i += step) update(Whole<T>(), piece, i, rate, all);
    if (i < last) update(Rest<T>{last - i}, piece, i, rate, all);
  }

  template <class At, std::size_t... k>
  static void update(const At& at, const Piece& piece, Index i, T rate, std::index_sequence<k...>) {
    auto w = at.load(piece.w + i);
    if constexpr (!std::is_same_v<R, NoRule>)
      if (piece.g) {
        std::array<kernels::Lanes<T>, moment_count> moment{at.load(piece.moments[k] + i)...};
        w = piece.rule(w, at.load(piece.g + i), moment[k]...);
        (at.store(moment[k], piece.moments[k] + i), ...);
        at.store(w, piece.w + i);
      }
    if (!piece.average) return;
    const auto a = at.load(piece.average + i);
    at.store(fma(kernels::Lanes<T>(rate), w - a, a), piece.average + i);
  }

  pool::Vector<Piece> pieces_;
  Index end_ = 0;
};

}  // namespace detail
}  // namespace foglift::inline v0::train
