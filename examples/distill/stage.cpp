#include "stage.hpp"

#include "../support/progress.hpp"
#include "../support/text.hpp"

#include <algorithm>
#include <filesystem>

using namespace foglift;

Net trained(const std::string& name, Net net, Index examples, Index steps, const Budget& budget,
            const StageLoss& loss) {
  train::FitState state(std::move(net), train::AdamW<float>({.lr = 1e-3}), budget.seed);
  std::string file = budget.folder + "/" + name + ".safetensors";
  std::replace(file.begin() + std::ssize(budget.folder), file.end(), ' ', '_');
  if (!budget.folder.empty() && std::filesystem::exists(file)) {
    try {
      io::load_checkpoint(file, state, budget.config);
    } catch (const Error& e) {
      raise<FormatError>(e.what(), "; add --force to begin anew, or choose another --out");
    }
  }
  Progress bar(name, budget.quiet);
  const auto stopped = [&] { return budget.interrupt && budget.interrupt->requested(); };
  const auto end = train::fit(
      state,
      [&](const Net& model, Tape<float>& tape, const train::Examples& e) {
        return loss(model, state.ema, tape, e);
      },
      {.examples = examples,
       .batch = budget.batch,
       .shard = budget.batch,
       .steps = steps,
       .rate = train::CosineRate{.steps = steps, .warm_up = 50},
       .clip = 1,
       .ema = {.decay = 0.995}},
      train::callback::StopWhen(stopped),
      [&](const train::FitProgress& p) {
        bar.update(p.step, p.steps, text("loss %.4f", p.smoothed_loss));
      });
  if (!budget.folder.empty()) io::save_checkpoint(file, state, budget.config);
  if (end == train::FitEnd::stopped) throw Interrupted{budget.interrupt->signal()};
  return state.result();
}

Sampler by_euler(std::string name, Net net) {
  return {std::move(name), [denoise = kept(std::move(net))](const Tensor<float>& noise, Index n) {
            return integrate(solver::Euler{}, denoise, noise, grid::uniform(flow, n));
          }};
}

Net teacher_of_points(const Tensor<float>& x0, const Budget& budget) {
  Rng init(budget.seed);
  return trained("teacher", Net({.in = 2}, init), x0.dim(0), budget.teacher, budget,
                 [&](const Net& net, const Net&, Tape<float>& tape, const train::Examples& e) {
                   return denoiser(net).loss(tape, x0.rows(e.index), Rng(budget.seed), e.draws);
                 });
}
