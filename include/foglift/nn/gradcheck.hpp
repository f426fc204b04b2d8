#pragma once

#include "foglift/autograd/gradcheck.hpp"
#include "foglift/nn/module.hpp"

#include <string>

namespace foglift::inline v0::nn {

/// Compares the gradients of every parameter of a model with central differences, in double.
/// loss(const M&, Tape<double>&) -> Var<double> must be deterministic; an output of any shape is
/// projected on a fixed random tensor. At most options.max_entries entries of each parameter are
/// perturbed (0 is all), in a copy of the model. Throws ArgumentError for options out of range.
template <Module M, class Loss>
GradcheckReport gradcheck(M model, const Loss& loss, const GradcheckOptions& options = {}) {
  foglift::detail::check_options(options);
  Tape<double> tape;
  const Var<double> y = loss(std::as_const(model), tape);
  const Tensor<double> r = foglift::detail::projection(y.shape(), options);
  const Gradients<double> gradients = tape.backward(y, r);
  const auto value = [&] {
    Tape<double> scratch;
    return foglift::detail::project(loss(std::as_const(model), scratch).value(), r);
  };
  GradcheckReport report;
  for_each_parameter(model, [&](const std::string& name, Parameter<double>& p) {
    foglift::detail::check_entries(report, name, p.value, gradients.find(p), value, options);
  });
  return report;
}

}  // namespace foglift::inline v0::nn
