#pragma once

#include "foglift/nn/hook.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foglift::inline v0::nn {
namespace hooks {

/// What a call computes at some places, by their names.
template <Value X>
struct Activations {
  std::map<std::string, X, std::less<>> blocks = {}, queries = {}, keys = {}, values = {},
                                        weights = {};
};

/// The places to keep.
struct RecordOptions {
  std::vector<std::string> blocks = {}, queries = {}, keys = {}, values = {}, weights = {};
};

/// Keeps what a call computes at the places named, in `seen`: Tensors, or Vars, through which
/// gradients flow back to the network's input and condition. Forgets at the beginning of the next
/// call. Throws ArgumentError for places that the network does not have.
///
///   nn::hooks::Record<Tensor<float>> record({.weights = {"middle.cross"}});
///   net(x, time, {}, nn::Call(record));
///   const Tensor<float>& map = record.seen.weights.at("middle.cross");
template <Value X>
class Record {
 public:
  Activations<X> seen;

  explicit Record(RecordOptions names) : names_(std::move(names)) {}

  void start(const Places& places) {
    seen = {};
    check_places("Record", places, names_.blocks, places.blocks);
    for (const auto* list : {&names_.queries, &names_.keys, &names_.values, &names_.weights})
      check_places("Record", places, *list, places.attention);
  }
  void block(std::string_view at, const X& h) { keep(names_.blocks, seen.blocks, at, h); }
  void queries(std::string_view at, const X& q) { keep(names_.queries, seen.queries, at, q); }
  void keys(std::string_view at, const X& k) { keep(names_.keys, seen.keys, at, k); }
  void values(std::string_view at, const X& v) { keep(names_.values, seen.values, at, v); }
  void weights(std::string_view at, const X& w) { keep(names_.weights, seen.weights, at, w); }
  bool needs_weights(std::string_view at) const { return named(names_.weights, at); }

 private:
  static void keep(const std::vector<std::string>& names,
                   std::map<std::string, X, std::less<>>& seen, std::string_view at, const X& x) {
    if (named(names, at)) seen.insert_or_assign(std::string(at), x);
  }

  RecordOptions names_;
};

}  // namespace hooks
}  // namespace foglift::inline v0::nn
