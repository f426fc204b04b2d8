#pragma once

#include "foglift/autograd/arena.hpp"
#include "foglift/autograd/gradients.hpp"
#include "foglift/autograd/parameters.hpp"
#include "foglift/autograd/var.hpp"

#include <concepts>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <span>
#include <unordered_map>
#include <utility>

namespace foglift::inline v0 {

/// Records operations and runs them backwards (reverse mode over coarse operations). One thread
/// uses one tape; threads may share a const model, each with a tape of its own. All its memory is
/// the pool's, so a training loop that makes a tape a step asks the system for none.
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
      accumulate(*input.node_, std::move(g));
    }
  };

  Tape() = default;
  /// A tape inside the backward pass of an operation of `outer`: what it takes from there by
  /// `inner` and `parameter` receives its gradients there.
  explicit Tape(Tape* outer) : outer_(outer) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;
  ~Tape() {
    for (Node* node = last_; node;) {
      forget(*node);
      std::exchange(node, node->previous)->~Node();
    }
  }

  /// A model's parameter; its tensor is referred to, not copied: it must outlive the tape, and keep
  /// its values until the last backward. The same parameter asked for twice is one node.
  Var<T> parameter(const Parameter<T>& p) {
    const auto [it, fresh] = leaves_.try_emplace(&p.value, nullptr);
    if (fresh) {
      Node* const outer = outer_ ? outer_->parameter(p).node_ : nullptr;
      it->second = push({}, outer ? outer->needs_gradient : true, true);
      it->second->external = &p.value;
      it->second->outer = outer;
    }
    return Var<T>(this, it->second);
  }
  /// Takes the parameters of a module as constants: gradients pass through what is computed with
  /// them, and none reaches them. For the parts of a model that are not to be trained, before the
  /// loss is computed. Throws ArgumentError if one of them is in use on this tape.
  ///
  ///   tape.freeze(net.embedding);
  void freeze(const ModelView& model) {
    model.each_parameter([&](const ModelPath&, const Parameter<T>& p) {
      const auto [it, fresh] = leaves_.try_emplace(&p.value, nullptr);
      if (!fresh && it->second->needs_gradient)
        raise<ArgumentError>("Tape::freeze: a parameter of shape ", p.value.shape(),
                             " is in use on the tape already");
      if (!fresh) return;
      it->second = push({}, false, true);
      it->second->external = &p.value;
    });
  }
  /// An input whose gradient is wanted.
  Var<T> variable(Tensor<T> value) { return Var<T>(this, push(std::move(value), true, true)); }
  /// An input whose gradient is not wanted.
  Var<T> constant(Tensor<T> value) { return Var<T>(this, push(std::move(value), false, false)); }
  /// A value of the outer tape, referred to.
  Var<T> inner(const Var<T>& value) {
    Node* const node = push({}, value.needs_gradient(), value.needs_gradient());
    node->external = &value.value();
    node->outer = value.node_;
    return Var<T>(this, node);
  }

  /// The result of an operation on `inputs` of this tape; backward(dy, grad) gets the gradient of
  /// the output and an Accumulator. Keeps `backward` only if an input needs a gradient.
  template <class Backward = std::nullptr_t>
  Var<T> record(Tensor<T> value, std::initializer_list<Var<T>> inputs, Backward backward) {
    return record(std::move(value), std::span<const Var<T>>(inputs.begin(), inputs.size()),
                  std::move(backward));
  }
  template <class Backward = std::nullptr_t>
  Var<T> record(Tensor<T> value, std::span<const Var<T>> inputs, Backward backward) {
    bool needed = false;
    for (const Var<T>& input : inputs) {
      if (input.tape_ != this) raise<ArgumentError>("Tape: an operation mixes values of two tapes");
      needed = needed || input.needs_gradient();
    }
    return record(std::move(value), needed, std::move(backward));
  }
  /// The same for an operation that is known to need a gradient or not, whatever its inputs.
  template <class Backward>
  Var<T> record(Tensor<T> value, bool needed, Backward backward) {
    Node* const node = push(std::move(value), needed, false);
    if constexpr (!std::same_as<Backward, std::nullptr_t>)
      if (needed) node->operation = arena_.template make<Recorded<Backward>>(std::move(backward));
    return Var<T>(this, node);
  }

  /// Derivatives of a scalar loss with respect to every parameter and variable it depends on.
  /// Throws ShapeError unless the loss has one element, ArgumentError if it is on another tape.
  Gradients<T> backward(const Var<T>& loss) & {
    return backward(loss, Tensor<T>(check_scalar(loss), T(1)));
  }
  /// The vector-Jacobian product: derivatives of sum(seed * output). `seed` has the shape of
  /// `output`; throws ShapeError otherwise, ArgumentError if the output is on another tape.
  Gradients<T> backward(const Var<T>& output, Tensor<T> seed) & {
    return run(output, std::move(seed), false);
  }
  /// The same for the last time: what an operation kept, and the value it gave unless that is the
  /// output, go as soon as they are used.
  ///
  ///   opt.step(net, std::move(tape).backward(loss));
  Gradients<T> backward(const Var<T>& loss) && {
    return run(loss, Tensor<T>(check_scalar(loss), T(1)), true);
  }
  Gradients<T> backward(const Var<T>& output, Tensor<T> seed) && {
    return run(output, std::move(seed), true);
  }

  std::size_t size() const { return size_; }

 private:
  friend class Var<T>;
  using Node = detail::Node<T>;

  template <class Backward>
  struct Recorded final : detail::Operation<T> {
    explicit Recorded(Backward&& f) : backward(std::move(f)) {}
    void run(const Tensor<T>& dy) override { backward(dy, Accumulator()); }
    Backward backward;
  };

  static const Shape& check_scalar(const Var<T>& loss) {
    if (loss.size() != 1)
      raise<ShapeError>("Tape::backward: loss of shape ", loss.shape(), " is no scalar");
    return loss.shape();
  }

  Node* push(Tensor<T> value, bool needs_gradient, bool leaf) {
    last_ = arena_.template make<Node>(Node{.previous = last_,
                                            .value = std::move(value),
                                            .gradient = {},
                                            .needs_gradient = needs_gradient,
                                            .leaf = leaf});
    ++size_;
    return last_;
  }

  static void forget(Node& node) {
    if (node.operation) std::exchange(node.operation, nullptr)->~Operation();
  }

  Gradients<T> run(const Var<T>& output, Tensor<T> seed, bool last) {
    if (output.tape_ != this)
      raise<ArgumentError>("Tape::backward: the output is recorded on another tape");
    if (seed.shape() != output.shape())
      raise<ShapeError>("Tape::backward: seed ", seed.shape(), " for an output of shape ",
                        output.shape());
    Gradients<T> result;
    if (!output.needs_gradient()) return result;
    for (Node* node = last_; node; node = node->previous) {
      node->gradient = Tensor<T>();
      node->reached = false;
    }
    accumulate(*output.node_, std::move(seed));
    for (Node* node = output.node_; node; node = node->previous) {
      if (node->reached) {
        Tensor<T> gradient = std::move(node->gradient);
        if (node->leaf)
          result.accumulate(&node->get(), std::move(gradient), node->external == nullptr);
        else if (node->operation)
          node->operation->run(gradient);
      }
      if (last && !node->leaf) {
        forget(*node);
        if (node != output.node_) node->value = Tensor<T>();
      }
    }
    return result;
  }

  static void accumulate(Node& node, Tensor<T> g) {
    if (!node.needs_gradient) return;
    if (g.shape() != node.get().shape())
      raise<ShapeError>("Tape: gradient ", g.shape(), " for a value of shape ", node.get().shape());
    if (node.outer)
      accumulate(*node.outer, std::move(g));
    else if (!std::exchange(node.reached, true))
      node.gradient = std::move(g);
    else
      detail::add_to(node.gradient, g);
  }

  Tape* outer_ = nullptr;
  detail::Arena arena_;
  Node* last_ = nullptr;
  std::size_t size_ = 0;
  std::unordered_map<const Tensor<T>*, Node*, std::hash<const void*>, std::equal_to<>,
                     pool::Allocator<std::pair<const Tensor<T>* const, Node*>>>
      leaves_;
};

}  // namespace foglift::inline v0
