#include "../support/progress.hpp"
#include "stage.hpp"

#include <memory>

using namespace foglift;

namespace {

/// Jumps to the data from noise of uniform times.
Sampler by_jumps(std::string name, Net net) {
  return {std::move(name), [denoise = kept(std::move(net))](const Tensor<float>& noise, Index n) {
            return sample_from(solver::Consistency{}, denoise, noise, grid::uniform(flow, n),
                               Rng(77));
          }};
}

Sampler consistency(const Net& teacher, const Tensor<float>& x0, const Budget& budget) {
  const auto grid = grid::uniform(flow, 32);
  return by_jumps(
      "consistency distillation",
      trained("consistency distillation", teacher, x0.dim(0), 2 * budget.student, budget,
              [&](const Net& net, const Net&, Tape<float>& tape, const train::Examples& e) {
                return distill::consistency(denoiser(teacher), denoiser(net), x0.rows(e.index),
                                            grid, Rng(budget.seed), e.draws)
                    .loss(tape, denoiser(net), Penalty::pseudo_huber(0.03));
              }));
}

Sampler consistency_training(const Net& teacher, const Tensor<float>& x0, const Budget& budget) {
  const Index steps = 2 * budget.student;
  const distill::Curriculum curriculum{.first = 4, .last = 64, .total = steps};
  return by_jumps(
      "consistency training",
      trained("consistency training", teacher, x0.dim(0), steps, budget,
              [&](const Net& net, const Net&, Tape<float>& tape, const train::Examples& e) {
                const auto grid = grid::uniform(flow, curriculum.doubling(e.draws.step));
                return distill::consistency_training(denoiser(net), x0.rows(e.index), grid,
                                                     Rng(budget.seed), e.draws)
                    .loss(tape, denoiser(net), Penalty::pseudo_huber(0.03));
              }));
}

Sampler trajectory(const Net& teacher, const Tensor<float>& x0, const Budget& budget) {
  const auto grid = grid::uniform(flow, 32);
  Net net = trained("trajectory consistency", teacher, x0.dim(0), 2 * budget.student, budget,
                    [&](const Net& model, const Net&, Tape<float>& tape, const train::Examples& e) {
                      return distill::trajectory_consistency(denoiser(teacher), denoiser(model),
                                                             x0.rows(e.index), grid,
                                                             Rng(budget.seed), e.draws)
                          .loss(tape, denoiser(model));
                    });
  return {"trajectory consistency",
          [denoise = kept(std::move(net))](const Tensor<float>& noise, Index n) {
            return sample_from(solver::Tcd(flow, 0.3), denoise, noise, grid::uniform(flow, n),
                               Rng(77));
          }};
}

/// The network of three numbers as one of two and a second time.
struct TwoTimes {
  const Net& net;
  template <Value X>
  X operator()(const X& x, const Tensor<float>& t, const Tensor<float>& r) const {
    return net(concat({x, constant(r.reshaped({r.size(), 1}), x)}, 1), t);
  }
};

Sampler mean_flow(const Net& teacher, const Tensor<float>& x0, const Budget& budget) {
  Rng init(budget.seed);
  Net net =
      trained("mean flow", Net({.in = 3, .out = 2}, init), x0.dim(0), 2 * budget.student, budget,
              [&](const Net& model, const Net&, Tape<float>& tape, const train::Examples& e) {
                return distill::MeanFlowBatch<float>(denoiser(teacher), TwoTimes{model},
                                                     x0.rows(e.index), Rng(budget.seed), e.draws)
                    .loss(tape, TwoTimes{model});
              });
  return {"mean flow of the teacher",
          [net = std::make_shared<Net>(std::move(net))](const Tensor<float>& noise, Index n) {
            std::vector<double> times;
            for (Index i = n; i >= 0; --i)
              times.push_back(static_cast<double>(i) / static_cast<double>(n));
            return distill::follow(TwoTimes{*net}, noise, times);
          }};
}

/// A generator of one step, and beside it a denoiser of what it makes.
Sampler distribution_matching(const Net& teacher, const Tensor<float>& x0, const Budget& budget) {
  Progress bar("distribution matching", budget.quiet);
  Net net = teacher, fake = teacher, average = teacher;
  train::AdamW<float> on_net({.lr = 2e-4}), on_fake({.lr = 1e-3});
  const auto real = denoiser(teacher);
  for (Index step = 0; step < budget.student; ++step) {
    bar.update(step, budget.student, "");
    if (budget.interrupt && budget.interrupt->requested())
      throw Interrupted{budget.interrupt->signal()};
    const train::CosineRate falls{.steps = budget.student, .warm_up = 50};
    const auto noise =
        Rng(budget.seed)
            .normal<float>({budget.batch, x0.dim(1)}, 0, static_cast<std::uint32_t>(step));
    Tape<float> tape;
    const auto made = denoiser(net)(tape.constant(noise), Levels(flow.at(1)));
    auto gradients =
        tape.backward(distill::distribution_matching(real, denoiser(fake), made.value(), flow,
                                                     Rng(8), {.step = step})
                          .loss(made));
    train::clip_norm(net, gradients, 1.0);
    on_net.step(net, gradients, falls(step) * on_net.learning_rate());
    train::ema_update(average, net, 0.995);
    for (Index k = 0; k < 3; ++k) {
      Tape<float> again;
      on_fake.step(fake,
                   again.backward(denoiser(fake).loss(again, made.value(), Rng(9),
                                                      {.step = 3 * step + k}, {.data_scale = 10})),
                   on_fake.learning_rate());
    }
  }
  Sampler out = by_euler("distribution matching (DMD)", std::move(average));
  out.evaluations = {1};
  return out;
}

}  // namespace

std::vector<Sampler> flow_map_students(const Net& teacher, const Tensor<float>& x0,
                                       const Budget& budget) {
  return {consistency(teacher, x0, budget), consistency_training(teacher, x0, budget),
          trajectory(teacher, x0, budget), mean_flow(teacher, x0, budget),
          distribution_matching(teacher, x0, budget)};
}
