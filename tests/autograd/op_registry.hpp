#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/core/rng.hpp"

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// Every differentiable operation has an entry here, and generic tests (test_op_registry.cpp) run
/// over all of them: gradients against finite differences, Tensor against Var results, batch
/// splits, thread counts, inputs without gradient. Another test reads the headers of autograd/ops
/// and fails for a function that has no entry.
///
/// To add an operation:
///   1. In entries_<family>.cpp write, or extend, the function that returns the family's entries:
///
///        std::vector<OpEntry> gated_entries() {
///          std::vector<OpEntry> entries;
///          entries.push_back({"glu", [](Rng& rng) {
///            std::vector<OpCase> cases;
///            for (const Shape& s : {Shape{0, 4}, Shape{1, 2}, Shape{3, 5, 6} /* 20 or more */})
///              cases.push_back({{random_input(rng, s)}, [](auto in) { return glu(in[0]); }, {0}});
///            return cases;
///          }});
///          return entries;
///        }
///
///      The lambda is generic: `in` is a std::span of const Tensor<T> or const Var<T>, float or
///      double. The last member lists the inputs whose axis 0 is the sample, for operations where
///      row b of the output depends on row b of those inputs alone; leave it out elsewhere.
///   2. A new family: declare its function below and call it in op_entries().
///
/// The name is the function's name in the header, "operator+" for operators; several entries may
/// share a name. Give at least 20 shapes an entry: ones, odd sizes, an empty batch, broadcasts.
/// Keep inputs a distance above 1e-4 from kinks (away_from), where differences mean nothing.
namespace ops_under_test {

using namespace foglift;

/// One generic lambda, callable with Tensors and Vars of float and double.
class OpCall {
 public:
  template <class F>
  OpCall(F f) : tensor_double_(f), tensor_float_(f), var_double_(f), var_float_(f) {}

  Tensor<double> operator()(std::span<const Tensor<double>> in) const { return tensor_double_(in); }
  Tensor<float> operator()(std::span<const Tensor<float>> in) const { return tensor_float_(in); }
  Var<double> operator()(std::span<const Var<double>> in) const { return var_double_(in); }
  Var<float> operator()(std::span<const Var<float>> in) const { return var_float_(in); }

 private:
  std::function<Tensor<double>(std::span<const Tensor<double>>)> tensor_double_;
  std::function<Tensor<float>(std::span<const Tensor<float>>)> tensor_float_;
  std::function<Var<double>(std::span<const Var<double>>)> var_double_;
  std::function<Var<float>(std::span<const Var<float>>)> var_float_;
};

/// One call of an operation: its inputs, all of them differentiated, and the rest in the lambda.
struct OpCase {
  std::vector<Tensor<double>> inputs;
  OpCall call;
  std::vector<std::size_t> batched = {};
};

struct OpEntry {
  std::string name;
  std::function<std::vector<OpCase>(Rng&)> cases;
};

/// Standard normals.
inline Tensor<double> random_input(Rng& rng, const Shape& shape) {
  return rng.split().normal<double>(shape);
}
/// Uniforms in [low, high).
inline Tensor<double> random_input(Rng& rng, const Shape& shape, double low, double high) {
  Tensor<double> x = rng.split().uniform<double>(shape);
  for (double& v : x) v = low + (high - low) * v;
  return x;
}
/// Moves every element at least `gap` away from a kink.
inline Tensor<double> away_from(double kink, Tensor<double> x, double gap = 1e-2) {
  for (double& v : x) v += v < kink ? -gap : gap;
  return x;
}

// One function a family, in entries_<family>.cpp.
std::vector<OpEntry> products_entries();
std::vector<OpEntry> arithmetic_entries();
std::vector<OpEntry> pointwise_entries();
std::vector<OpEntry> shape_entries();
std::vector<OpEntry> loss_entries();
std::vector<OpEntry> mixing_entries();

inline std::vector<OpEntry> op_entries() {
  std::vector<OpEntry> all;
  for (const auto& family : {products_entries, arithmetic_entries, pointwise_entries, shape_entries,
                             loss_entries, mixing_entries})
    for (OpEntry& entry : family()) all.push_back(std::move(entry));
  return all;
}

}  // namespace ops_under_test
