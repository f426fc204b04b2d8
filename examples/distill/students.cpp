#include "../support/text.hpp"
#include "stage.hpp"

using namespace foglift;

namespace {

const auto truncated_snr = distill::of_x0(weight::TruncatedSnr{});

/// One student for each number of steps, halved from 32.
std::vector<std::pair<Index, Net>> progressive(const Net& teacher, const Tensor<float>& x0,
                                               const Budget& budget) {
  std::vector<std::pair<Index, Net>> out;
  Net last = teacher;
  TimeGrid grid = grid::uniform(flow, 32);
  while (grid.size() > 2) {
    const Net from = last;
    last = trained(text("progressive %td", static_cast<Index>(grid.size()) / 2), from, x0.dim(0),
                   budget.student, budget,
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
        text("moment matching %td", steps), net, x0.dim(0), budget.student / 4, budget,
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
    nets.emplace_back(
        phases, trained(text("TRACT %td", phases), teacher, x0.dim(0), budget.student, budget,
                        [&](const Net& net, const Net& average, Tape<float>& tape,
                            const train::Examples& e) {
                          return distill::tract(denoiser(teacher), denoiser(average),
                                                x0.rows(e.index), grid, phases, Rng(budget.seed),
                                                e.draws, {.level_weight = truncated_snr})
                              .loss(tape, denoiser(net));
                        }));
  }
  return of_each("TRACT", std::move(nets));
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

}  // namespace

std::vector<Sampler> teacher_samplers(const Net& teacher) {
  return {by_euler("teacher, Euler", teacher),
          {"teacher, DPM++ 2M", [denoise = kept(teacher)](const Tensor<float>& noise, Index n) {
             return integrate(solver::DpmMulti<2>{}, denoise, noise, grid::uniform(flow, n));
           }}};
}

std::vector<Sampler> students(const Net& teacher, const Tensor<float>& x0, const Budget& budget) {
  std::vector<Sampler> out = progressive_samplers(teacher, x0, budget);
  out.push_back(tract(teacher, x0, budget));
  const auto couples = runs(teacher, x0.dim(0));
  out.push_back(denoising_student(teacher, couples, budget));
  out.push_back(reflow(teacher, couples, budget));
  for (Sampler& student : flow_map_students(teacher, x0, budget)) out.push_back(std::move(student));
  return out;
}
