#pragma once

#include "foglift/nn/call.hpp"
#include "foglift/nn/layers/embedding.hpp"
#include "foglift/nn/shares.hpp"

#include <type_traits>

namespace foglift::inline v0::nn {

/// What a network takes and gives, as network_call checks it. 0: not built for it.
struct Signature {
  const char* name;                                      ///< for messages
  int dims = 0;                                          ///< axes between batch and channels
  Index in = 0, out = 0;                                 ///< channels
  Index classes = 0, vector = 0, sequence = 0, map = 0;  ///< classes and features of conditions
};

namespace detail {

/// Throws ShapeError unless x is [B, ..., in] with `dims` axes between and time is [B].
template <Scalar T>
void check_input(const Signature& net, const Shape& x, const Tensor<T>& time) {
  if (x.rank() != net.dims + 2 || x[net.dims + 1] != net.in)
    raise<ShapeError>(net.name, ": input ", x, ", expected [batch",
                      net.dims == 0   ? ", "
                      : net.dims == 1 ? ", length, "
                                      : ", height, width, ",
                      net.in, "]");
  if (time.shape() != Shape{x[0]})
    raise<ShapeError>(net.name, ": time ", time.shape(), " for input ", x, ", expected ",
                      Shape{x[0]});
}

/// Throws ArgumentError / ShapeError unless the condition is one for an input of shape x and a
/// network of this signature.
template <class C>
void check_condition(const Signature& net, const Condition<C>& c, const Shape& x) {
  const Index B = x[0];
  if (!c.labels.empty()) {
    if (net.classes == 0)
      raise<ArgumentError>(net.name, ": class labels for a network without classes");
    if (static_cast<Index>(c.labels.size()) != B)
      raise<ShapeError>(net.name, ": ", c.labels.size(), " class labels for a batch of ", B);
    for (const Index label : c.labels)
      if (label < -1 || label >= net.classes)
        raise<ArgumentError>(net.name, ": class label ", label, " of ", net.classes, " classes");
  }
  const auto need = [&](const auto& given, const char* what, bool known, const Shape& shape) {
    if (!known) raise<ArgumentError>(net.name, ": a ", what, " for a network built without one");
    if (given.shape() != shape)
      raise<ShapeError>(net.name, ": ", what, " ", given.shape(), ", expected ", shape);
  };
  if (c.vector) need(*c.vector, "condition vector", net.vector > 0, {B, net.vector});
  const Index M = c.sequence && c.sequence->rank() == 3 ? c.sequence->dim(1) : 1;
  if (c.sequence) need(*c.sequence, "condition sequence", net.sequence > 0, {B, M, net.sequence});
  if (c.mask) need(*c.mask, "condition mask", c.sequence.has_value(), {B, M});
  if (c.map) need(*c.map, "condition map", net.map > 0, x.with(-1, net.map));
  if (c.present) need(*c.present, "presence of a condition", true, {B});
}

}  // namespace detail

/// A call of a network, the same for all: shapes are checked, the hook is told the names of blocks,
/// a large batch is taken in tiles which the threads share, and the condition becomes one over the
/// kind of x. A network has, beside operator() that calls this,
///
///   Signature signature() const
///   SampleCost sample_cost(shape of x) const, if batches may be taken in parts
///   block_names() const, attention_names() const if it has any
///   X forward(x, time, ConditionFor<X>, DropoutCalls, Call) const
///
/// where forward is the pass itself: x [B, ..., in] -> [B, ..., out].
template <class Net, Value X, class C, class H>
X network_call(const Net& net, const X& x, const Tensor<scalar_of<X>>& time,
               const Condition<C>& condition, const Call<H>& call) {
  const Signature signature = net.signature();
  const Shape& shape = value_of(x).shape();
  detail::check_input(signature, shape, time);
  detail::check_condition(signature, condition, shape);
  call.template start<X>(signature.name, net);
  if constexpr (!Recorded<X> && Call<H>::alike)
    if (const auto cost = net.sample_cost(shape); detail::worth_parting(shape[0], cost))
      return detail::in_parts(net, x, time, condition, call, shape.with(-1, signature.out), cost);
  return net.forward(x, time, detail::lifted(condition, x), DropoutCalls(call.dropout()), call);
}

namespace detail {
/// `names`, then those of n blocks of a stage: "blocks.0", "blocks.1" ...
inline std::vector<std::string> with_blocks(std::vector<std::string> names, std::string_view stage,
                                            std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) names.push_back(place_name(stage, i));
  return names;
}

/// What a call returns whose hook was done before its end: zeros, `out` channels.
template <Value X>
X unfinished(const X& x, Index out) {
  return constant(Tensor<scalar_of<X>>(value_of(x).shape().with(-1, out)), x);
}
}  // namespace detail

/// What the networks of the library have in common: options, kept, with `in`, `out` (0: as many as
/// in), `width`, a time `embedding`, and `sequence` and `map` where such conditions are taken. Net
/// has, beside what network_call asks for, `kind`: the name and the axes of its signature.
template <class Net, Scalar T, class O>
class Network : public Layer<T, O> {
 public:
  using condition_type = Condition<T>;

  const O& options() const { return options_; }

  /// x [B, ..., in], time [B] -> [B, ..., out]. Throws ShapeError for an input, a time or a
  /// condition that does not fit, ArgumentError for a condition that the network was not built for.
  template <ValueOf<T> X, class C = T, class H = NoHook>
  X operator()(const X& x, const Tensor<T>& time, const Condition<C>& condition = {},
               const Call<H>& call = {}) const {
    return network_call(static_cast<const Net&>(*this), x, time, condition, call);
  }

  /// See network_call.
  Signature signature() const {
    Signature s = Net::kind;
    s.in = options_.in;
    s.out = outputs();
    s.classes = options_.embedding.classes;
    s.vector = options_.embedding.vector;
    if constexpr (requires { options_.sequence; }) s.sequence = options_.sequence;
    if constexpr (requires { options_.map; }) s.map = options_.map;
    return s;
  }

 protected:
  explicit Network(const O& o) : options_(o) {}

  /// Channels of the output.
  Index outputs() const { return options_.out == 0 ? options_.in : options_.out; }

  /// How the time is embedded in `width` numbers: from as many features as the network is wide,
  /// unless the options say otherwise.
  TimeEmbeddingOptions embedding_of(Index width) const {
    TimeEmbeddingOptions e = options_.embedding;
    if (e.features == 0) e.features = options_.width;
    e.width = width;
    return e;
  }

  O options_;
};

// A network of scalars T, and its passes without a hook.
#define FOGLIFT_NN_NETWORK(linkage, T, ...)                                                       \
  linkage class __VA_ARGS__;                                                                      \
  linkage Tensor<T> __VA_ARGS__::forward(const Tensor<T>&, const Tensor<T>&, const Condition<T>&, \
                                         DropoutCalls, const Call<>&) const;                      \
  linkage Var<T> __VA_ARGS__::forward(const Var<T>&, const Tensor<T>&, const Condition<Var<T>>&,  \
                                      DropoutCalls, const Call<>&) const
// The same of a network over one axis and over two.
#define FOGLIFT_NN_NETWORKS(linkage, T, Net) \
  FOGLIFT_NN_NETWORK(linkage, T, Net<1, T>); \
  FOGLIFT_NN_NETWORK(linkage, T, Net<2, T>)

}  // namespace foglift::inline v0::nn
