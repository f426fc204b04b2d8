#pragma once

#include "foglift/nn/hook.hpp"

#include <utility>

namespace foglift::inline v0::nn {
namespace hooks {

/// f(name, h) for every block.
template <class F>
class OnBlock {
 public:
  explicit OnBlock(F f) : f_(std::move(f)) {}

  template <Value X>
  auto block(const Place& at, const X& h) const {
    return f_(at, h);
  }

 private:
  F f_;
};

}  // namespace hooks
}  // namespace foglift::inline v0::nn
