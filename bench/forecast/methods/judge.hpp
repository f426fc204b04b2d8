#pragma once
// What every method is asked: to be trained in its small preset, and judged on later windows.

#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/score/backtest.hpp"
#include "methods.hpp"

#include <chrono>

/// The options of a method that are judged: its small preset, if it has one.
template <class M>
typename M::Options small_options(const foglift::forecast::FrameOptions& frame) {
  if constexpr (requires { M::Options::small(frame); }) return M::Options::small(frame);
  typename M::Options o;
  o.frame = frame;
  return o;
}

/// The method's result on a task.
template <class M>
Result judged(const char* name, const Task& task, const typename M::Options& options) {
  using namespace foglift;
  auto seconds = [last = std::chrono::steady_clock::now()]() mutable {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(last, now)).count();
  };
  forecast::Forecaster<M> model(options, task.training);
  Result out{.weights = nn::parameter_count(model.state().model)};
  model.fit(task.past);
  out.training = seconds();
  const Tensor<double> paths = model.paths(task.series, task.origins, task.paths);
  out.drawing = seconds();
  out.score = forecast::score(name, paths, task.series, task.origins, task.frame.season());
  return out;
}
template <class M>
Result judged(const char* name, const Task& task) {
  return judged<M>(name, task, small_options<M>(task.frame));
}
