#pragma once

#include "foglift/io/safetensors.hpp"
#include "foglift/nn/state.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace foglift::test {

/// What PyTorch computed, a file of tests/data: entries "<label>/<name>", and the weights of a
/// network under "<label>/weight/<its own names>".
class TorchDump {
 public:
  explicit TorchDump(const std::string& name)
      : file_(io::read_safetensors(FOGLIFT_TEST_DATA "/" + name)) {}

  template <Scalar T>
  Tensor<T> tensor(const std::string& name) const {
    return file_.tensor<T>(name);
  }

  template <class Model>
  void load(Model& model, const std::string& label) const {
    using T = nn::module_scalar<Model>;
    const std::string prefix = label + "/weight/";
    std::map<std::string, Tensor<T>> weights;
    for (const std::string& name : file_.names())
      if (name.starts_with(prefix))
        weights.emplace(name.substr(prefix.size()), file_.tensor<T>(name));
    nn::load_state(model, weights);
  }

 private:
  io::Safetensors file_;
};

/// max |a - b| over max |b|, or over `least` where all of b is smaller.
template <Scalar T, Scalar U>
double distance(const Tensor<T>& a, const Tensor<U>& b, double least = 1) {
  REQUIRE(a.shape() == b.shape());
  double error = 0, scale = least;
  for (Index i = 0; i < a.size(); ++i) {
    error = std::max(error, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    scale = std::max(scale, std::abs(static_cast<double>(b[i])));
  }
  return error / scale;
}

}  // namespace foglift::test
