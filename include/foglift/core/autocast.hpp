#pragma once

#include "foglift/core/parallel.hpp"

#include <utility>

namespace foglift::inline v0 {

/// In which numbers kernels multiply matrices of floats.
enum class ProductType { float32, bfloat16 };

/// While it lives, products of float matrices that the calling thread, and the threads that help
/// it, compute are of the given type: linear layers, convolutions, attention, and their gradients.
/// bfloat16 has float's range and 8 significant bits: weights take half of the memory, and where
/// the machine multiplies pairs of such numbers (AVX-512 BF16) a product takes half of the time;
/// elsewhere weights alone are rounded and the products are of floats. Sums are of floats, and so
/// is all else: norms, softmax, residual sums, time embeddings, states. SiLU and GELU that are
/// computed together with a product or a convolution are near, to 1.5e-4 and 3e-4. Narrow products,
/// of fewer than 16 columns or a depth below 32, by which data enter and leave a network, stay as
/// they are. Double is never changed.
///
///   const Autocast bf16;
///   const auto x = sample<Tensor<float>>(solver::Ddim{}, denoise, shape, grid, Rng(7));
///
/// A sample's bits depend on the type, on nothing else. Named as in PyTorch (torch.autocast).
class Autocast {
 public:
  explicit Autocast(ProductType type = ProductType::bfloat16)
      : before_(std::exchange(kernel_setting().bfloat16, type == ProductType::bfloat16)) {}
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;
  ~Autocast() { kernel_setting().bfloat16 = before_; }

  /// What products are of now.
  static ProductType current() {
    return kernel_setting().bfloat16 ? ProductType::bfloat16 : ProductType::float32;
  }

 private:
  bool before_;
};

}  // namespace foglift::inline v0
