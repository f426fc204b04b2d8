#pragma once

#include "foglift/autograd/var.hpp"
#include "foglift/kernels/pointwise/elementwise.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <unordered_map>
#include <utility>

namespace foglift::inline v0 {

namespace detail {
/// sum += more.
template <Scalar T>
void add_to(Tensor<T>& sum, const Tensor<T>& more) {
  const auto plus = [](auto a, auto b) { return a + b; };
  kernels::map_parallel(sum.size(), sum.data(), plus, std::as_const(sum).data(), more.data());
}
}  // namespace detail

/// Derivatives of one loss, keyed by the place in memory of the parameter or variable they belong
/// to: look them up while the model stands where it was, and a variable's while its tape lives.
template <Scalar T = float>
class Gradients {
 public:
  /// nullptr if the loss does not depend on the parameter or variable.
  const Tensor<T>* find(const Parameter<T>& p) const { return find_key(&p.value); }
  Tensor<T>* find(const Parameter<T>& p) {
    return const_cast<Tensor<T>*>(std::as_const(*this).find(p));
  }
  const Tensor<T>* find(const Var<T>& v) const { return find_key(&v.value()); }
  /// Gradient of a variable or parameter that the loss depends on. Throws ArgumentError otherwise.
  const Tensor<T>& operator[](const Parameter<T>& p) const { return get(&p.value); }
  const Tensor<T>& operator[](const Var<T>& v) const { return get(&v.value()); }

  std::size_t size() const { return by_key_.size(); }
  /// How many of them are of parameters, the others being of variables.
  std::size_t parameters() const { return by_key_.size() - variables_.size(); }

  /// Adds another thread's or micro-batch's gradients of the same parameters.
  void add(const Gradients& other) {
    for (const auto& [key, g] : other.by_key_) accumulate(key, g, other.of_variable(key));
  }
  /// Adds the other's gradients of parameters alone.
  void add_parameters(const Gradients& other) {
    for (const auto& [key, g] : other.by_key_)
      if (!other.of_variable(key)) accumulate(key, g);
  }
  /// Adds to the gradient of one parameter.
  void add(const Parameter<T>& p, const Tensor<T>& g) { accumulate(&p.value, g); }
  /// f(Tensor<T>&) on every gradient.
  template <class F>
  void for_each(const F& f) {
    for (auto& [key, g] : by_key_) f(g);
  }
  /// f(const Tensor<T>& value, const Tensor<T>& gradient) for every parameter, in no order. They
  /// must still live.
  template <class F>
  void for_each_parameter(const F& f) const {
    for (const auto& [key, g] : by_key_)
      if (!of_variable(key)) f(*key, g);
  }

  /// Marks the gradients as those of several models, each with an optimizer of its own, which an
  /// optimizer otherwise takes for a child that each() forgot. See train::share.
  void mark_shared() { shared_ = true; }
  bool shared() const { return shared_; }

 private:
  friend class Tape<T>;
  const Tensor<T>* find_key(const Tensor<T>* key) const {
    const auto it = by_key_.find(key);
    return it == by_key_.end() ? nullptr : &it->second;
  }
  const Tensor<T>& get(const Tensor<T>* key) const {
    if (const Tensor<T>* g = find_key(key)) return *g;
    raise<ArgumentError>("Gradients: the loss does not depend on this value of shape ",
                         key->shape());
  }
  bool of_variable(const Tensor<T>* key) const {
    return std::find(variables_.begin(), variables_.end(), key) != variables_.end();
  }
  template <class G>
  void accumulate(const Tensor<T>* key, G&& g, bool variable = false) {
    const auto [it, fresh] = by_key_.try_emplace(key, std::forward<G>(g));
    if (fresh && variable) variables_.push_back(key);
    if (fresh) return;
    if (it->second.shape() != g.shape())
      raise<ShapeError>("Gradients: ", g.shape(), " added to ", it->second.shape());
    detail::add_to(it->second, g);
  }

  std::unordered_map<const Tensor<T>*, Tensor<T>, std::hash<const void*>, std::equal_to<>,
                     pool::Allocator<std::pair<const Tensor<T>* const, Tensor<T>>>>
      by_key_;
  pool::Vector<const Tensor<T>*> variables_;  // the keys that are no parameters': few, as a rule
  bool shared_ = false;
};

}  // namespace foglift::inline v0
