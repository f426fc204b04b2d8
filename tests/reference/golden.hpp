#pragma once

#include "foglift/diffusion/solver/parts/at_any_length.hpp"
#include "foglift/diffusion/solver/parts/solver.hpp"
#include "foglift/io/safetensors_reader.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// Runs that diffusers and k-diffusion made (schedulers/make_golden.py), and ours beside them: same
/// levels, same denoiser, same start, same normal deviates in the same order.
namespace golden {

using namespace foglift;

inline const io::Safetensors& file(const std::string& family) {
  static std::map<std::string, io::Safetensors> files;
  const auto found = files.find(family);
  if (found != files.end()) return found->second;
  return files
      .emplace(family, io::read_safetensors(FOGLIFT_SOURCE_DIR "/tests/reference/schedulers/" +
                                            family + ".safetensors"))
      .first->second;
}

/// E[x0 | x] for data that have the density 0.3 N(-1, 0.4^2) + 0.7 N(1.5, 0.6^2) in each element
/// of a sample, independently.
struct Mixture {
  static double at(double x, double alpha, double sigma) {
    constexpr std::array<std::array<double, 3>, 2> parts = {{{0.3, -1, 0.4}, {0.7, 1.5, 0.6}}};
    std::array<double, 2> log_weight{}, mean{};
    for (std::size_t k = 0; k < 2; ++k) {
      const auto [w, m, s] = parts[k];
      const double v = alpha * alpha * s * s + sigma * sigma, d = x - alpha * m;
      log_weight[k] = std::log(w) - 0.5 * (std::log(v) + d * d / v);
      mean[k] = m + alpha * s * s / v * d;
    }
    const double top = std::max(log_weight[0], log_weight[1]);
    const double a = std::exp(log_weight[0] - top), b = std::exp(log_weight[1] - top);
    return (a * mean[0] + b * mean[1]) / (a + b);
  }

  template <Scalar T>
  Tensor<T> operator()(const Tensor<T>& x, const Level& level) const {
    auto out = Tensor<T>::uninitialized(x.shape());
    for (Index i = 0; i < x.size(); ++i)
      out[i] = static_cast<T>(at(double{x[i]}, level.alpha, level.sigma));
    return out;
  }
  template <Scalar T>
  Tensor<T> operator()(const Tensor<T>& x, const Levels& levels) const {
    auto out = Tensor<T>::uninitialized(x.shape());
    const Index n = x.row_size();
    for (Index i = 0; i < x.size(); ++i)
      out[i] = static_cast<T>(at(double{x[i]}, levels[i / n].alpha, levels[i / n].sigma));
    return out;
  }
};

/// Gives the recorded deviates [M, 8] in the order in which steps ask for new ones.
class Recorded : public NoiseSource {
 public:
  explicit Recorded(Tensor<double> deviates) : deviates_(std::move(deviates)) {}

  void fill(std::span<double> out, const NoiseRequest& request) const override {
    const auto [at, fresh] = rows_.emplace(std::pair(request.step, request.draw), next_);
    next_ += fresh;
    REQUIRE(at->second < deviates_.dim(0));
    REQUIRE(static_cast<Index>(out.size()) == deviates_.dim(1));
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = deviates_[at->second * deviates_.dim(1) + static_cast<Index>(i)];
  }
  /// How many different deviates were asked for.
  Index drawn() const { return next_; }

 private:
  Tensor<double> deviates_;
  mutable std::map<std::pair<std::uint32_t, std::uint64_t>, Index> rows_;
  mutable Index next_ = 0;
};

/// One kept run: the levels of its grid, and the states there [nodes, 8].
struct Case {
  TimeGrid grid;
  Tensor<double> states;
  Tensor<double> noise;
  std::vector<double> timesteps;
};

/// Rows `kept` of a run, the levels of a grid and the states there.
inline Case load(const std::string& family, const std::string& name,
                 const std::vector<Index>& kept) {
  const Tensor<double> run = file(family).tensor<double>(name + "/run");
  const Index columns = run.dim(1), n = columns - 3;
  Case out;
  const auto nodes = static_cast<Index>(kept.size());
  out.states = Tensor<double>(Shape{nodes, n});
  for (Index k = 0; k < nodes; ++k) {
    REQUIRE(kept[static_cast<std::size_t>(k)] < run.dim(0));
    const double* row = run.data() + kept[static_cast<std::size_t>(k)] * columns;
    const double t = 1 - static_cast<double>(k) / static_cast<double>(nodes - 1);
    out.grid.push_back({t, row[0], row[1]});
    out.timesteps.push_back(row[2]);
    std::copy_n(row + 3, n, out.states.data() + k * n);
  }
  const std::string noise = name + "/noise";
  out.noise = file(family).contains(noise) ? file(family).tensor<double>(noise)
                                           : Tensor<double>(Shape{0, n});
  return out;
}

/// The run at every `stride`-th call of the model, and its end: schedulers that take two calls a
/// step (stride 2) show the state within the step too.
inline Case load(const std::string& family, const std::string& name, Index stride = 1) {
  const Index last = file(family).at(name + "/run").shape[0] - 1;
  std::vector<Index> kept;
  for (Index r = 0; r < last; r += stride) kept.push_back(r);
  kept.push_back(last);
  return load(family, name, kept);
}

/// A state [1, 8] of a run.
inline Tensor<double> state(const Tensor<double>& states, Index k) {
  const Index n = states.dim(1);
  Tensor<double> out(Shape{1, n});
  std::copy_n(states.data() + k * n, n, out.data());
  return out;
}

/// max |a - b| over max(1, max |b|).
inline double distance(const Tensor<double>& a, const Tensor<double>& b) {
  REQUIRE(a.shape() == b.shape());
  double error = 0, scale = 1;
  for (Index i = 0; i < a.size(); ++i) {
    error = std::max(error, std::isfinite(a[i]) ? std::abs(a[i] - b[i]) : INFINITY);
    scale = std::max(scale, std::abs(b[i]));
  }
  return error / scale;
}

/// The first `steps` steps of a run.
inline Case head(Case c, Index steps) {
  c.grid.resize(static_cast<std::size_t>(steps) + 1);
  const Index n = c.states.dim(1);
  Tensor<double> states(Shape{steps + 1, n});
  std::copy_n(c.states.data(), (steps + 1) * n, states.data());
  c.states = std::move(states);
  return c;
}

/// Rows of a tensor [M, n].
inline Tensor<double> rows(const Tensor<double>& from, const std::vector<Index>& kept) {
  const Index n = from.dim(1);
  Tensor<double> out(Shape{static_cast<Index>(kept.size()), n});
  for (std::size_t k = 0; k < kept.size(); ++k)
    std::copy_n(from.data() + kept[k] * n, n, out.data() + static_cast<Index>(k) * n);
  return out;
}

/// Our run on a case with the deviates of `noise`, by the published rule: the states [nodes, 8].
template <class S, class D>
Tensor<double> run_with(const Case& c, const S& solver, const D& denoise,
                        const NoiseSource& noise) {
  Run<S, double> ours(solver::at_any_length(solver), c.grid);
  Tensor<double> out(c.states.shape()), x = state(c.states, 0);
  const Index n = c.states.dim(1);
  std::copy_n(x.data(), n, out.data());
  for (Index i = 0; i + 1 < c.states.dim(0); ++i) {
    x = ours.step(std::move(x), c.grid[static_cast<std::size_t>(i)],
                  c.grid[static_cast<std::size_t>(i + 1)], denoise, StepRng(Rng(1), 0, i, &noise));
    std::copy_n(x.data(), n, out.data() + (i + 1) * n);
  }
  return out;
}
/// ... with the recorded ones, in the order drawn.
template <class S, class D = Mixture>
Tensor<double> run(const Case& c, const S& solver, const D& denoise = {}) {
  return run_with(c, solver, denoise, Recorded(c.noise));
}

/// The largest distance of two runs' states, each step's relative to its size.
inline double apart(const Tensor<double>& a, const Tensor<double>& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (Index k = 0; k < a.dim(0); ++k) worst = std::max(worst, distance(state(a, k), state(b, k)));
  return worst;
}

/// The run of `solver` on a kept run is the same, within 1e-10 where not said otherwise.
template <class S, class D = Mixture>
void agrees(const std::string& name, const Case& c, const S& solver, double tolerance = 1e-10,
            const D& denoise = {}) {
  INFO(name);
  CHECK(apart(run(c, solver, denoise), c.states) < tolerance);
}
template <class S>
void agrees(const std::string& family, const std::string& name, const S& solver, Index stride = 1) {
  agrees(name, load(family, name, stride), solver);
}

/// ... or it is known to be another, by more than `least` in some state.
template <class S>
void differs(const std::string& family, const std::string& name, const S& solver, double least) {
  INFO(name);
  const Case c = load(family, name);
  CHECK(apart(run(c, solver), c.states) > least);
}

}  // namespace golden
