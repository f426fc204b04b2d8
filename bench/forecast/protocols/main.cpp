// A diffusion forecaster by the protocols of papers, beside the trivial forecast and what is
// published, and what its quality costs: CRPS, coverage and spread for each solver and number of
// evaluations.
//
//   forecast_protocols m4 --data DIR                  also: exchange, etth1
//   forecast_protocols m4 --data DIR --steps 8000 --seeds 3 --page docs/forecasting.md
//
// DIR holds the public files m4/Hourly-{train,test}.csv (Makridakis et al. 2020),
// gluonts_nips/exchange_rate_nips_test.csv (GluonTS's data of the TimeGrad paper: a line for each
// window and currency, up to the window's end), and ett/ETTh1.csv (Zhou et al. 2021).
// --steps of training, --seeds of it, --few windows and 50 paths for the table of solvers (0: no
// table), --page: writes the tables between its marks instead of printing them.
#include "bench/options.hpp"
#include "examples/support/marked_page.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "foglift/diffusion/solver/uni_pc.hpp"
#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "foglift/forecast/score/calibration.hpp"
#include "foglift/forecast/score/quantile.hpp"
#include "foglift/train/callbacks/every.hpp"
#include "line.hpp"
#include "protocol.hpp"

#include <cstdio>
#include <exception>
#include <map>

using namespace foglift;
using namespace foglift::forecast;

namespace {

using Model = Forecaster<HorizonDiffusion<>>;

struct Asked {
  std::string protocol, data, page;
  Index steps = 4000, seeds = 1, width = 32, few = 60;
};

Asked asked(int count, char** words) {
  Asked out;
  const std::map<std::string, Index*> numbers = {{"--steps", &out.steps},
                                                 {"--seeds", &out.seeds},
                                                 {"--width", &out.width},
                                                 {"--few", &out.few}};
  const std::map<std::string, std::string*> texts = {{"--data", &out.data}, {"--page", &out.page}};
  if (count > 1) out.protocol = words[1];
  read_options(count, words, 2, numbers, texts);
  if (out.data.empty())
    raise<ArgumentError>("forecast_protocols PROTOCOL --data DIR; see the head of its source");
  return out;
}

/// [windows, horizon] of what came, every channel a window of its own.
Tensor<double> actual(const Protocol& p, std::span<const Origin> origins) {
  Tensor<double> values = actual_values(p.series, origins, p.frame.horizon);
  const Index W = values.dim(0), H = values.dim(1), K = p.frame.columns.channels;
  return each_channel(std::move(values).reshaped({W, 1, H, K})).reshaped({W * K, H});
}

std::string scores(const Protocol& p, const Tensor<double>& paths, const Tensor<double>& came) {
  const SpreadSkill spread = spread_skill(paths, came);
  return line("%.4f | %.1f %% | %.2f | %.2f", p.crps(paths, came), 100 * coverage(paths, came, 0.8),
              spread.ratio, qice(paths, came));
}

/// The same of the sum over all channels, 19 levels.
std::string sum_score(const Tensor<double>& paths, const Tensor<double>& came) {
  const auto sum = [](const Tensor<double>& x) {
    const Index K = x.dim(x.rank() - 1);
    Tensor<double> out(x.rank() == 4 ? Shape{x.dim(0), x.dim(1), x.dim(2)}
                                     : Shape{x.dim(0), x.dim(1)});
    for (Index i = 0; i < x.size(); ++i) out[i / K] += x[i];
    return out;
  };
  return line("%.4f", mean_weighted_quantile_loss(sum(paths), sum(came), nineteen_levels));
}

Model trained(const Protocol& p, const Asked& a, Index seed) {
  Model model({.frame = p.frame,
               .net = {.width = a.width,
                       .multipliers = {1, 2},
                       .blocks = 1,
                       .middle_attention = false,
                       .dropout = 0.1}},
              {.validation = p.validation,
               .batch = 64,
               .steps = a.steps,
               .ema = 0.999,
               .validate_every = 500,
               .seed = static_cast<std::uint64_t>(seed)});
  model.fit(p.past, train::callback::Every(100, [&](const train::FitProgress& f) {
              std::fprintf(stderr, "\rseed %td: step %td of %td, loss %.4f ", seed, f.step, f.steps,
                           f.smoothed_loss);
            }));
  std::fprintf(stderr, "\n");
  return model;
}

/// Rows of the table of solvers.
std::string solvers(const Protocol& p, const Model& model, Index few) {
  std::vector<Origin> origins;
  const Index all = std::ssize(p.origins), count = std::min(few, all);
  for (Index i = 0; i < count; ++i)
    origins.push_back(p.origins[static_cast<std::size_t>(i * all / count)]);
  const Tensor<double> came = actual(p, origins);
  std::string out =
      "| solver | evaluations | CRPS | 80 % holds | spread / error | QICE | s |\n"
      "|---|---|---|---|---|---|---|\n";
  const auto rows = [&](const char* name, const auto& solver, Index calls_a_step) {
    for (const Index evaluations : {1, 2, 4, 8, 16, 32, 50, 100}) {
      if (evaluations < calls_a_step) continue;
      // The last step of Heun's rule has one evaluation.
      const Index steps = (evaluations + calls_a_step - 1) / calls_a_step;
      const double began = seconds();
      const Tensor<double> paths = each_channel(model.paths(
          p.series, origins, 50, [&](const auto& method, const Frame& frame, const PathKeys& keys) {
            return method.draw(frame, keys, solver, steps);
          }));
      out += line("| %s | %td | ", name, evaluations) + scores(p, paths, came) +
             line(" | %.1f |\n", seconds() - began);
      std::fprintf(stderr, "\r%s, %td evaluations ", name, evaluations);
    }
  };
  rows("DDPM", solver::Ddpm{}, 1);
  rows("DDIM", solver::Ddim{}, 1);
  rows("DPM-Solver++ 2M", solver::DpmMulti<2>{}, 1);
  rows("SDE-DPM-Solver++ 2M", solver::SdeDpmMulti<2>{}, 1);
  rows("UniPC 2", solver::UniPc<2>{}, 1);
  rows("Heun", solver::Heun{}, 2);
  std::fprintf(stderr, "\n");
  return out;
}

}  // namespace

int main(int count, char** words) try {
  const Asked a = asked(count, words);
  const std::map<std::string, Protocol (*)(const std::string&)> protocols = {
      {"m4", m4_hourly}, {"exchange", exchange}, {"etth1", etth1}};
  const auto found = protocols.find(a.protocol);
  if (found == protocols.end())
    raise<ArgumentError>("forecast_protocols: no protocol '", a.protocol,
                         "'; there are m4, exchange and etth1");
  const Protocol p = found->second(a.data);
  const Index channels = p.frame.columns.channels;
  const Tensor<double> came = actual(p, p.origins);
  const Tensor<double> sums = actual_values(p.series, p.origins, p.frame.horizon);

  std::string out = p.title + "; CRPS: " + p.convention +
                    ".\n\n| forecast | CRPS | 80 % holds | spread / error | QICE |" +
                    (channels > 1 ? " CRPS of sums, 19 levels |" : "") +
                    " s |\n|---|---|---|---|---|" + (channels > 1 ? "---|" : "") + "---|\n";
  const auto row = [&](const std::string& name, const Tensor<double>& paths, double took) {
    out += "| " + name + " | " + scores(p, each_channel(paths), came) +
           (channels > 1 ? " | " + sum_score(paths, sums) : "") + line(" | %.0f |\n", took);
  };
  {  // Without a model, all channels by the same draws: their errors come from the same days.
    const double began = seconds();
    const BaselineOptions options{
        .horizon = p.frame.horizon, .paths = 100, .seasons = p.frame.seasons};
    const Index W = std::ssize(p.origins), H = p.frame.horizon;
    Tensor<double> paths(channels > 1 ? Shape{W, 100, H, channels} : Shape{W, 100, H});
    for (Index k = 0; k < channels; ++k) {
      std::vector<Series> one;
      for (const Series& s : p.series) one.push_back(channel_of(s, k));
      const Tensor<double> drawn = baseline_paths(
          one, p.origins, options, Rng(1), [&](std::span<const double> past, const Rng& rng) {
            return p.trivial(past, options, rng);
          });
      for (Index i = 0; i < drawn.size(); ++i) paths[i * channels + k] = drawn[i];
    }
    row(p.trivial_name, paths, seconds() - began);
  }
  std::string table;
  for (Index seed = 1; seed <= a.seeds; ++seed) {
    double began = seconds();
    const Model model = trained(p, a, seed);
    const double training = seconds() - began;
    began = seconds();
    const Tensor<double> paths = model.paths(p.series, p.origins, 100);
    row("diffusion, DDIM 16, seed " + std::to_string(seed), paths, seconds() - began);
    out += line("| &nbsp; trained for %td steps | | | |%s %.0f |\n", a.steps,
                channels > 1 ? " | |" : " |", training);
    if (seed == 1 && a.few > 0) table = solvers(p, model, a.few);
  }
  for (const Published& other : p.published)
    out += line("| published: %s | %s | | |%s\n", other.name, other.number,
                channels > 1 ? " | | |" : " | |");
  if (!table.empty()) out += "\n" + table;
  if (a.page.empty())
    std::printf("%s", out.c_str());
  else
    write_marked(a.page, "protocol-" + a.protocol, "\n" + out + "\n");
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
