#include "foglift/forecast/dynamics/direct.hpp"
#include "judge.hpp"
#include "networks_of.hpp"

std::vector<Result> dropout(const Task& task) {
  using namespace foglift;
  return with_network(task, [&]<class Net>(std::type_identity<Net>) {
    using Model = forecast::DirectForecaster<Net>;
    Rng rng(task.seed);
    Index steps = 0;
    const Model model = trained(Model({.horizon = task.horizon,
                                       .net = net_of(task, task.dropout),
                                       .channels = task.system.channels()},
                                      rng),
                                task, task.seconds, steps);
    Result out = judged("dropout", task, task.members, [&](const Tensor<float>& first) {
      return model.draw(first, Rng(task.seed).stream(2));
    });
    out.evaluations = task.horizon;
    out.steps = steps;
    return std::vector{out};
  });
}
