// Draws what keeps a law of physics, or a limit of a task: a flow whose mass stays, and days of a
// load below a peak. Both are asked for while samples are drawn; training knows nothing of them.
//
//   flow, drawn freely   mass off by 0.021, error 0.27
//   flow, constrained    mass off by 0.000, error 0.30
//   flow, projected      mass off by 0.000, error 0.27
//   days, drawn freely   6.8 % of hours above the peak, 101 of 200 days, evening 471
//   days, constrained    0.0 % of hours above the peak, 0 of 200 days, evening 389
//   days, projected      0.0 % of hours above the peak, 0 of 200 days, evening 392
#include <foglift/foglift.hpp>
#include <foglift/forecast/series/read.hpp>
#include <foglift/forecast/simulate/advection_diffusion.hpp>

#include <cmath>
#include <cstdio>

using namespace foglift;

/// Trains a network on rows of x, by denoiser(rows), which may be told of them.
template <class D>
void train_on(nn::Mlp<float>& net, const Tensor<float>& x, const D& denoiser) {
  train::Adam<float> adam({.lr = 2e-3});
  const train::CosineRate rate{1500};
  for (Index step = 0; step < 1500; ++step) {
    std::vector<Index> rows;
    for (std::uint64_t b = 0; b < 64; ++b)
      rows.push_back(Rng(1).index(x.dim(0), b, static_cast<std::uint32_t>(step)));
    Tape<float> tape;
    const auto loss = denoiser(rows).loss(tape, x.rows(rows), Rng(2), {.step = step});
    adam.step(net, tape.backward(loss), rate(step) * adam.learning_rate());
  }
}

void flow() {
  constexpr Index cells = 64;
  const forecast::AdvectionDiffusion system({.points = 8, .swirl = 1, .diffusivity = 2e-3});
  Tensor<float> first({1200, cells}), last({1200, cells});
  const auto courses = forecast::simulate(system, 1200, 4, Rng(3));  // [1200, 5, 8, 8, 1]
  for (Index c = 0; c < 1200; ++c) {
    const auto level = Rng(4).uniform(static_cast<std::uint64_t>(c));  // so that the mass differs
    for (Index i = 0; i < cells; ++i) {
      first(c, i) = static_cast<float>(level + courses[c * 5 * cells + i]);
      last(c, i) = static_cast<float>(level + courses[(c * 5 + 4) * cells + i]);
    }
  }
  Rng rng(5);
  nn::Mlp<float> net({.in = cells, .width = 128, .embedding = {.vector = cells}}, rng);
  const NetworkDenoiser untold(net, predict::Velocity{}, schedule::Cosine{});
  train_on(net, last.rows(0, 1000), [&](const std::vector<Index>& rows) {
    return untold.with({.vector = first.rows(rows)});
  });

  const Tensor<float> seen = first.rows(1000, 200), truth = last.rows(1000, 200);
  const Tensor<float> mass = mean(seen, 1);
  const auto gain = [&](const auto& x) {
    return reshape(mean(x, 1) - constant(mass, x), {200, 1});
  };
  const auto say = [&](const char* name, const auto& denoise) {
    const auto x =
        sample(solver::UniPc<2>{}, denoise, truth.shape(), grid::uniform(untold, 12), Rng(6));
    double off = 0, square = 0;
    for (const float g : gain(x)) off += std::abs(static_cast<double>(g)) / 200;
    for (Index i = 0; i < x.size(); ++i)
      square += std::pow(static_cast<double>(x[i] - truth[i]), 2) / static_cast<double>(x.size());
    std::printf("flow, %-14s mass off by %.3f, error %.2f\n", name, off, std::sqrt(square));
  };
  const auto told = untold.with({.vector = seen});
  say("drawn freely", told);
  say("constrained", told | guide::Constraint{gain});
  say("projected", told | guide::Projection{gain});
}

void days() {
  constexpr Index hours = 24;
  constexpr double unit = 150, peak = 500;
  const auto hires = forecast::read_panel(FOGLIFT_EXAMPLE_DATA "/bikes.csv").series.at(0).values;
  Tensor<float> x({std::ssize(hires) / hours, hours});
  for (Index i = 0; i < x.size(); ++i) {
    const double v = hires[static_cast<std::size_t>(i)];
    x[i] = static_cast<float>(std::isnan(v) ? 0 : v / unit - 1);
  }
  Rng rng(7);
  nn::Mlp<float> net({.in = hours, .width = 128}, rng);
  const NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
  train_on(net, x, [&](const std::vector<Index>&) { return denoise; });

  const auto above = [&](const auto& v) { return v - (peak / unit - 1); };  // at most 0
  const auto say = [&](const char* name, const auto& d) {
    const auto y = sample(solver::UniPc<2>{}, d, {200, hours}, grid::uniform(denoise, 12), Rng(8));
    Index over = 0, of_days = 0;
    double evening = 0;
    for (Index b = 0; b < 200; ++b) {
      Index of_day = 0;
      for (Index h = 0; h < hours; ++h) of_day += above(y(b, h)) > 1e-3;
      over += of_day, of_days += of_day > 0;
      evening += unit * (1 + static_cast<double>(y(b, 17))) / 200;
    }
    std::printf("days, %-14s %.1f %% of hours above the peak, %td of 200 days, evening %.0f\n",
                name, static_cast<double>(over) / 48, of_days, evening);
  };
  say("drawn freely", denoise);
  say("constrained", denoise | guide::Constraint{above, {.sense = guide::Sense::at_most}});
  say("projected", denoise | guide::Projection{above, {.sense = guide::Sense::at_most}});
}

int main() {
  flow();
  days();
}
