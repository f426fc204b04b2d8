#pragma once

#include "foglift/core/state.hpp"
#include "foglift/interop/strided.hpp"

#include <vector>

#if __has_include(<xtensor/containers/xarray.hpp>)  // xtensor 0.26 and later
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xarray.hpp>
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xtensor.hpp>
#endif

namespace foglift::inline v0 {

// Views and copies alone: xtensor before 0.27 computes wrong results when g++ compiles its lazy
// expressions as C++20 (a padded array is all zeros, an immediate sum crashes), so the library
// never evaluates one.

namespace interop {
inline std::vector<std::size_t> extents(const Shape& s) { return {s.begin(), s.end()}; }

template <class X>
Shape shape_of(const X& x) {
  std::vector<Index> extents;
  for (const auto e : x.shape()) extents.push_back(static_cast<Index>(e));
  return Shape(extents.data(), extents.size());
}

/// State of xtensor's containers in any layout, through their memory and strides.
template <class X>
struct XtensorState {
  using scalar = typename X::value_type;
  /// Throws ShapeError for more than 6 axes.
  static Tensor<scalar> to_tensor(const X& x) {
    auto out = Tensor<scalar>::uninitialized(shape_of(x));
    for_each_offset(out.shape(), x.strides(), [&](Index i, Index at) { out[i] = x.data()[at]; });
    return out;
  }
  /// Throws ShapeError if the tensor's rank is not the container's.
  static X from_tensor(const Tensor<scalar>& t) {
    typename X::shape_type shape = make_shape(t.shape());
    X out(shape);
    for_each_offset(t.shape(), out.strides(), [&](Index i, Index at) { out.data()[at] = t[i]; });
    return out;
  }

 private:
  static typename X::shape_type make_shape(const Shape& s) {
    typename X::shape_type out{};
    if constexpr (requires { out.resize(std::size_t{1}); }) {
      out.resize(static_cast<std::size_t>(s.rank()));
    } else if (static_cast<int>(out.size()) != s.rank()) {
      raise<ShapeError>("from_tensor: shape ", s, " for an xtensor of rank ", out.size());
    }
    for (int a = 0; a < s.rank(); ++a)
      out[static_cast<std::size_t>(a)] = static_cast<std::size_t>(s[a]);
    return out;
  }
};
}  // namespace interop

/// The tensor's own memory as an xtensor view (xt::adapt); nothing is copied, and the tensor must
/// outlive the view.
template <Scalar T>
auto as_xarray(Tensor<T>& x) {
  return xt::adapt(x.data(), static_cast<std::size_t>(x.size()), xt::no_ownership(),
                   interop::extents(x.shape()));
}
template <Scalar T>
auto as_xarray(const Tensor<T>& x) {
  return xt::adapt(x.data(), static_cast<std::size_t>(x.size()), xt::no_ownership(),
                   interop::extents(x.shape()));
}
template <Scalar T>
void as_xarray(const Tensor<T>&& x) = delete;

template <class Storage, xt::layout_type L, class S, class Tag>
  requires Scalar<typename Storage::value_type>
struct StateTraits<xt::xarray_container<Storage, L, S, Tag>>
    : interop::XtensorState<xt::xarray_container<Storage, L, S, Tag>> {};
template <class Storage, std::size_t N, xt::layout_type L, class Tag>
  requires Scalar<typename Storage::value_type>
struct StateTraits<xt::xtensor_container<Storage, N, L, Tag>>
    : interop::XtensorState<xt::xtensor_container<Storage, N, L, Tag>> {};

}  // namespace foglift::inline v0
