#pragma once
// What every method is asked: to be trained for so many seconds, and judged on courses that it has
// not seen.

#include "bench/forecast/train_for.hpp"
#include "dynamics.hpp"
#include "foglift/forecast/score/calibration.hpp"

/// The options of a method's network.
inline foglift::nn::UNetOptions net_of(const Task& task, double dropout) {
  foglift::nn::UNetOptions net = task.system.net;
  net.dropout = dropout;
  return net;
}

/// The average of the weights after so many seconds of training.
template <class M>
M trained(M model, const Task& task, double seconds, foglift::Index& steps) {
  using namespace foglift;
  const forecast::Stretches data(task.system.training, task.horizon);
  return train_for(
      std::move(model), {.seconds = seconds, .examples = data.size(), .seed = task.seed},
      [&](const M& m, Tape<float>& tape, const train::Examples& examples) {
        return m.loss(tape, data, examples, Rng(task.seed).stream(1));
      },
      steps);
}

/// The windows that are judged: three of each course, [windows, ...] the snapshots before them, and
/// what came, [windows, horizon * cells].
struct Windows {
  foglift::Tensor<float> first, actual;

  explicit Windows(const Task& task) {
    using namespace foglift;
    const forecast::Stretches data(task.system.test, task.horizon);
    const Index courses = task.system.test.dim(0), each = data.size() / courses;
    std::vector<Index> which;
    for (Index c = 0; c < courses; ++c)
      for (const Index at : {Index{0}, each / 2, each - 1}) which.push_back(c * each + at);
    first = data.at(which, 0);
    forecast::ForecastCourse all(first.shape(), task.horizon);
    for (Index i = 1; i <= task.horizon; ++i) all.put(i, data.at(which, i));
    actual = std::move(all).values();
    actual = std::move(actual).reshaped({first.dim(0), task.horizon * first.row_size()});
  }
};

/// Scores of draw(first [rows, ...]) -> [rows, horizon, ...], a row for each member.
template <class Draw>
Result judged(const char* method, const Task& task, foglift::Index members, const Draw& draw) {
  using namespace foglift;
  const Windows windows(task);
  std::vector<Index> rows;
  for (Index w = 0; w < windows.first.dim(0); ++w)
    rows.insert(rows.end(), static_cast<std::size_t>(members), w);
  const double start = clock_now();
  Tensor<float> paths = draw(windows.first.rows(rows));
  Result out{.method = method, .drawing = clock_now() - start};
  paths = std::move(paths).reshaped({windows.first.dim(0), members, windows.actual.dim(1)});
  out.crps = forecast::crps(paths, windows.actual);
  if (members > 1) {
    const forecast::SpreadSkill skill = forecast::spread_skill(paths, windows.actual);
    out.square = skill.error * skill.error;
    out.spread_skill = skill.ratio;
  }
  return out;
}
