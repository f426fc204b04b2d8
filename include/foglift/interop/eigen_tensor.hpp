#pragma once

#include "foglift/core/state.hpp"
#include "foglift/interop/strided.hpp"

#include <unsupported/Eigen/CXX11/Tensor>

namespace foglift::inline v0 {

namespace interop {
/// Throws ShapeError unless the shape has N axes.
template <int N>
std::array<Index, std::size_t{N}> extents(const Shape& s, const char* where) {
  if (s.rank() != N) raise<ShapeError>(where, ": shape ", s, " as an object of rank ", N);
  std::array<Index, std::size_t{N}> out{};
  std::copy(s.begin(), s.end(), out.begin());
  return out;
}
}  // namespace interop

/// The tensor's own memory as an Eigen::TensorMap of rank N, row-major; nothing is copied, and the
/// tensor must outlive the view. Throws ShapeError if the tensor has another rank.
template <int N, Scalar T>
Eigen::TensorMap<Eigen::Tensor<T, N, Eigen::RowMajor>> as_tensor(Tensor<T>& x) {
  return {x.data(), interop::extents<N>(x.shape(), "as_tensor")};
}
template <int N, Scalar T>
Eigen::TensorMap<Eigen::Tensor<const T, N, Eigen::RowMajor>> as_tensor(const Tensor<T>& x) {
  return {x.data(), interop::extents<N>(x.shape(), "as_tensor")};
}
template <int N, Scalar T>
void as_tensor(const Tensor<T>&& x) = delete;

/// An Eigen::Tensor of either layout is the tensor of the same extents, first axis = batch.
template <Scalar T, int N, int Options, class I>
struct StateTraits<Eigen::Tensor<T, N, Options, I>> {
  using scalar = T;
  using X = Eigen::Tensor<T, N, Options, I>;
  static_assert(N <= Shape::max_rank, "foglift tensors have at most 6 axes");

  static Tensor<T> to_tensor(const X& x) {
    std::array<Index, std::size_t{N}> extents{};
    for (std::size_t a = 0; a < N; ++a) extents[a] = static_cast<Index>(x.dimensions()[a]);
    auto out = Tensor<T>::uninitialized(Shape(extents.data(), N));
    interop::for_each_offset(out.shape(), strides(out.shape()),
                             [&](Index i, Index at) { out[i] = x.data()[at]; });
    return out;
  }
  /// Throws ShapeError if the tensor is not of rank N.
  static X from_tensor(const Tensor<T>& t) {
    const auto extents = interop::extents<N>(t.shape(), "from_tensor");
    Eigen::array<I, std::size_t{N}> dimensions{};
    for (std::size_t a = 0; a < N; ++a) dimensions[a] = static_cast<I>(extents[a]);
    X out(dimensions);
    interop::for_each_offset(t.shape(), strides(t.shape()),
                             [&](Index i, Index at) { out.data()[at] = t[i]; });
    return out;
  }

 private:
  static std::array<Index, Shape::max_rank> strides(const Shape& s) {
    std::array<Index, Shape::max_rank> out{};
    Index stride = 1;
    for (int k = 0; k < N; ++k) {
      const int axis = (Options & Eigen::RowMajor) == 0 ? k : N - 1 - k;
      out[static_cast<std::size_t>(axis)] = stride;
      stride *= s[axis];
    }
    return out;
  }
};

}  // namespace foglift::inline v0
