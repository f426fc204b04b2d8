#pragma once

#include "foglift/autograd/parameter.hpp"
#include "foglift/core/tensor.hpp"

namespace foglift::inline v0 {

template <Scalar T>
class Tape;

namespace detail {

/// The backward pass of an operation: what it keeps, and what it does with the gradient of its
/// output.
template <Scalar T>
struct Operation {
  virtual void run(const Tensor<T>& dy) = 0;
  virtual ~Operation() = default;
};

template <Scalar T>
struct Node {
  Node* previous;  // recorded just before
  Tensor<T> value;
  const Tensor<T>* external = nullptr;  // a parameter's tensor, else nullptr
  Node* outer = nullptr;                // on the tape around this one, for what is taken from there
  Tensor<T> gradient;
  Operation<T>* operation = nullptr;
  bool needs_gradient;
  bool leaf;
  bool reached = false;
  const Tensor<T>& get() const { return external ? *external : value; }
};

}  // namespace detail

/// A value on a tape: what a Tensor is to inference, a Var is to training. A handle, valid while
/// its tape lives.
template <Scalar T = float>
class Var {
 public:
  using value_type = T;

  const Tensor<T>& value() const { return node_->get(); }
  const Shape& shape() const { return value().shape(); }
  int rank() const { return value().rank(); }
  Index dim(int axis) const { return value().dim(axis); }
  Index size() const { return value().size(); }
  /// The tape this value is recorded on.
  Tape<T>& tape() const { return *tape_; }
  /// False if no parameter or variable reaches it: operations then record no backward.
  bool needs_gradient() const { return node_->needs_gradient; }

 private:
  friend class Tape<T>;
  using Node = detail::Node<T>;
  Var(Tape<T>* tape, Node* node) : tape_(tape), node_(node) {}
  Tape<T>* tape_;
  Node* node_;
};

}  // namespace foglift::inline v0
