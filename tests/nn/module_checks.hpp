#pragma once

#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/nn/gradcheck.hpp"
#include "foglift/nn/state.hpp"
#include "support/catch.hpp"

#include <map>
#include <string>

namespace foglift::test {

/// Gives every parameter random values, also those that start at zero or one, so that no branch is
/// silent.
template <class Model>
void randomize(Model& model, std::uint64_t seed) {
  Rng rng(seed);
  nn::for_each_parameter(model, [&](const std::string&, auto& p) {
    using T = std::remove_reference_t<decltype(p.value[0])>;
    const Tensor<T> z = rng.split().normal<T>(p.value.shape());
    const T scale = p.value.rank() == 1 ? T(0.3) : T(0.25);
    for (Index i = 0; i < z.size(); ++i) p.value[i] = p.value[i] + scale * z[i];
  });
}

/// What every module promises: each child is named and has a part in the output, the gradients of
/// all parameters agree with differences, and a saved state makes another module of these options
/// the same. call(model, in) is the output, where `in` makes a Value of a tensor.
template <class Model, class Call>
void check_module(Model model, const Call& call, double tolerance = 1e-6) {
  const auto plain = [](const Tensor<double>& x) { return x; };
  randomize(model, 1);
  CHECK_NOTHROW(nn::check_children(model));
  const auto report =
      nn::gradcheck(model,
                    [&](const Model& m, Tape<double>& tape) {
                      return call(m, [&](const Tensor<double>& x) { return tape.constant(x); });
                    },
                    {.max_entries = 10});
  INFO(report);
  CHECK(report.max_error <= tolerance);

  Model other = model;
  randomize(other, 2);
  const Tensor<double> y = call(model, plain);
  CHECK_FALSE(call(other, plain) == y);
  std::map<std::string, Tensor<double>> saved;
  for (const auto& entry : nn::state(model)) saved.emplace(entry.name, *entry.tensor);
  nn::load_state(other, saved);
  CHECK(call(other, plain) == y);
  Tape<double> tape;
  const auto recorded = call(model, [&](const Tensor<double>& x) { return tape.constant(x); });
  CHECK(recorded.value() == y);
  const auto gradients = tape.backward(recorded, Tensor<double>(y.shape(), 1.0));
  nn::for_each_parameter(model, [&](const std::string& name, const auto& p) {
    INFO(name);
    CHECK(gradients.find(p));  // it has a part in the output
  });
}

/// A sample's output does not depend on its batch: f(x rows) has the same bits in batches of 1, 3
/// and all.
template <class F>
void check_batches(const F& f, const Tensor<float>& x) {
  const Tensor<float> all = f(x);
  for (const Index n : {0, 1, 3}) CHECK(f(x.rows(0, n)) == all.rows(0, n));
  CHECK(f(x.rows(x.dim(0) - 1, 1)) == all.rows(x.dim(0) - 1, 1));
}

}  // namespace foglift::test
