#pragma once

#include "foglift/core/tensor.hpp"

#include <deque>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace foglift {
inline namespace v0 {

/// A trainable tensor of a model. The model holds it by value: a copy of the model is a copy of its
/// weights.
template <Scalar T = float>
struct Parameter {
  Tensor<T> value;

  Parameter() = default;
  explicit Parameter(Tensor<T> v) : value(std::move(v)) {}
};

template <Scalar T>
class Tape;

/// A value on a tape: what a Tensor is to inference, a Var is to training. A handle, valid while
/// its tape lives.
template <Scalar T = float>
class Var {
 public:
  using value_type = T;

  const Tensor<T>& value() const;
  const Shape& shape() const { return value().shape(); }
  int rank() const { return value().rank(); }
  Index dim(int axis) const { return value().dim(axis); }
  Index size() const { return value().size(); }
  /// The tape this value is recorded on.
  Tape<T>& tape() const { return *tape_; }
  /// False if no parameter or variable reaches it: operations then record no backward.
  bool needs_gradient() const;

 private:
  friend class Tape<T>;
  Var(Tape<T>* tape, std::size_t node) : tape_(tape), node_(node) {}
  Tape<T>* tape_;
  std::size_t node_;
};

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

  /// Adds another thread's or micro-batch's gradients of the same parameters.
  void add(const Gradients& other) {
    for (const auto& [key, g] : other.by_key_) accumulate(key, g);
  }
  /// Adds to the gradient of one parameter.
  void add(const Parameter<T>& p, const Tensor<T>& g) { accumulate(&p.value, g); }
  /// f(Tensor<T>&) on every gradient.
  template <class F>
  void for_each(const F& f) {
    for (auto& [key, g] : by_key_) f(g);
  }

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
  template <class G>
  void accumulate(const Tensor<T>* key, G&& g) {
    const auto [it, fresh] = by_key_.try_emplace(key, std::forward<G>(g));
    if (fresh) return;
    if (it->second.shape() != g.shape())
      raise<ShapeError>("Gradients: ", g.shape(), " added to ", it->second.shape());
    T* const sum = it->second.data();
    const T* const more = g.data();
    for (Index i = 0; i < g.size(); ++i) sum[i] += more[i];
  }

  std::unordered_map<const Tensor<T>*, Tensor<T>> by_key_;
};

/// Records operations and runs them backwards (reverse mode over coarse operations). One thread
/// uses one tape; threads may share a const model, each with a tape of its own.
template <Scalar T = float>
class Tape {
 public:
  /// What an operation's backward pass receives: `grad(input, tensor)` adds to the gradient of one
  /// of its inputs.
  class Accumulator {
   public:
    bool needs(const Var<T>& input) const { return input.needs_gradient(); }
    /// Throws ShapeError if the gradient has another shape than its value.
    void operator()(const Var<T>& input, Tensor<T> g) const {
      tape_.accumulate(input.node_, std::move(g));
    }

   private:
    friend class Tape;
    explicit Accumulator(Tape& tape) : tape_(tape) {}
    Tape& tape_;
  };
  /// backward(dy, grad): dy is the gradient of the operation's output.
  using Backward = std::function<void(const Tensor<T>& dy, const Accumulator& grad)>;

  Tape() = default;
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// A model's parameter; its tensor is referred to, not copied: it must outlive the tape, and keep
  /// its values until the last backward. The same parameter asked for twice is one node.
  Var<T> parameter(const Parameter<T>& p) {
    const auto [it, fresh] = leaves_.try_emplace(&p.value, nodes_.size());
    if (fresh) nodes_.push_back({{}, &p.value, {}, {}, true, true});
    return Var<T>(this, it->second);
  }
  /// An input whose gradient is wanted.
  Var<T> variable(Tensor<T> value) { return push(std::move(value), true, true, {}); }
  /// An input whose gradient is not wanted.
  Var<T> constant(Tensor<T> value) { return push(std::move(value), false, false, {}); }

  /// The result of an operation on `inputs` of this tape. Keeps `backward` only if an input needs a
  /// gradient.
  Var<T> record(Tensor<T> value, std::initializer_list<Var<T>> inputs, Backward backward) {
    return record(std::move(value), std::span<const Var<T>>(inputs.begin(), inputs.size()),
                  std::move(backward));
  }
  Var<T> record(Tensor<T> value, std::span<const Var<T>> inputs, Backward backward) {
    bool needed = false;
    for (const Var<T>& input : inputs) {
      if (input.tape_ != this) raise<ArgumentError>("Tape: an operation mixes values of two tapes");
      needed = needed || input.needs_gradient();
    }
    return push(std::move(value), needed, false, needed ? std::move(backward) : Backward{});
  }

  /// Derivatives of a scalar loss with respect to every parameter and variable it depends on.
  /// Throws ShapeError unless the loss has one element, ArgumentError if it is on another tape.
  Gradients<T> backward(const Var<T>& loss) {
    if (loss.size() != 1)
      raise<ShapeError>("Tape::backward: loss of shape ", loss.shape(), " is no scalar");
    return backward(loss, Tensor<T>(loss.shape(), T(1)));
  }
  /// The vector-Jacobian product: derivatives of sum(seed * output). `seed` has the shape of
  /// `output`; throws ShapeError otherwise, ArgumentError if the output is on another tape.
  Gradients<T> backward(const Var<T>& output, Tensor<T> seed) {
    if (output.tape_ != this)
      raise<ArgumentError>("Tape::backward: the output is recorded on another tape");
    if (seed.shape() != output.shape())
      raise<ShapeError>("Tape::backward: seed ", seed.shape(), " for an output of shape ",
                        output.shape());
    Gradients<T> result;
    if (!output.needs_gradient()) return result;
    for (Node& node : nodes_) node.gradient = Tensor<T>();
    for (Node& node : nodes_) node.reached = false;
    accumulate(output.node_, std::move(seed));
    const Accumulator grad(*this);
    for (std::size_t i = output.node_ + 1; i-- > 0;) {
      Node& node = nodes_[i];
      if (!node.reached) continue;
      if (node.leaf)
        result.accumulate(&node.get(), std::move(node.gradient));
      else if (node.backward)
        node.backward(node.gradient, grad);
      node.gradient = Tensor<T>();
    }
    return result;
  }

  std::size_t size() const { return nodes_.size(); }

 private:
  friend class Var<T>;

  struct Node {
    Tensor<T> value;
    const Tensor<T>* external;  // a parameter's tensor, else nullptr
    Tensor<T> gradient;
    Backward backward;
    bool needs_gradient;
    bool leaf;
    bool reached = false;
    const Tensor<T>& get() const { return external ? *external : value; }
  };

  Var<T> push(Tensor<T> value, bool needs_gradient, bool leaf, Backward backward) {
    nodes_.push_back({std::move(value), nullptr, {}, std::move(backward), needs_gradient, leaf});
    return Var<T>(this, nodes_.size() - 1);
  }

  void accumulate(std::size_t i, Tensor<T> g) {
    Node& node = nodes_[i];
    if (!node.needs_gradient) return;
    if (g.shape() != node.get().shape())
      raise<ShapeError>("Tape: gradient ", g.shape(), " for a value of shape ", node.get().shape());
    if (!std::exchange(node.reached, true)) {
      node.gradient = std::move(g);
    } else {
      for (Index k = 0; k < g.size(); ++k) node.gradient[k] += g[k];
    }
  }

  std::deque<Node> nodes_;  // a deque: references to values stay valid while recording goes on
  std::unordered_map<const Tensor<T>*, std::size_t> leaves_;
};

template <Scalar T>
const Tensor<T>& Var<T>::value() const {
  return tape_->nodes_[node_].get();
}
template <Scalar T>
bool Var<T>::needs_gradient() const {
  return tape_->nodes_[node_].needs_gradient;
}

}  // namespace v0
}  // namespace foglift
