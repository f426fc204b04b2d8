// What products of bfloat16 (Autocast) cost in quality: of samples of the plane at few and many
// steps, of forecasts of bicycle hires, of probes of handwritten digits, and of training.
//
//   quality_bfloat16                             prints the tables
//   quality_bfloat16 --page docs/performance.md  writes them between marks of the page
#include "bench/options.hpp"
#include "examples/distill/plane_data.hpp"
#include "examples/distill/stage.hpp"
#include "examples/support/digits.hpp"
#include "examples/support/marked_page.hpp"
#include "examples/support/text.hpp"
#include "foglift/core/autocast.hpp"
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "foglift/forecast/score/backtest.hpp"
#include "foglift/forecast/series/read.hpp"
#include "foglift/nn/nets/dit.hpp"
#include "foglift/probe/search.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <exception>

using namespace foglift;

namespace {

struct Asked {
  Index seeds = 3, steps = 2000, points = 10'000;
  std::string page;
};

constexpr ProductType both[] = {ProductType::float32, ProductType::bfloat16};
const char* name_of(ProductType type) { return type == ProductType::float32 ? "fp32" : "bf16"; }

/// Mean and standard error.
struct Mean {
  double value, error;
};
Mean mean_of(const std::vector<double>& x) {
  double m = 0, square = 0;
  const auto n = static_cast<double>(x.size());
  for (const double v : x) m += v / n;
  for (const double v : x) square += (v - m) * (v - m);
  return {m, std::sqrt(square / (n - 1) / n)};
}

/// Losses of every step of training by flow matching.
template <class Model>
std::vector<double> losses(Model& net, const Tensor<float>& x0, Index batch, const Asked& asked,
                           std::uint64_t seed) {
  train::FitState state(std::move(net), train::Adam<float>({.lr = 1e-3}), seed);
  std::vector<double> all;
  train::fit(
      state,
      [&](const Model& model, Tape<float>& tape, const train::Examples& e) {
        return NetworkDenoiser(model, predict::FlowVelocity{}, flow)
            .loss(tape, x0.rows(e.index), Rng(seed), e.draws);
      },
      {.examples = x0.dim(0), .batch = batch, .steps = asked.steps},
      [&](const train::FitProgress& p) { all.push_back(p.loss); });
  net = state.result();
  return all;
}

/// Both types are shown the same examples, times and noise at every step, so what differs is the
/// products: the difference of the losses, averaged over blocks of 100 steps that are taken to be
/// independent, beside the standard error of that mean.
std::string training_row(const char* name, const std::vector<double>& fp32,
                         const std::vector<double>& bf16) {
  std::vector<double> blocks;
  double mean = 0, last = 0;
  for (std::size_t i = 0; i < fp32.size(); ++i) {
    if (i % 100 == 0) blocks.push_back(0);
    blocks.back() += (bf16[i] - fp32[i]) / 100;
    mean += fp32[i] / static_cast<double>(fp32.size());
    if (2 * i >= fp32.size()) last += 2 * fp32[i] / static_cast<double>(fp32.size());
  }
  const Mean d = mean_of(blocks);
  return text("| %s | %zu | %.4f | %.4f | %+.5f | %.5f |\n", name, fp32.size(), mean, last, d.value,
              d.error);
}

/// Rows of the plane, and the MLP's row of the training table.
std::string plane(const Asked& asked, std::string& training) {
  std::string table =
      "| steps of Euler | fp32 to held-out points | bf16 | trained in bf16 | fp32 to fp32 of "
      "another seed | "
      "bf16 to it |\n|---|---|---|---|---|---|\n";
  constexpr std::array<Index, 4> steps = {5, 10, 20, 50};
  std::array<std::array<std::vector<double>, 5>, 4> distances;
  std::vector<double> fp32, bf16;
  const PlaneData data = plane_data(asked.points, Rng(1)).front();
  for (Index seed = 1; seed <= asked.seeds; ++seed) {
    const auto key = static_cast<std::uint64_t>(seed);
    Rng init(key);
    const Net start({.in = 2}, init);
    Net net = start, half = start;
    const auto a = losses(net, data.train, 64, asked, key);
    const auto b = [&] {
      const Autocast autocast;
      return losses(half, data.train, 64, asked, key);
    }();
    fp32.insert(fp32.end(), a.begin(), a.end());
    bf16.insert(bf16.end(), b.begin(), b.end());
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const auto draw = [&](const Net& model, ProductType type, std::uint64_t noise) {
        const Autocast products(type);
        return integrate(solver::Euler{}, denoiser(model),
                         Rng(noise + key).normal<float>({asked.points, 2}),
                         grid::uniform(flow, steps[i]));
      };
      const auto whole = draw(net, ProductType::float32, 100);
      const auto rounded = draw(net, ProductType::bfloat16, 100);
      const auto other = draw(net, ProductType::float32, 200);
      const double found[] = {distance_of(whole, data.held_out),
                              distance_of(rounded, data.held_out),
                              distance_of(draw(half, ProductType::bfloat16, 100), data.held_out),
                              distance_of(whole, other), distance_of(rounded, other)};
      for (std::size_t k = 0; k < 5; ++k) distances[i][k].push_back(found[k]);
    }
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    table += text("| %td |", steps[i]);
    for (const auto& d : distances[i]) {
      double m = 0;
      for (const double v : d) m += v / static_cast<double>(d.size());
      table += text(" %.4f |", m);
    }
    table += '\n';
  }
  training += training_row("MLP of width 128, hires of two consecutive hours", fp32, bf16);
  return table;
}

/// A transformer on days of hires, for the training table.
std::string transformer(const std::vector<double>& hires, const Asked& asked) {
  constexpr Index length = 48;
  std::vector<float> rows;
  Index days = 0;
  for (std::size_t from = 0; from + length <= hires.size(); from += 24) {
    bool known = true;
    for (std::size_t t = from; t < from + length; ++t) known = known && std::isfinite(hires[t]);
    if (!known) continue;
    for (std::size_t t = from; t < from + length; ++t)
      rows.push_back(static_cast<float>(std::sqrt(hires[t]) / 8 - 1.5));
    ++days;
  }
  const Tensor<float> x0({days, length, 1}, rows);
  std::vector<double> found[2];
  for (const ProductType type : both) {
    const Autocast products(type);
    Rng init(7);
    nn::Dit1d<float> net({.in = 1, .width = 64, .depth = 2, .heads = 2, .extents = {length}}, init);
    found[static_cast<std::size_t>(type)] = losses(net, x0, 16, asked, 7);
  }
  return training_row("transformer of width 64, two days of hires", found[0], found[1]);
}

/// CRPS of the next day by a model trained in each type, drawn in each type.
std::string forecasts(forecast::Series hires) {
  hires.values.erase(hires.values.begin(), hires.values.end() - 365 * 24);
  constexpr Index horizon = 24;
  const std::vector<forecast::Series> series = {hires};
  const auto origins = forecast::rolling_origins(hires, horizon, 14);
  auto past = series;
  past[0].values.resize(hires.values.size() - 14 * horizon);
  std::string row = "| forecast of a day of hires, 14 windows: CRPS |";
  for (const ProductType trained : both) {
    using Model = forecast::Forecaster<forecast::HorizonDiffusion<>>;
    Model model({.frame = {.horizon = horizon, .context = 168, .seasons = {24, 168}},
                 .net = {.width = 32, .multipliers = {1, 2}, .blocks = 1}},
                {.validation = 168, .batch = 32, .steps = 500});
    {
      const Autocast products(trained);
      model.fit(past);
    }
    for (const ProductType drawn : both) {
      if (trained == ProductType::bfloat16 && drawn == ProductType::float32) continue;
      const Autocast products(drawn);
      const auto s =
          forecast::score("model", model.paths(series, origins, 100), series, origins, 24);
      row += text(" %.3f |", s.crps);
    }
  }
  return row + '\n';
}

/// Test accuracy of linear probes of a U-Net's activations.
std::string probes(const Asked& asked) {
  const Digits digits = read_digits(FOGLIFT_EXAMPLE_DATA "/digits.csv");
  const auto split =
      probe::stratified_split(digits.labels, Rng(3), {.validation = 0.25, .test = 0.25});
  std::string row = "| linear probe of digits, best of 3 levels: test accuracy, % |";
  for (const ProductType trained : both) {
    Rng init(5);
    nn::UNet2d<float> net({.in = 1, .width = 32, .multipliers = {1, 2}, .blocks = 1}, init);
    {
      const Autocast products(trained);
      Asked fewer = asked;
      fewer.steps = asked.steps / 4;
      losses(net, probe::gather(digits.images, split.train), 64, fewer, 5);
    }
    const NetworkDenoiser denoise(net, predict::FlowVelocity{}, flow);
    const std::vector<Level> levels = {denoise.at(0.1), denoise.at(0.3), denoise.at(0.5)};
    for (const ProductType read : both) {
      if (trained == ProductType::bfloat16 && read == ProductType::float32) continue;
      const Autocast products(read);
      const auto map = probe::heat_map(denoise, digits.images, digits.labels, digit_classes, split,
                                       levels, probe::noise::Fixed{Rng(2)});
      row += text(" %.1f |", 100 * probe::accuracy(map.best().predicted,
                                                   probe::gather(digits.labels, split.test)));
    }
  }
  return row + '\n';
}

}  // namespace

int main(int count, char** words) try {
  Asked a;
  read_options(count, words, 1,
               {{"--seeds", &a.seeds}, {"--steps", &a.steps}, {"--points", &a.points}},
               {{"--page", &a.page}});
  const forecast::Series hires =
      forecast::read_panel(FOGLIFT_EXAMPLE_DATA "/bikes.csv").series.at(0);
  std::string training =
      "| training | steps | mean loss, fp32 | of the second half | bf16 less fp32 | standard error "
      "|\n|---|---|---|---|---|---|\n";
  std::string tables = plane(a, training) + '\n';
  std::fputs(tables.c_str(), stdout);
  training += transformer(hires.values, a);
  std::fputs(training.c_str(), stdout);
  std::string tasks = "\n| task | fp32 | bf16 | trained in bf16 too |\n|---|---|---|---|\n";
  tasks += forecasts(hires) + probes(a);
  std::fputs(tasks.c_str(), stdout);
  tables += training + tasks;
  if (!a.page.empty()) write_marked(a.page, "bfloat16", tables);
} catch (const std::exception& e) {
  std::fprintf(stderr, "quality_bfloat16: %s\n", e.what());
  return 1;
}
