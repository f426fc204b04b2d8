#pragma once

#include "foglift/autograd/gradients.hpp"
#include "foglift/core/parallel.hpp"
#include "foglift/core/pool.hpp"
#include "foglift/nn/module.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <type_traits>

namespace foglift::inline v0::train::detail {

/// The gradients of a model in the order of visiting, cut into blocks that do not depend on the
/// number of threads.
template <class T>
  requires Scalar<std::remove_const_t<T>>
class GradientBlocks {
 public:
  struct Block {
    T* values;
    Index size;
  };

  /// For G = Gradients<X>: T is X, or const X where the gradients are const.
  template <class G>
  GradientBlocks(const ModelView& model, G& grads) {
    model.each_parameter([&](const ModelPath&, const Parameter<std::remove_const_t<T>>& p) {
      if (auto* const g = grads.find(p))
        for (Index i = 0; i < g->size(); i += elements_per_thread) {
          blocks_.push_back({g->data() + i, std::min(elements_per_thread, g->size() - i)});
          elements_ += blocks_.back().size;
        }
    });
  }

  Index size() const { return std::ssize(blocks_); }

  /// f(block, its number) for all blocks, in parallel where they are many.
  template <class F>
  void for_each(const F& f) const {
    const Index bytes = elements_ * static_cast<Index>(sizeof(T)) / std::max<Index>(1, size());
    parallel_for(size(), std::max<Index>(1, bytes_per_thread / std::max<Index>(1, bytes)),
                 [&](Index i) { f(blocks_[static_cast<std::size_t>(i)], i); });
  }

 private:
  pool::Vector<Block> blocks_;
  Index elements_ = 0;
};

}  // namespace foglift::inline v0::train::detail
