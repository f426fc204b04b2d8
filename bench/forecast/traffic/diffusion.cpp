#include "bench/forecast/train_for.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/diffusion/guidance/expert.hpp"
#include "foglift/diffusion/guidance/threshold.hpp"
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "foglift/forecast/frame/framer.hpp"
#include "foglift/forecast/methods/diffstg.hpp"
#include "traffic.hpp"

using namespace foglift;
using forecast::DiffStg, forecast::Frame, forecast::Framer;

namespace {

constexpr Index paths = 8, evaluations = 6;
constexpr double most = 6;  // deviations of a value

/// Frames of the data, as a panel of one series.
struct Frames {
  forecast::Series series;
  Framer framer;
  forecast::Scaler scaler;

  Frames(const Traffic& t, const DiffStg& method)
      : series{.name = t.name, .time = {0, {.seconds = 300}}, .channels = t.nodes()},
        framer(method.frame()) {
    for (const float v : t.values) series.values.push_back(static_cast<double>(v));
    scaler = forecast::Scaler::fit(panel(), method.frame(), t.values.dim(0) - t.training);
  }
  forecast::Panel panel() const { return forecast::Panel(std::span(&series, 1)); }
  /// Of windows from these cells on.
  Frame operator()(std::span<const Index> first) const {
    std::vector<forecast::Origin> origins;
    for (const Index at : first) origins.push_back({0, at + shown});
    return framer(panel(), origins, scaler);
  }
};

/// What two steps of DDIM from noise make of the horizon, as far as it is from the targets: the
/// mean square.
Var<float> sample_error(const DiffStg& method, const Frame& frame, Tape<float>& tape,
                        const Rng& rng, Index step) {
  const auto denoise = method.denoiser(frame);
  const TimeGrid grid = grid::trailing(denoise, 2);
  const Shape shape{frame.size(), shown + ahead, frame.channels()};
  Var<float> x = tape.constant(rng.normal<float>(shape, static_cast<std::uint64_t>(step)));
  const Var<float> first = denoise(x, grid[0]);
  const double keep = grid[1].sigma / grid[0].sigma;
  x = affine(keep, x, grid[1].alpha - keep * grid[0].alpha, first);
  const Var<float> horizon = slice(denoise(x, grid[1]), 1, shown, ahead);
  return mean(square(horizon - tape.constant(frame.scaled_target())));
}

DiffStg trained(const Task& task, DiffStg method, const Frames& frames, bool feedback,
                Index& steps) {
  const auto first = places(task.traffic, false);
  const Rng noise = Rng(task.seed).stream(31), other = Rng(task.seed).stream(32);
  return train_for(
      std::move(method),
      {.seconds = 5 * task.seconds, .examples = std::ssize(first), .batch = 2, .seed = task.seed},
      [&](const DiffStg& m, Tape<float>& tape, const train::Examples& examples) {
        std::vector<Index> at;
        for (const Index i : examples.index) at.push_back(first[static_cast<std::size_t>(i)]);
        const Frame frame = frames(at);
        const Var<float> loss = m.loss(frame, {noise, examples.draws, {}}, tape);
        if (!feedback) return loss;
        return loss + sample_error(m, frame, tape, other, Index(examples.draws.step)) * 0.5;
      },
      steps);
}

/// draw(frame of one window, its number, generator) -> [paths, shown + ahead, nodes].
template <class Draw>
Result result(const char* name, const Task& task, const std::vector<Index>& test,
              const Frames& frames, const Draw& draw) {
  const Index N = task.traffic.nodes();
  Tensor<float> all({std::ssize(test), paths, N, ahead});
  for (Index w = 0; w < all.dim(0); ++w) {
    const Frame frame = frames(std::span(test).subspan(static_cast<std::size_t>(w), 1));
    const Tensor<float> z =
        draw(frame, w, Rng(task.seed).stream(33).stream(static_cast<std::uint64_t>(w)));
    for (Index p = 0; p < paths; ++p)
      for (Index n = 0; n < N; ++n)
        for (Index h = 0; h < ahead; ++h)
          all(w, p, n, h) =
              static_cast<float>(frame.unscaled(static_cast<double>(z(p, shown + h, n)), 0, h, n));
  }
  return judged(name, task.traffic, test, all);
}

/// What a forecast [nodes, ahead] of another model says of a window, as a frame scales it.
solver::Known<float> said(const Frame& frame, const Tensor<float>& forecast) {
  const Shape shape{1, shown + ahead, frame.channels()};
  solver::Known<float> out{Tensor<float>(shape), Tensor<float>(shape)};
  for (Index n = 0; n < frame.channels(); ++n)
    for (Index h = 0; h < ahead; ++h) {
      out.values(0, shown + h, n) =
          static_cast<float>((static_cast<double>(forecast(0, n, h)) - frame.center(0, h, n)) /
                             frame.scale(0, n) / frame.spread);
      out.mask(0, shown + h, n) = 1;
    }
  return out;
}

}  // namespace

std::vector<Result> diffusion(const Task& task, const External& plain) {
  const Traffic& t = task.traffic;
  Rng rng = Rng(task.seed).stream(30);
  forecast::DiffStgOptions options =
      forecast::DiffStgOptions::small({.horizon = ahead,
                                       .context = shown,
                                       .scaling = forecast::Scaling::panel,
                                       .columns = {.channels = t.nodes()}},
                                      t.graph);
  options.width = 8;
  const DiffStg initial(options, rng);
  const Frames frames(t, initial);
  const auto test = places(t, true, 8 * task.stride);
  const Tensor<float> w = windows(t, test), external = plain(w);
  std::vector<Result> out{judged("ST-GCN, these windows", t, test,
                                 with_errors(external, plain.errors, task.paths, task.seed))};
  const auto drawn = [&](const auto& denoise, const Rng& keys) {
    return sample(solver::DpmMulti<2>{}, denoise, {paths, shown + ahead, t.nodes()},
                  grid::trailing(initial.denoiser(frames(std::span(test).first(1))), evaluations),
                  keys);
  };
  Index steps = 0, fed_steps = 0;
  const DiffStg method = trained(task, initial, frames, false, steps);
  const DiffStg fed = trained(task, initial, frames, true, fed_steps);
  const auto by = [&](const DiffStg& m) {
    return [&](const Frame& frame, Index, const Rng& keys) {
      return drawn(m.denoiser(frame, paths) | guide::Clip{-most, most}, keys);
    };
  };
  out.push_back(result("DiffSTG", task, test, frames, by(method)));
  out.back().steps = steps;
  out.push_back(result("&nbsp; errors of samples fed back", task, test, frames, by(fed)));
  out.back().steps = fed_steps;

  double square = 0;  // of the external model's errors, as the channels are scaled
  const Tensor<double>& scale = frames.scaler.values.scale;
  for (Index i = 0; i < plain.errors.size(); ++i) {
    const double e = static_cast<double>(plain.errors[i]) / scale[i / ahead % t.nodes()];
    square += e * e / static_cast<double>(plain.errors.size());
  }
  out.push_back(result(
      "&nbsp; guided by the ST-GCN", task, test, frames,
      [&](const Frame& frame, Index window, const Rng& keys) {
        const guide::Expert expert{said(frame, external.rows(window, 1)), {.variance = square}};
        return drawn(method.denoiser(frame, paths) | guide::Clip{-most, most} | expert, keys);
      }));
  out.back().steps = steps;
  return out;
}
