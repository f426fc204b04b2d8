// Missing values of many channels, filled by a diffusion model of windows, by the protocol of
// papers: AQI-36 (Yi et al. 2016), 36 stations, 20,434 hidden hours of four months, windows of 36
// hours, 100 paths; MAE of their median, and CSDI's CRPS (Tashiro et al. 2021). Beside it straight
// lines and what is published, and what each solver costs.
//
//   imputation_protocols --data DIR --minutes 20
//   imputation_protocols --data DIR --steps 4000 --seed 2 --page docs/forecasting.md
//
// DIR holds the public files pm25_aqi36/pm25_{ground,missing,latlng}.txt and pm25_meanstd.csv.
// Training ends after --steps, or --minutes if these are over first; --width of the network, --rate
// of learning, in millionths; --checkpoint FILE is trained on where there is one, and written after
// training; --evaluations of a path, --paths of a window (100); --few windows of each month for the
// table of solvers (0: no table); --page: writes the tables between its marks instead of printing
// them.
#include "air_quality.hpp"
#include "bench/options.hpp"
#include "examples/support/marked_page.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "foglift/forecast/impute/window_imputer.hpp"
#include "foglift/forecast/methods/csdi.hpp"
#include "foglift/forecast/score/calibration.hpp"
#include "foglift/forecast/score/point.hpp"
#include "foglift/io/checkpoint.hpp"
#include "foglift/train/callbacks/budget.hpp"
#include "foglift/train/callbacks/every.hpp"
#include "line.hpp"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>

using namespace foglift;
using namespace foglift::forecast;

namespace {

using Model = WindowImputer<Csdi>;

struct Asked {
  std::string data, page, checkpoint;
  Index steps = 4000, minutes = 60, seed = 1, width = 16, rate = 3000, few = 2;
  Index evaluations = 8, paths = 100;
};

Asked asked(int count, char** words) {
  Asked out;
  const std::map<std::string, Index*> numbers = {{"--steps", &out.steps},
                                                 {"--minutes", &out.minutes},
                                                 {"--seed", &out.seed},
                                                 {"--width", &out.width},
                                                 {"--rate", &out.rate},
                                                 {"--few", &out.few},
                                                 {"--evaluations", &out.evaluations},
                                                 {"--paths", &out.paths}};
  const std::map<std::string, std::string*> texts = {
      {"--data", &out.data}, {"--page", &out.page}, {"--checkpoint", &out.checkpoint}};
  read_options(count, words, 1, numbers, texts);
  if (out.data.empty())
    raise<ArgumentError>("imputation_protocols --data DIR; see the head of its source");
  return out;
}

/// Paths of hidden cells, [1, paths, cells], and what stood there, [1, cells].
struct Judged {
  Tensor<double> paths, came;
};

/// Of paths [paths, cells, stations] of each month, of as many cells as they have.
Judged judged(const AirQuality& air, const std::vector<Tensor<double>>& months) {
  std::vector<double> came;
  std::vector<std::vector<double>> paths(static_cast<std::size_t>(months.at(0).dim(0)));
  for (std::size_t m = 0; m < months.size(); ++m)
    for (Index t = 0; t < months[m].dim(1); ++t)
      for (Index k = 0; k < air.stations(); ++k) {
        const double truth = air.hidden[m](t, k);
        if (std::isnan(truth)) continue;
        came.push_back(truth);
        for (Index p = 0; p < months[m].dim(0); ++p)
          paths[static_cast<std::size_t>(p)].push_back(months[m](p, t, k));
      }
  Judged out{Tensor<double>({1, std::ssize(paths), std::ssize(came)}),
             Tensor<double>({1, std::ssize(came)})};
  std::copy(came.begin(), came.end(), out.came.begin());
  for (Index p = 0; p < std::ssize(paths); ++p)
    std::copy(paths[static_cast<std::size_t>(p)].begin(), paths[static_cast<std::size_t>(p)].end(),
              out.paths.data() + p * std::ssize(came));
  return out;
}

std::string scores(const Judged& j) {
  std::string out =
      line("%.2f | %.4f", mae(j.paths, j.came),
           mean_weighted_quantile_loss(j.paths, j.came, nineteen_levels, quantile_linear));
  if (j.paths.dim(1) < 2) return out + " | |";
  return out + line(" | %.1f %% | %.2f", 100 * coverage(j.paths, j.came, 0.8),
                    spread_skill(j.paths, j.came).ratio);
}

/// The first `few` windows of each month, or all of it.
std::vector<Series> first_windows(std::vector<Series> months, Index few, Index window) {
  for (Series& s : months)
    s.values.resize(static_cast<std::size_t>(std::min(s.size(), few * window) * s.channels));
  return months;
}

template <class S>
Judged filled(const AirQuality& air, const Model& model, const std::vector<Series>& months,
              Index paths, const S& solver, Index steps) {
  std::vector<Tensor<double>> out;
  for (Index m = 0; m < std::ssize(months); ++m) {
    Tensor<double> y = model.paths(months, m, paths, solver, steps);
    const Index K = air.stations();
    for (Index i = 0; i < y.size(); ++i) y[i] = air.mean[i % K] + air.deviation[i % K] * y[i];
    out.push_back(std::move(y));
  }
  return judged(air, out);
}

/// What straight lines make of the first cells of each month, as many as `months` have.
Judged lines(const AirQuality& air, const std::vector<Series>& months) {
  std::vector<Tensor<double>> out;
  for (std::size_t m = 0; m < months.size(); ++m) {
    const Index n = months[m].size();
    out.push_back(air.lines[m].rows(0, n).reshaped({1, n, air.stations()}));
  }
  return judged(air, out);
}

/// Rows of the table of solvers.
std::string solvers(const AirQuality& air, const Model& model, const std::vector<Series>& months,
                    Index chain) {
  std::string out =
      "| solver | evaluations | MAE | CRPS | 80 % holds | spread / error | s |\n"
      "|---|---|---|---|---|---|---|\n| straight lines | | " +
      scores(lines(air, months)) + " | |\n";
  const auto rows = [&](const char* name, const auto& solver) {
    for (const Index evaluations : {1, 2, 4, 8, 16, 32, 50, 100}) {
      if (evaluations > chain) continue;
      const double began = seconds();
      const Judged j = filled(air, model, months, 25, solver, evaluations);
      const std::string s = scores(j);
      out += line("| %s | %td | ", name, evaluations) + s + line(" | %.1f |\n", seconds() - began);
      std::fprintf(stderr, "%s, %td evaluations: %s\n", name, evaluations, s.c_str());
    }
  };
  rows("DDPM", solver::Ddpm{});
  rows("DDIM", solver::Ddim{});
  rows("DPM-Solver++ 2M", solver::DpmMulti<2>{});
  std::fprintf(stderr, "\n");
  return out;
}

}  // namespace

int main(int count, char** words) try {
  const Asked a = asked(count, words);
  const AirQuality air = air_quality(a.data);
  std::string out =
      "AQI-36, 36 stations, windows of 36 hours; MAE of the median, CRPS: mean "
      "weighted "
      "quantile loss, 19 levels, linear.\n\n"
      "| filling | MAE | CRPS | 80 % holds | spread / error | s |\n|---|---|---|---|---|---|\n";
  const Judged straight = lines(air, air.test);
  out += "| straight lines, " + std::to_string(straight.came.size()) + " hidden hours | " +
         scores(straight) + " | |\n";
  std::fprintf(stderr, "%s", out.c_str());
  CsdiOptions method =
      CsdiOptions::small({.horizon = 12, .context = 24, .columns = {.channels = air.stations()}});
  method.width = a.width;
  Model model(method, {.steps = a.steps,
                       .learning_rate = 1e-6 * static_cast<double>(a.rate),
                       .seed = static_cast<std::uint64_t>(a.seed)});
  if (std::filesystem::exists(a.checkpoint)) io::Checkpoint(a.checkpoint).restore(model.state());
  double began = seconds();
  model.fit({.train = air.train, .held_out = air.held_out, .patterns = air.patterns},
            train::callback::Every(20,
                                   [&](const train::FitProgress& f) {
                                     std::fprintf(stderr, "step %td of %td, loss %.4f %.0f s\n",
                                                  f.step, f.steps, f.smoothed_loss,
                                                  seconds() - began);
                                   }),
            train::callback::Budget(seconds, 60.0 * static_cast<double>(a.minutes)));
  const double training = seconds() - began;
  if (!a.checkpoint.empty()) io::save_checkpoint(a.checkpoint, model.state(), "");
  std::string table;
  if (a.few > 0)
    table = "\nThe first " + std::to_string(a.few) + " windows of each month, 25 paths:\n\n" +
            solvers(air, model, first_windows(air.test, a.few, model.window()), method.steps);
  const auto row = [&](const char* name, const auto& solver, Index steps) {
    began = seconds();
    const std::string s = scores(filled(air, model, air.test, a.paths, solver, steps));
    out += "| " + line("%s, %td evaluations", name, steps) + " | " + s +
           line(" | %.0f |\n", seconds() - began);
    std::fprintf(stderr, "%s, %td evaluations: %s\n", name, steps, s.c_str());
  };
  row("Csdi, DDPM", solver::Ddpm{}, a.evaluations);
  row("Csdi, DPM-Solver++ 2M", solver::DpmMulti<2>{}, a.evaluations);
  out += line("| &nbsp; width %td, trained for %td steps | | | | | %.0f |\n", a.width,
              model.state().step, training);
  for (const char* other : {"PriSTI | 9.03 | .0997", "CSDI | 9.60 | .108", "GLIMA | 10.54 |",
                            "BRITS | 11.56 |", "unconditional diffusion | | .135",
                            "Multitask GP | | .301", "GP-VAE | | .397", "V-RIN | | .526"})
    out += "| published: " + std::string(other) + " | | | |\n";
  out += table;
  if (a.page.empty())
    std::printf("%s", out.c_str());
  else
    write_marked(a.page, "protocol-aqi36", "\n" + out + "\n");
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
