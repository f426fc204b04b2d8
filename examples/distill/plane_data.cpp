#include "plane_data.hpp"

#include "foglift/data/csv.hpp"

#include <cmath>
#include <numbers>

using namespace foglift;

namespace {

/// Scales both sets by the mean and deviation of the first.
PlaneData standardized(std::string name, Tensor<float> train, Tensor<float> held_out) {
  for (Index c = 0; c < 2; ++c) {
    double mean = 0, square = 0;
    const auto n = static_cast<double>(train.dim(0));
    for (Index i = 0; i < train.dim(0); ++i) mean += double{train(i, c)} / n;
    for (Index i = 0; i < train.dim(0); ++i) square += std::pow(double{train(i, c)} - mean, 2) / n;
    for (Tensor<float>* x : {&train, &held_out})
      for (Index i = 0; i < x->dim(0); ++i)
        (*x)(i, c) = static_cast<float>((double{(*x)(i, c)} - mean) / std::sqrt(square));
  }
  return {std::move(name), std::move(train), std::move(held_out)};
}

/// n points of draw(u), u four uniform numbers.
template <class F>
Tensor<float> points(Index n, const Rng& rng, const F& draw) {
  Tensor<float> out({n, 2});
  const auto u = rng.uniform<double>({n, 4});
  for (Index i = 0; i < n; ++i) {
    const auto [x, y] = draw(&u(i, 0));
    out(i, 0) = static_cast<float>(x), out(i, 1) = static_cast<float>(y);
  }
  return out;
}

std::pair<double, double> moons(const double* u) {
  const double angle = std::numbers::pi * u[0], r = std::sqrt(-2 * std::log(1 - u[2])) * 0.08;
  const bool upper = u[1] < 0.5;
  const double x = upper ? std::cos(angle) : 1 - std::cos(angle);
  const double y = upper ? std::sin(angle) : 0.5 - std::sin(angle);
  return {x + r * std::cos(2 * std::numbers::pi * u[3]),
          y + r * std::sin(2 * std::numbers::pi * u[3])};
}

std::pair<double, double> checkerboard(const double* u) {
  const double x = 4 * u[0], row = 2 * std::floor(2 * u[1]);
  return {x, row + u[2] + (static_cast<int>(x) % 2 == 0 ? 0.0 : 1.0)};
}

/// Hires of an hour and of the next, n pairs of the days of one parity, each moved within its whole
/// number so that the law has a density.
Tensor<float> hires(Index n, const Rng& rng, Index parity) {
  const data::CsvTable table = data::read_csv(FOGLIFT_EXAMPLE_DATA "/bikes.csv");
  const std::vector<double>& bikes = table.numbers("bikes");
  std::vector<Index> hours;
  for (Index h = 0; h + 1 < static_cast<Index>(bikes.size()); ++h)
    if (h / 24 % 2 == parity && std::isfinite(bikes[static_cast<std::size_t>(h)]) &&
        std::isfinite(bikes[static_cast<std::size_t>(h + 1)]))
      hours.push_back(h);
  return points(n, rng, [&](const double* u) {
    const auto h = static_cast<std::size_t>(
        hours[static_cast<std::size_t>(u[0] * static_cast<double>(hours.size()))]);
    return std::pair{bikes[h] + u[1], bikes[h + 1] + u[2]};
  });
}

}  // namespace

std::vector<PlaneData> plane_data(Index n, const Rng& rng) {
  std::vector<PlaneData> out;
  out.push_back(standardized("bike hires", hires(n, rng.stream(0), 0), hires(n, rng.stream(1), 1)));
  out.push_back(
      standardized("moons", points(n, rng.stream(2), moons), points(n, rng.stream(3), moons)));
  out.push_back(standardized("checkerboard", points(n, rng.stream(4), checkerboard),
                             points(n, rng.stream(5), checkerboard)));
  return out;
}
