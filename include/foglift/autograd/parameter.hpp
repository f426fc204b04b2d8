#pragma once

#include "foglift/core/tensor.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace foglift::inline v0 {

namespace detail {

/// Lists the parameters that came to life on this thread since it began, and live still. Around the
/// copy of a model it finds those that the model's each() does not name.
class ParameterWatch {
 public:
  struct Seen {
    const void* parameter;
    const Shape& (*shape)(const void* parameter);
  };

  ParameterWatch() : outer_(std::exchange(current(), this)) {}
  ParameterWatch(const ParameterWatch&) = delete;
  ParameterWatch& operator=(const ParameterWatch&) = delete;
  ~ParameterWatch() { current() = outer_; }

  /// Empty where memory ran out: then nothing is known.
  const std::vector<Seen>& living() const { return living_; }

  static void born(const Seen& seen) noexcept {
    ParameterWatch* const watch = current();
    if (!watch || watch->lost_) return;
    try {
      watch->living_.push_back(seen);
    } catch (...) {
      watch->lost_ = true;
      watch->living_.clear();
    }
  }
  static void died(const void* parameter) noexcept {
    ParameterWatch* const watch = current();
    if (!watch) return;
    auto& all = watch->living_;
    const auto at = std::find_if(all.rbegin(), all.rend(),
                                 [&](const Seen& s) { return s.parameter == parameter; });
    if (at != all.rend()) all.erase(std::next(at).base());
  }

 private:
  static ParameterWatch*& current() {
    thread_local ParameterWatch* watch = nullptr;
    return watch;
  }

  ParameterWatch* outer_;
  std::vector<Seen> living_;
  bool lost_ = false;
};

/// Tells the watch of this thread when a P begins and ends.
template <class P>
class Watched {
 public:
  Watched() noexcept { born(); }
  Watched(const Watched&) noexcept { born(); }
  Watched(Watched&&) noexcept { born(); }
  Watched& operator=(const Watched&) = default;
  Watched& operator=(Watched&&) = default;
  ~Watched() { ParameterWatch::died(static_cast<const P*>(this)); }

 private:
  void born() noexcept {
    ParameterWatch::born({static_cast<const P*>(this), [](const void* p) -> const Shape& {
                            return static_cast<const P*>(p)->value.shape();
                          }});
  }
};

}  // namespace detail

/// A trainable tensor of a model. The model holds it by value: a copy of the model is a copy of its
/// weights.
template <Scalar T = float>
struct Parameter : private detail::Watched<Parameter<T>> {
  Tensor<T> value;

  Parameter() = default;
  explicit Parameter(Tensor<T> v) : value(std::move(v)) {}

 private:
  friend class detail::Watched<Parameter<T>>;
};

}  // namespace foglift::inline v0
