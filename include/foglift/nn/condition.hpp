#pragma once

#include "foglift/core/gather.hpp"
#include "foglift/nn/dropout.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace nn {

/// What a call of a network may be told beside x and the time. Every field may be absent: a network
/// built for it then runs unconditionally, as classifier-free guidance needs. A field that a
/// network was not built for is an ArgumentError. Conditions are data: no gradient reaches them.
template <Scalar T = float>
struct Condition {
  std::vector<Index> labels;               ///< [B] classes; -1 is "no class"
  std::optional<Tensor<T>> vector = {};    ///< [B, D]
  std::optional<Tensor<T>> sequence = {};  ///< [B, M, D], reached by cross-attention
  /// [B, M], nonzero where the sequence holds something; what stands elsewhere is never read.
  std::optional<Tensor<T>> mask = {};
  std::optional<DropoutNoise> dropout = {};  ///< absent: evaluation, nothing is dropped
};

namespace detail {
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
          .dropout = c.dropout};
}
}  // namespace detail

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
  if (result.dropout) result.dropout->first_sample += static_cast<std::uint64_t>(first);
  return result;
}

/// Samples index[0], index[1], ... of a condition for a batch. Throws ArgumentError for one outside
/// the batch, and for dropout, whose noise belongs to samples in a row.
template <Scalar T>
Condition<T> rows(const Condition<T>& c, std::span<const Index> index) {
  if (c.dropout) raise<ArgumentError>("nn::rows: of a condition with dropout");
  auto result = detail::with_part(c, [&](const Tensor<T>& all) { return all.rows(index); });
  if (!c.labels.empty()) result.labels = gather(c.labels, index);
  return result;
}

namespace detail {
/// Throws ArgumentError / ShapeError unless the condition is one for a batch of B and a network
/// built for so many classes, vector features and sequence channels.
template <Scalar T>
void check_condition(const char* net, const Condition<T>& c, Index B, Index classes, Index vector,
                     Index sequence) {
  if (!c.labels.empty()) {
    if (classes == 0) raise<ArgumentError>(net, ": class labels for a network without classes");
    if (static_cast<Index>(c.labels.size()) != B)
      raise<ShapeError>(net, ": ", c.labels.size(), " class labels for a batch of ", B);
    for (const Index label : c.labels)
      if (label < -1 || label >= classes)
        raise<ArgumentError>(net, ": class label ", label, " of ", classes, " classes");
  }
  const auto need = [&](const std::optional<Tensor<T>>& given, const char* what, bool known,
                        const Shape& shape) {
    if (!given) return;
    if (!known) raise<ArgumentError>(net, ": a ", what, " for a network built without one");
    if (given->shape() != shape)
      raise<ShapeError>(net, ": ", what, " ", given->shape(), ", expected ", shape);
  };
  need(c.vector, "condition vector", vector > 0, {B, vector});
  const Index M = c.sequence && c.sequence->rank() == 3 ? c.sequence->dim(1) : 1;
  need(c.sequence, "condition sequence", sequence > 0, {B, M, sequence});
  need(c.mask, "condition mask", c.sequence.has_value(), {B, M});
}

/// The condition's sequence, with zeros where its mask closes a place that does not hold numbers:
/// attention weighs it by 0, and 0 times NaN is NaN.
template <Scalar T>
Tensor<T> shown_sequence(const Condition<T>& c) {
  Tensor<T> out = *c.sequence;
  if (!c.mask) return out;
  const Index D = out.dim(2);
  for (Index i = 0; i < c.mask->size(); ++i) {
    T* row = out.data() + i * D;
    if ((*c.mask)[i] == 0 && !std::all_of(row, row + D, [](T v) { return std::isfinite(v); }))
      std::fill_n(row, D, T(0));
  }
  return out;
}

/// Throws ShapeError unless x is [B, ..., channels] with `dims` axes between and time is [B].
template <Scalar T>
void check_input(const char* net, const Shape& x, const Tensor<T>& time, int dims, Index channels) {
  if (x.rank() != dims + 2 || x[dims + 1] != channels)
    raise<ShapeError>(net, ": input ", x, ", expected [batch",
                      dims == 0   ? ", "
                      : dims == 1 ? ", length, "
                                  : ", height, width, ",
                      channels, "]");
  if (time.shape() != Shape{x[0]})
    raise<ShapeError>(net, ": time ", time.shape(), " for input ", x, ", expected ", Shape{x[0]});
}
}  // namespace detail

}  // namespace nn
}  // namespace v0
}  // namespace foglift
