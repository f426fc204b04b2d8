#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/kernels/gather.hpp"

#include <span>

namespace foglift::inline v0 {

/// Rows ids[i] of table [V, D] as [n, D]. Throws ShapeError if the table is no matrix,
/// ArgumentError for an id outside [0, V).
template <Scalar T>
Tensor<T> embedding(const Tensor<T>& table, std::span<const Index> ids) {
  if (table.rank() != 2)
    raise<ShapeError>("embedding: table ", table.shape(), ", needed is [entries, width]");
  for (const Index id : ids)
    if (id < 0 || id >= table.dim(0))
      raise<ArgumentError>("embedding: id ", id, " of a table of ", table.dim(0), " entries");
  return table.rows(ids);
}
template <Scalar T>
Var<T> embedding(const Var<T>& table, std::span<const Index> ids) {
  return table.tape().record(embedding(table.value(), ids), {table},
                             [table, kept = pool::Vector<Index>(ids.begin(), ids.end())](
                                 const Tensor<T>& dy, const auto& grad) {
                               Tensor<T> dtable(table.shape());
                               kernels::scatter_add_rows<T>(kept, table.dim(1), dy.data(),
                                                            dtable.data());
                               grad(table, std::move(dtable));
                             });
}

#define FOGLIFT_OPS_EMBEDDING(linkage, X) linkage X embedding(const X&, std::span<const Index>)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_EMBEDDING, extern template);

}  // namespace foglift::inline v0
