#pragma once

#include "foglift/diffusion/analytic/mixture.hpp"

namespace foglift::inline v0::analytic {

/// The exact denoiser of a data set [N, ...], each of its rows as likely as any other: what a
/// network without any bias would learn from it. `variance` puts a Gaussian around every row (a
/// kernel density). An evaluation costs B N times the elements of a sample. Throws ArgumentError
/// for a data set without elements or with numbers that are not finite.
template <Scalar T>
Mixture empirical(const Tensor<T>& data, double variance = 0) {
  if (data.rank() == 0 || data.empty())
    raise<ArgumentError>("analytic::empirical: data ", data.shape(), ", needed [N, ...]");
  std::vector<Mixture::Component> rows;
  const Index n = data.row_size();
  for (Index i = 0; i < data.dim(0); ++i)
    rows.push_back(
        {1, std::vector<double>(data.data() + i * n, data.data() + (i + 1) * n), variance});
  return Mixture(rows);
}

}  // namespace foglift::inline v0::analytic
