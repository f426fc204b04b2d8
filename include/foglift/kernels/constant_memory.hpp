#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/core/tensor.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <mutex>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace foglift::inline v0::kernels {

/// A form that a kernel brings a weight into: what it is called, and the extents and strides that
/// it was read by.
struct Form {
  std::string_view name;
  std::array<Index, 4> extents;
  friend bool operator==(const Form&, const Form&) = default;
};

/// A promise, good while the object lives: that some memory lives too and keeps its content.
/// Kernels that the promising thread runs, also by parallel_for, keep what they derive from that
/// memory (weights in panels, transformed weights) and find it at the next call. A promise ends in
/// the thread that made it. Of two that hold the same memory the older one keeps the forms. Users
/// promise by PackedWeights.
class ConstantMemory {
 public:
  struct Range {
    const void* data;
    std::size_t bytes;
  };

  explicit ConstantMemory(const std::vector<Range>& ranges)
      : outer_(std::exchange(kernel_setting().constant, this)) {
    for (const Range& r : ranges) {
      const auto* const first = static_cast<const std::byte*>(r.data);
      if (r.bytes > 0) held_.push_back({first, first + r.bytes, {}});
    }
    std::sort(held_.begin(), held_.end(),
              [](const Held& a, const Held& b) { return a.first < b.first; });
  }
  ConstantMemory(const ConstantMemory&) = delete;
  ConstantMemory& operator=(const ConstantMemory&) = delete;
  /// Ends a round of the memory pool: promises are made for the length of a run.
  ~ConstantMemory() {
    pool::end_round();
    if (kernel_setting().constant == this) {
      kernel_setting().constant = outer_;
      return;
    }
    ConstantMemory* inner = kernel_setting().constant;
    while (inner->outer_ != this) inner = inner->outer_;
    inner->outer_ = outer_;
  }

  /// The elements of make() -> Tensor<T>, the form of the weight at `weight`, made at the first
  /// call; nullptr if nothing is promised of the weight.
  template <Scalar T, class Make>
  static const T* form(const T* weight, const Form& form, const Make& make) {
    ConstantMemory* owner = nullptr;
    std::vector<Kept>* forms = nullptr;
    for (ConstantMemory* c = kernel_setting().constant; c; c = c->outer_)
      if (auto* const found = c->find(weight)) {
        owner = c;
        forms = found;
      }
    if (!owner) return nullptr;
    const std::lock_guard lock(owner->mutex_);
    for (const Kept& k : *forms)
      if (k.weight == weight && k.form == form) return std::get<Tensor<T>>(k.data).data();
    forms->push_back({weight, form, make()});
    return std::get<Tensor<T>>(forms->back().data).data();
  }

  /// Keeps what somebody computed ahead from the weight at `weight`, for `ahead` to find while this
  /// promise lasts. Not while other threads compute.
  template <Scalar T>
  void keep(const T* weight, Tensor<T> computed) {
    ahead_.push_back({weight, {}, std::move(computed)});
  }
  /// What the youngest promise keeps so of that weight; nullptr: nothing.
  template <Scalar T>
  static const Tensor<T>* ahead(const T* weight) {
    for (const ConstantMemory* c = kernel_setting().constant; c; c = c->outer_)
      for (const Kept& k : c->ahead_)
        if (k.weight == weight) return &std::get<Tensor<T>>(k.data);
    return nullptr;
  }

 private:
  struct Kept {
    const void* weight;
    Form form;
    std::variant<Tensor<float>, Tensor<double>> data;
  };
  struct Held {
    const std::byte *first, *last;
    std::vector<Kept> forms;
  };

  std::vector<Kept>* find(const void* weight) {
    const auto* const at = static_cast<const std::byte*>(weight);
    const auto next =
        std::upper_bound(held_.begin(), held_.end(), at,
                         [](const std::byte* p, const Held& h) { return p < h.first; });
    if (next == held_.begin() || at >= std::prev(next)->last) return nullptr;
    return &std::prev(next)->forms;
  }

  ConstantMemory* outer_;
  std::mutex mutex_;  // guards the forms; the ranges never change
  std::vector<Held> held_;
  std::vector<Kept> ahead_;
};

}  // namespace foglift::inline v0::kernels
