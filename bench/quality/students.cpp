#include "bench/quality/students.hpp"

#include <array>
#include <cstdio>
#include <memory>

using namespace foglift;

namespace {

const schedule::Flow flow;

auto denoiser(const Net& net) { return NetworkDenoiser(net, predict::FlowVelocity{}, flow); }
auto kept(Net net) { return NetworkDenoiser(std::move(net), predict::FlowVelocity{}, flow); }

/// The network after so many steps on loss(model, running average, tape, examples).
template <class Loss>
Net trained(const char* name, Net net, Index examples, Index steps, const Budget& budget,
            const Loss& loss) {
  std::fprintf(stderr, "  %s\n", name);
  train::FitState state(std::move(net), train::AdamW<float>({.lr = 1e-3}), budget.seed);
  train::fit(state,
             [&](const Net& model, Tape<float>& tape, const train::Examples& e) {
               return loss(model, state.ema, tape, e);
             },
             {.examples = examples,
              .batch = budget.batch,
              .shard = budget.batch,
              .steps = steps,
              .rate = train::CosineRate{.steps = steps, .warm_up = 50},
              .clip = 1,
              .ema = {.decay = 0.995}});
  return state.result();
}

/// Samples of a network by Euler's rule on a uniform grid of as many steps as evaluations.
Sampler by_euler(std::string name, Net net) {
  return {std::move(name), [denoise = kept(std::move(net))](const Tensor<float>& noise, Index n) {
            return integrate(solver::Euler{}, denoise, noise, grid::uniform(flow, n));
          }};
}

const auto truncated_snr = distill::of_x0(weight::TruncatedSnr{});

/// One student for each number of steps, halved from 32.
std::vector<std::pair<Index, Net>> progressive(const Net& teacher, const Tensor<float>& x0,
                                               const Budget& budget) {
  std::vector<std::pair<Index, Net>> out;
  Net last = teacher;
  TimeGrid grid = grid::uniform(flow, 32);
  while (grid.size() > 2) {
    const Net from = last;
    last = trained("progressive", from, x0.dim(0), budget.student, budget,
                   [&](const Net& net, const Net&, Tape<float>& tape, const train::Examples& e) {
                     return distill::progressive(denoiser(from), x0.rows(e.index), grid,
                                                 Rng(budget.seed), e.draws,
                                                 {.level_weight = truncated_snr})
                         .loss(tape, denoiser(net));
                   });
    grid = distill::halved(grid);
    out.emplace_back(static_cast<Index>(grid.size()) - 1, last);
  }
  return out;
}

/// One sampler of the networks of so many steps each.
Sampler of_each(std::string name, std::vector<std::pair<Index, Net>> nets) {
  return {std::move(name), [nets = std::move(nets)](const Tensor<float>& noise, Index n) {
            for (const auto& [steps, net] : nets)
              if (steps == n)
                return integrate(solver::Euler{}, denoiser(net), noise, grid::uniform(flow, n));
            raise<ArgumentError>("no student of ", n, " steps");
          }};
}

/// The students of few steps, and the same tuned by the moments of what they make.
std::vector<Sampler> progressive_samplers(const Net& teacher, const Tensor<float>& x0,
                                          const Budget& budget) {
  auto nets = progressive(teacher, x0, budget);
  std::vector<Sampler> out{of_each("progressive", nets)};
  for (auto& [steps, net] : nets) {
    if (steps > 4) continue;
    const auto grid = grid::uniform(flow, steps);
    net = trained(
        "moment matching", net, x0.dim(0), budget.student / 4, budget,
        [&](const Net& model, const Net&, Tape<float>& tape, const train::Examples& e) {
          const auto data = x0.rows(e.index);
          const auto noise = StepRng(Rng(budget.seed), e.draws).normal<float>(data.shape());
          return distill::mmd2(distill::run_on_tape(denoiser(model), tape.constant(noise), grid),
                               data, {0.1, 0.3, 1.0});
        });
  }
  out.push_back(of_each("progressive, then MMD-DDM", std::move(nets)));
  return out;
}

Sampler tract(const Net& teacher, const Tensor<float>& x0, const Budget& budget) {
  std::vector<std::pair<Index, Net>> nets;
  const auto grid = grid::uniform(flow, 32);
  for (const Index phases : {4, 2, 1}) {
    nets.emplace_back(phases, trained("TRACT", teacher, x0.dim(0), budget.student, budget,
                                      [&](const Net& net, const Net& average, Tape<float>& tape,
                                          const train::Examples& e) {
                                        return distill::tract(denoiser(teacher), denoiser(average),
                                                              x0.rows(e.index), grid, phases,
                                                              Rng(budget.seed), e.draws,
                                                              {.level_weight = truncated_snr})
                                            .loss(tape, denoiser(net));
                                      }));
  }
  return of_each("TRACT", std::move(nets));
}

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

/// Runs of the teacher, for students that need no data.
distill::Couples<float> runs(const Net& teacher, Index n) {
  return distill::couples(solver::Heun{}, denoiser(teacher), Shape{n, 2}, grid::uniform(flow, 25),
                          Rng(5));
}

Sampler reflow(const Net& teacher, const distill::Couples<float>& couples, const Budget& budget) {
  return by_euler(
      "ReFlow",
      trained("ReFlow", teacher, couples.data.dim(0), 2 * budget.student, budget,
              [&](const Net& net, const Net&, Tape<float>& tape, const train::Examples& e) {
                const auto some = couples.rows(e.index);
                return denoiser(net).loss(tape, some.data, Rng(budget.seed), e.draws,
                                          {.noise = &some.noise});
              }));
}

Sampler denoising_student(const Net& teacher, const distill::Couples<float>& couples,
                          const Budget& budget) {
  const Level noise = flow.at(1);
  Sampler out = by_euler(
      "denoising student",
      trained("denoising student", teacher, couples.data.dim(0), budget.student, budget,
              [&](const Net& net, const Net&, Tape<float>& tape, const train::Examples& e) {
                auto some = couples.rows(e.index);
                const distill::Lesson<float> lesson{
                    std::move(some.noise),
                    std::vector<Level>(static_cast<std::size_t>(some.data.dim(0)), noise),
                    std::move(some.data)};
                return lesson.loss(tape, denoiser(net));
              }));
  out.evaluations = {1};
  return out;
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
  std::fprintf(stderr, "  distribution matching\n");
  Net net = teacher, fake = teacher, average = teacher;
  train::AdamW<float> on_net({.lr = 2e-4}), on_fake({.lr = 1e-3});
  const auto real = denoiser(teacher);
  for (Index step = 0; step < budget.student; ++step) {
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

Net teacher_of_points(const Tensor<float>& x0, const Budget& budget) {
  Rng init(budget.seed);
  return trained("teacher", Net({.in = 2}, init), x0.dim(0), budget.teacher, budget,
                 [&](const Net& net, const Net&, Tape<float>& tape, const train::Examples& e) {
                   return denoiser(net).loss(tape, x0.rows(e.index), Rng(budget.seed), e.draws);
                 });
}

std::vector<Sampler> teacher_samplers(const Net& teacher) {
  return {by_euler("teacher, Euler", teacher),
          {"teacher, DPM++ 2M", [denoise = kept(teacher)](const Tensor<float>& noise, Index n) {
             return integrate(solver::DpmMulti<2>{}, denoise, noise, grid::uniform(flow, n));
           }}};
}

std::vector<Sampler> students(const Net& teacher, const Tensor<float>& x0, const Budget& budget) {
  std::vector<Sampler> out = progressive_samplers(teacher, x0, budget);
  out.push_back(tract(teacher, x0, budget));
  out.push_back(consistency(teacher, x0, budget));
  out.push_back(consistency_training(teacher, x0, budget));
  out.push_back(trajectory(teacher, x0, budget));
  const auto couples = runs(teacher, x0.dim(0));
  out.push_back(denoising_student(teacher, couples, budget));
  out.push_back(reflow(teacher, couples, budget));
  out.push_back(mean_flow(teacher, x0, budget));
  out.push_back(distribution_matching(teacher, x0, budget));
  return out;
}
