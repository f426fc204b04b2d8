#pragma once
// What every method is asked: to be trained in its small preset, and judged on later windows.

#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/score/backtest.hpp"
#include "methods.hpp"

#include <chrono>

/// The method's result on a task.
template <class M>
Result judged(const char* name, const Task& task) {
  using namespace foglift;
  const auto options = [&] {
    typename M::Options o;
    o.frame = task.frame;
    if constexpr (requires { M::Options::small(task.frame); }) o = M::Options::small(task.frame);
    return o;
  };
  auto seconds = [last = std::chrono::steady_clock::now()]() mutable {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(last, now)).count();
  };
  forecast::Forecaster<M> model(options(), task.training);
  Result out{.weights = nn::parameter_count(model.state().model)};
  model.fit(task.past);
  out.training = seconds();
  const Tensor<double> paths = model.paths(task.series, task.origins, task.paths);
  out.drawing = seconds();
  out.score = forecast::score(name, paths, task.series, task.origins, task.frame.season());
  return out;
}
