#pragma once

#include "foglift/nn/hooks/record.hpp"

#include <optional>

namespace foglift::inline v0::nn {
namespace hooks {

/// Puts activations, most often those that a Record saw in another call, in the place of what a
/// call computes. Queries and keys of self-attention kept from the call on another image are
/// Plug-and-Play (Tumanyan et al. 2023), weights of cross-attention are prompt-to-prompt (Hertz et
/// al. 2023). Throws ArgumentError for places that the network does not have.
template <Value X>
class Replace {
 public:
  explicit Replace(Activations<X> by) : by_(std::move(by)) {}

  void start(const Places& places) const {
    check(places, by_.blocks, places.blocks);
    for (const auto* all : {&by_.queries, &by_.keys, &by_.values, &by_.weights})
      check(places, *all, places.attention);
  }
  std::optional<X> block(std::string_view at, const X&) const { return find(by_.blocks, at); }
  std::optional<X> queries(std::string_view at, const X&) const { return find(by_.queries, at); }
  std::optional<X> keys(std::string_view at, const X&) const { return find(by_.keys, at); }
  std::optional<X> values(std::string_view at, const X&) const { return find(by_.values, at); }
  std::optional<X> weights(std::string_view at, const X&) const { return find(by_.weights, at); }
  bool needs_weights(std::string_view at) const { return by_.weights.contains(at); }

 private:
  using Map = std::map<std::string, X, std::less<>>;

  static void check(const Places& places, const Map& map, const std::vector<std::string>& known) {
    for (const auto& entry : map) check_places("Replace", places, {entry.first}, known);
  }
  static std::optional<X> find(const Map& map, std::string_view at) {
    const auto found = map.find(at);
    return found == map.end() ? std::nullopt : std::optional<X>(found->second);
  }

  Activations<X> by_;
};

}  // namespace hooks
}  // namespace foglift::inline v0::nn
