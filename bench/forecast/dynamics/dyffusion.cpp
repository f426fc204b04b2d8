#include "foglift/forecast/dynamics/dyffusion.hpp"

#include "judge.hpp"
#include "networks_of.hpp"

std::vector<Result> dyffusion(const Task& task) {
  using namespace foglift;
  return with_network(task, [&]<class Net>(std::type_identity<Net>) {
    using Between = forecast::Interpolator<Net>;
    using Model = forecast::Dyffusion<Net>;
    Rng rng(task.seed);
    Index steps = 0;
    const Between between = trained(Between({.horizon = task.horizon,
                                             .net = net_of(task, task.dropout),
                                             .channels = task.system.channels()},
                                            rng),
                                    task, task.seconds * task.first_stage, steps);
    const Model model =
        trained(Model({.extra = task.extra,
                       .loss = {.first = 1 - task.look_ahead, .second = task.look_ahead},
                       .net = net_of(task, 0),
                       .channels = task.system.channels()},
                      train::frozen(between), rng),
                task, task.seconds * (1 - task.first_stage), steps);
    const auto result = [&](const char* name, Index evaluations, const typename Model::Run& run) {
      Result out = judged(name, task, task.members, [&](const Tensor<float>& first) {
        return model.draw(first, Rng(task.seed).stream(2), run);
      });
      out.evaluations = evaluations;
      out.steps = steps;
      return out;
    };
    const Index n = task.horizon + task.extra;
    return std::vector{result("DYffusion", 3 * n - 3, {}),
                       result("  without correction", 2 * n - 1, {.cold = false}),
                       result("  one mask a member", 3 * n - 3, {.one_mask = true}),
                       result("  states refined", 4 * n - 4, {.refine = true})};
  });
}
