#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/autograd/value.hpp"
#include "foglift/core/gather.hpp"
#include "foglift/nn/layers/chunk.hpp"
#include "foglift/nn/layers/dropout.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace foglift::inline v0::nn {

namespace detail {
template <class T>
struct ConditionTraits {
  using scalar = T;
  using value = Tensor<T>;
};
template <class T>
struct ConditionTraits<Var<T>> {
  using scalar = T;
  using value = Var<T>;
};
}  // namespace detail

/// What a call of a network is told of each sample beside x and the time. Every field may be
/// absent: a network built for it then runs unconditionally, as classifier-free guidance needs. A
/// field that a network was not built for is an ArgumentError.
///
/// Condition<float> holds Tensors. Condition<Var<float>> holds Vars, for a network that is called
/// with one: gradients reach what they were made by, so an encoder is trained through them.
template <class T = float>
struct Condition {
  using Scalars = Tensor<typename detail::ConditionTraits<T>::scalar>;
  using X = typename detail::ConditionTraits<T>::value;

  std::vector<Index> labels = {};    ///< [B] classes; -1 is "no class"
  std::optional<X> vector = {};      ///< [B, D]
  std::optional<X> sequence = {};    ///< [B, M, D], reached by cross-attention
  std::optional<Scalars> mask = {};  ///< [B, M], nonzero where the sequence holds something; what
                                     ///< stands elsewhere in a Tensor is never read
  std::optional<X> map = {};         ///< [B, ..., D], the extents of x: beside x at the entrance
  std::optional<Scalars> present = {};  ///< [B], 0 where the sample is told nothing, see drop
};

namespace detail {
template <class X>
struct KindOf {
  using type = scalar_of<X>;
};
template <class T>
struct KindOf<Var<T>> {
  using type = Var<T>;
};

/// A condition of whose fields that hold something for each sample `part` takes some.
template <Scalar T, class Part>
Condition<T> with_part(const Condition<T>& c, const Part& part) {
  const auto field = [&](const std::optional<Tensor<T>>& all) {
    return all ? std::optional<Tensor<T>>(part(*all)) : std::nullopt;
  };
  return {.labels = {},
          .vector = field(c.vector),
          .sequence = field(c.sequence),
          .mask = field(c.mask),
          .map = field(c.map),
          .present = field(c.present)};
}
}  // namespace detail

/// The condition over the kind of Value that X is.
template <Value X>
using ConditionFor = Condition<typename detail::KindOf<X>::type>;

/// Samples [first, first + count) of a condition for a batch. Throws ShapeError if there are fewer
/// labels, ArgumentError if there are fewer rows of another field.
template <Scalar T>
Condition<T> rows(const Condition<T>& c, Index first, Index count) {
  auto result = detail::with_part(c, [&](const Tensor<T>& all) { return all.rows(first, count); });
  if (!c.labels.empty() && std::ssize(c.labels) < first + count)
    raise<ShapeError>("rows: ", c.labels.size(), " class labels, samples ", first, " to ",
                      first + count, " are wanted");
  if (!c.labels.empty())
    result.labels.assign(c.labels.begin() + first, c.labels.begin() + first + count);
  return result;
}

/// Samples index[0], index[1], ... of a condition for a batch. Throws ArgumentError for one outside
/// the batch.
template <Scalar T>
Condition<T> rows(const Condition<T>& c, std::span<const Index> index) {
  auto result = detail::with_part(c, [&](const Tensor<T>& all) { return all.rows(index); });
  if (!c.labels.empty()) result.labels = gather(c.labels, index);
  return result;
}

/// The condition of a batch without what it says of some samples, each left out with probability
/// `rate`: the network is told of them what it is told without a condition, by all fields alike (Ho
/// & Salimans 2022, algorithm 1). A sample's fate depends on the generator, the sample and the step
/// alone. Throws ArgumentError unless rate is in [0, 1].
template <class T>
Condition<T> drop(Condition<T> c, double rate, const DropoutNoise& noise) {
  if (!(rate >= 0 && rate <= 1))
    raise<ArgumentError>("nn::drop: rate = ", rate, ", must be in [0, 1]");
  using Present = typename Condition<T>::Scalars;
  if (!c.present) {
    Index batch = std::ssize(c.labels);
    for (const auto* field : {&c.vector, &c.sequence, &c.map})
      if (*field) batch = (*field)->dim(0);
    if (batch == 0) return c;
    c.present = Present({batch}, 1);
  }
  for (Index b = 0; b < c.present->size(); ++b)
    if (noise.rng.uniform(noise.first_sample + static_cast<std::uint64_t>(b),
                          static_cast<std::uint32_t>(noise.step)) < rate)
      (*c.present)[b] = 0;
  return c;
}

/// A sequence to attend to.
template <Value X>
struct Context {
  X sequence;                                     ///< [B, M, D]
  std::optional<Tensor<scalar_of<X>>> mask = {};  ///< [B, M], nonzero where attention may go
  std::optional<X> present = {};  ///< [B, 1, 1], by which what attention finds is multiplied
};

namespace detail {

/// x [B, ...] with zeros in those of open.size() equal parts that are closed (0) and do not hold
/// numbers: they are weighed by 0 later, and 0 times NaN is NaN. A Var must hold numbers.
template <Scalar T>
Tensor<T> shown(Tensor<T> x, const std::optional<Tensor<T>>& open) {
  if (!open || open->empty()) return x;
  const Index n = x.size() / open->size();
  for (Index i = 0; i < open->size(); ++i) {
    T* row = x.data() + i * n;
    if ((*open)[i] == 0 && !std::all_of(row, row + n, [](T v) { return std::isfinite(v); }))
      std::fill_n(row, n, T(0));
  }
  return x;
}
template <Scalar T>
Var<T> shown(Var<T> x, const std::optional<Tensor<T>>&) {
  return x;
}

/// The condition for a network that is called with values of the kind of x.
template <Scalar T>
const Condition<T>& lifted(const Condition<T>& c, const Tensor<T>&) {
  return c;
}
template <Scalar T>
const Condition<Var<T>>& lifted(const Condition<Var<T>>& c, const Var<T>&) {
  return c;
}
template <Scalar T>
Condition<Var<T>> lifted(const Condition<T>& c, const Var<T>& x) {
  Condition<Var<T>> out{.labels = c.labels, .mask = c.mask, .present = c.present};
  if (c.vector) out.vector = constant(shown(*c.vector, c.present), x);
  if (c.sequence) out.sequence = constant(shown(shown(*c.sequence, c.mask), c.present), x);
  if (c.map) out.map = constant(shown(*c.map, c.present), x);
  return out;
}

/// told [B, ...] where the sample is present, else zeros.
template <Value X>
X where_present(const X& told, const std::optional<Tensor<scalar_of<X>>>& present) {
  if (!present) return told;
  return told * constant(per_sample(reshape(*present, {present->size(), 1}), told.rank()), told);
}

/// The sequence of a condition to attend to, if it has one.
template <Value X>
std::optional<Context<X>> context_of(const ConditionFor<X>& c, const X& like) {
  if (!c.sequence) return std::nullopt;
  Context<X> out{shown(shown(*c.sequence, c.mask), c.present), c.mask};
  if (c.present) out.present = constant(reshape(*c.present, {c.present->size(), 1, 1}), like);
  return out;
}

/// f(x), or f(x beside the condition's map along the channels) for a network built for maps of so
/// many; without one the map is zero.
template <Value X, class F>
X beside_map(const X& x, const ConditionFor<X>& c, Index channels, const F& f) {
  if (channels == 0) return f(x);
  if (!c.map)
    return f(concat({x, constant(Tensor<scalar_of<X>>(x.shape().with(-1, channels)), x)}, -1));
  return f(concat({x, where_present(shown(*c.map, c.present), c.present)}, -1));
}

}  // namespace detail

}  // namespace foglift::inline v0::nn
