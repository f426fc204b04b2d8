// Which solver is good at few evaluations on trained networks? Trains two small denoisers, of
// handwritten digits and of days of bicycle hires, and measures how far runs of 5, 10 and 20
// evaluations end from where the probability-flow ODE ends.
//
//   few_steps                  prints the table (two to three minutes on 2 cores)
//   few_steps docs/solvers.md  writes it between <!-- few-steps-trained --> and <!--
//   /few-steps-trained -->
#include "examples/support/digits.hpp"
#include "examples/support/marked_page.hpp"
#include "foglift/foglift.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <vector>

using namespace foglift;

namespace {

const schedule::Cosine cosine;

/// Days of hourly hires [n, 24, 1], standardized.
Tensor<float> days(const std::string& path) {
  const std::vector<double>& hires = data::read_csv(path).numbers("bikes");
  const auto n = static_cast<Index>(hires.size()) / 24;
  Tensor<float> out({n, 24, 1});
  double mean = 0, square = 0;
  for (Index i = 0; i < out.size(); ++i) {
    const double v = hires[static_cast<std::size_t>(i)];
    out[i] = static_cast<float>(std::isfinite(v) ? v : 0);
    mean += static_cast<double>(out[i]) / static_cast<double>(out.size());
    square +=
        static_cast<double>(out[i]) * static_cast<double>(out[i]) / static_cast<double>(out.size());
  }
  const double deviation = std::sqrt(square - mean * mean);
  for (float& v : out) v = static_cast<float>((static_cast<double>(v) - mean) / deviation);
  return out;
}

/// The network after `steps` steps on the examples x0 [n, ...].
template <class Net>
Net trained(const char* name, Net net, const Tensor<float>& x0, Index steps) {
  const Rng noise(2);
  const auto loss = [&](const Net& model, Tape<float>& tape, const train::Examples& examples) {
    return NetworkDenoiser(model, predict::Velocity{}, cosine)
        .loss(tape, x0.rows(examples.index), noise,
              {.samples = examples.draws.samples, .step = examples.draws.step});
  };
  train::FitState state(std::move(net), train::AdamW<float>({.lr = 1e-3}), 1);
  train::fit(state, loss,
             {.examples = x0.dim(0),
              .batch = 64,
              .steps = steps,
              .rate = train::CosineRate{.steps = steps, .warm_up = 50},
              .clip = 1,
              .ema = {.decay = 0.995}},
             train::callback::Every(100, [&](const train::FitProgress& p) {
               std::fprintf(stderr, "\r%s: step %td of %td, loss %.3f ", name, p.step, p.steps,
                            p.smoothed_loss);
             }));
  std::fprintf(stderr, "\n");
  return state.result();
}

/// Evaluations that a run takes.
template <class S>
Index calls(const S& solver, const TimeGrid& grid) {
  Index n = 0;
  const auto exact = analytic::gaussian({.mean = 0, .variance = 1});
  const auto counted = [&](const Tensor<float>& x, const Level& level) {
    ++n;
    return exact(x, level);
  };
  integrate(solver, counted, Tensor<float>({1, 1}), grid);
  return n;
}

/// Root mean square over the samples' elements of the distance from where the flow ends; the run
/// takes as many steps as its evaluations allow.
template <class S, class D, class F>
double distance(const S& solver, const D& denoise, const Tensor<float>& start,
                const Tensor<float>& end, Index evaluations, const F& make) {
  Index steps = evaluations;
  while (steps > 1 && calls(solver, make(steps)) > evaluations) --steps;
  const auto grid = make(steps);
  Tensor<float> x = start;
  for (float& v : x) v *= static_cast<float>(grid.front().sigma);
  x = integrate(solver, denoise, std::move(x), grid);
  double sum = 0;
  for (Index i = 0; i < x.size(); ++i)
    sum += std::pow(static_cast<double>(x[i]) - static_cast<double>(end[i]), 2);
  return std::sqrt(sum / static_cast<double>(x.size()));
}

template <class D, class F>
void rows(std::string& out, const char* data, const char* name, const D& denoise,
          const Shape& shape, const F& make) {
  using namespace solver;
  const auto start = Rng(7).normal(shape);
  const auto fine = make(300);
  Tensor<float> end = start;
  for (float& v : end) v *= static_cast<float>(fine.front().sigma);
  end = integrate(DpmMulti<2>{}, denoise, std::move(end), fine);
  for (const Index evaluations : {5, 10, 20}) {
    std::vector<double> errors;
    const auto add = [&](const auto& solver) {
      errors.push_back(distance(solver, denoise, start, end, evaluations, make));
    };
    add(Euler{});
    add(DpmMulti<2>{});
    add(UniPc<2>{});
    add(DpmMulti<3>{});
    add(UniPc<3>{});
    add(Deis<3>{});
    add(Lms<4>{});
    add(Heun{});
    add(Dpm2{});
    const double least = *std::min_element(errors.begin(), errors.end());
    add(at_any_length(DpmMulti<3>{}));
    add(at_any_length(UniPc<3>{}));
    add(at_any_length(Heun{}));
    out += "| " + std::string(data) + " | " + std::to_string(evaluations) + " | " + name + " |";
    for (const double e : errors) {
      char text[32];
      std::snprintf(text, sizeof(text), e == least ? " **%.3f** |" : " %.3f |", e);
      out += text;
    }
    out += "\n";
  }
}

template <class D>
void table(std::string& out, const char* data, const D& denoise, const Shape& shape) {
  std::fprintf(stderr, "%s: sampling\n", data);
  rows(out, data, "uniform, cosine", denoise, shape,
       [](Index n) { return grid::uniform(cosine, n); });
  rows(out, data, "uniform log-SNR, VP", denoise, shape,
       [](Index n) { return grid::log_snr(schedule::Linear{}, n, {.min = 0.01, .max = 80}); });
  rows(out, data, "Karras, VP", denoise, shape,
       [](Index n) { return grid::karras(schedule::Linear{}, n, {.min = 0.01, .max = 80}); });
}

std::string page(const std::string& folder) {
  std::string out =
      "## Few steps on trained networks\n\n"
      "Written by `build/release/bench/few_steps docs/solvers.md`. Root mean square distance, an "
      "element, of where a run ends\nfrom where the probability-flow ODE ends (2M, 300 steps of "
      "the same grid), from the same noise; data of deviation\nabout 1. Networks trained in the "
      "run: U-Nets of handwritten digits (8 x 8) and of days of bicycle hires (24 hours); and\n"
      "an exact mixture of four Gaussians. Each solver with its defaults, as many steps as the "
      "evaluations allow; the last three\ncolumns are `at_any_length`, the rules as published.\n\n"
      "| data | evaluations | grid | DDIM | 2M | UniPC 2 | 3M | UniPC 3 | DEIS 3 | LMS 4 | Heun | "
      "DPM2 | 3M, any length | UniPC 3, any length | Heun, any length |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  const analytic::Mixture mixture({{.weight = 0.1, .mean = {-1.6}, .variance = 0.02},
                                   {.weight = 0.4, .mean = {-0.5}, .variance = 0.05},
                                   {.weight = 0.3, .mean = {0.6}, .variance = 0.1},
                                   {.weight = 0.2, .mean = {1.6}, .variance = 0.01}});
  table(out, "mixture", mixture, {4000, 1});
  Rng rng(1);
  const auto digits = trained(
      "digits", nn::UNet2d<float>({.in = 1, .width = 24, .multipliers = {1, 2}, .blocks = 1}, rng),
      read_digits(folder + "/digits.csv").images, 800);
  table(out, "digits", NetworkDenoiser(digits, predict::Velocity{}, cosine), {64, 8, 8, 1});
  const auto hires = trained(
      "hires", nn::UNet1d<float>({.in = 1, .width = 24, .multipliers = {1, 2}, .blocks = 1}, rng),
      days(folder + "/bikes.csv"), 2000);
  table(out, "hires", NetworkDenoiser(hires, predict::Velocity{}, cosine), {128, 24, 1});
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string text = page(FOGLIFT_EXAMPLE_DATA);
    if (argc > 1)
      write_marked(argv[1], "few-steps-trained", text);
    else
      std::fputs(text.c_str(), stdout);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "few_steps: %s\n", e.what());
    return 1;
  }
}
