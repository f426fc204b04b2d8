#pragma once

#include "foglift/nn/hook.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace foglift::inline v0::nn {
namespace hooks {

/// Ends a call behind a block: what follows is not computed, and the call returns zeros. Throws
/// ArgumentError if the network has no such block.
///
///   nn::hooks::Record<Tensor<float>> record({.blocks = {"up.0.0"}});
///   net(x, time, {}, nn::Call(nn::hooks::Join(record, nn::hooks::StopAfter("up.0.0"))));
class StopAfter {
 public:
  explicit StopAfter(std::string name) : name_(std::move(name)) {}

  void start(const Places& places) {
    check_places("StopAfter", places, {name_}, places.blocks);
    reached_ = false;
  }
  template <Value X>
  void block(std::string_view at, const X&) {
    reached_ = at == name_;
  }
  bool done() const { return reached_; }

 private:
  std::string name_;
  bool reached_ = false;
};

}  // namespace hooks
}  // namespace foglift::inline v0::nn
