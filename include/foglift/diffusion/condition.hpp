#pragma once

#include "foglift/autograd/parameters.hpp"
#include "foglift/core/gather.hpp"
#include "foglift/diffusion/rows.hpp"

#include <concepts>
#include <iterator>
#include <span>
#include <type_traits>
#include <vector>

namespace foglift::inline v0 {

/// The condition of a denoiser whose network is told x and the time alone.
struct NoCondition {};

namespace detail {

/// The type of condition that a network names, NoCondition for none.
template <class Net, class = void>
struct ConditionNamed {
  using type = NoCondition;
};
template <class Net>
struct ConditionNamed<Net, std::void_t<typename Net::condition_type>> {
  using type = typename Net::condition_type;
};
template <class Net>
using ConditionOf = typename ConditionNamed<std::remove_cvref_t<Net>>::type;

/// A network that sees the rows of a batch through its arguments alone: one with parameters, which
/// are for all rows, or one that says so (Alike). A lambda may hold what belongs to a row.
template <class Net>
concept SeesNoRows = HasParameters<const std::remove_cvref_t<Net>> ||
                     requires(const std::remove_reference_t<Net>& net, const Rows& rows) {
                       { net.rows(rows) } -> std::same_as<const std::remove_cvref_t<Net>&>;
                     };

/// Rows of conditions that are a tensor or a list; those of nn have theirs beside them.
inline NoCondition rows(const NoCondition& condition, std::span<const Index>) { return condition; }
template <Scalar T>
Tensor<T> rows(const Tensor<T>& condition, std::span<const Index> index) {
  return gather(condition, index);
}
template <class E>
std::vector<E> rows(const std::vector<E>& condition, std::span<const Index> index) {
  for (const Index i : index)
    if (i >= std::ssize(condition))
      raise<ShapeError>("condition: row ", i, " of ", condition.size());
  return gather(condition, index);
}

template <class C>
auto condition_rows(const C& condition,
                    std::span<const Index> index) -> decltype(rows(condition, index)) {
  return rows(condition, index);
}

/// A network with a condition can be asked about some samples of its batch.
template <class Net, class C>
concept TellsRows = SeesNoRows<Net> && requires(const C& condition, std::span<const Index> index) {
  { condition_rows(condition, index) } -> std::convertible_to<C>;
};

}  // namespace detail
}  // namespace foglift::inline v0
