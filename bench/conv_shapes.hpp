#pragma once

#include "bench/peak.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/kernels/conv/conv.hpp"

namespace foglift::bench {

/// A 3x3 convolution of x [B, n, n, in] to [B, n, n, out] by ours, its weights packed before.
class ConvCase {
 public:
  struct Shape {
    Index B, n, in, out;
  };
  static constexpr Shape shapes[] = {{1, 32, 64, 64},    {16, 32, 64, 64}, {1, 16, 128, 128},
                                     {16, 16, 128, 128}, {1, 8, 256, 256}, {16, 8, 256, 256},
                                     {1, 32, 192, 64},   {16, 32, 192, 64}};

  explicit ConvCase(const Shape& s)
      : x(Rng(1).normal<float>({s.B, s.n, s.n, s.in})),
        w(Rng(2).normal<float>({3, 3, s.in, s.out})),
        bias(Rng(3).normal<float>({s.out})),
        y({s.B, s.n, s.n, s.out}),
        packed_({{w.data(), static_cast<std::size_t>(w.size()) * sizeof(float)}}) {}

  double flops() const { return 2.0 * 9 * static_cast<double>(y.size() * x.dim(3)); }

  void operator()(ConvAlgorithm algorithm) {
    const kernels::ConvGeometry g{x.dim(0), x.dim(1), x.dim(2),      x.dim(3), 3, 3, y.dim(3), 1, 1,
                                  1,        1,        Padding::zero, algorithm};
    kernels::conv<float>(g, x.data(), w.data(), bias.data(), y.data());
    escape(y.data());
  }

  const Tensor<float> x, w, bias;
  Tensor<float> y;

 private:
  kernels::ConstantMemory packed_;
};

}  // namespace foglift::bench
