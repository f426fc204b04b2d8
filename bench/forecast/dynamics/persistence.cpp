#include "judge.hpp"

Result persistence(const Task& task) {
  using namespace foglift;
  Result out = judged("persistence", task, 1, [&](const Tensor<float>& first) {
    forecast::ForecastCourse all(first.shape(), task.horizon);
    for (Index i = 1; i <= task.horizon; ++i) all.put(i, first);
    return std::move(all).values();
  });
  const Windows windows(task);
  for (Index w = 0; w < windows.actual.dim(0); ++w)
    for (Index i = 0; i < windows.actual.dim(1); ++i) {
      const double error = static_cast<double>(
          windows.actual(w, i) -
          windows.first[w * windows.first.row_size() + i % windows.first.row_size()]);
      out.square += error * error / static_cast<double>(windows.actual.size());
    }
  return out;
}
