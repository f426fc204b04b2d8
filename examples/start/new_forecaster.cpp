// Forecasts by a method of one's own: normal noise around the last value, its size learned for
// each step. Of random walks, whose true sizes are 1, 1.41, 1.73 and 2, a little more behind gaps:
//
//   paths spread by 1.05 after one step, then by 1.47, 1.74, 2.00
#include <foglift/foglift.hpp>
#include <foglift/forecast/forecaster.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace foglift;
using namespace foglift::forecast;

// Three functions of a Frame, and what every module has: Options, a constructor, each.
class Normal {
 public:
  struct Options {
    FrameOptions frame;
  };
  Normal(const Options& o, Rng&) : options_(o), size_(Tensor<float>({o.frame.horizon, 1})) {}

  FrameOptions frame() const { return options_.frame; }

  // The negative log-likelihood of the targets [B, H, 1] that are there, measured from the last
  // value.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys&, On&... tape) const {
    const auto y = recorded(frame.scaled_target(), tape...);
    const auto there = recorded(frame.target_mask, tape...);
    const auto s = use(size_, y);
    double count = 0;
    for (const float m : frame.target_mask) count += m;
    return sum(there * (0.5f * square(y * exp(-s)) + s)) *
           static_cast<float>(1 / std::max(1.0, count));
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const auto z = paths.rng.normal({paths.count, frame.horizon(), 1},
                                    static_cast<std::uint64_t>(paths.first));
    return z * exp(size_.value);
  }

  static void each(auto& self, auto&& f) { f("size", self.size_); }

 private:
  Options options_;
  Parameter<float> size_;  // logarithms
};

int main() {
  std::vector<Series> walks;
  for (std::uint64_t k = 0; k < 30; ++k) {
    const auto step = Rng(k).normal<double>({100 + static_cast<Index>(k)});
    Series& walk = walks.emplace_back(Series{.name = "walk", .time = {0, {.seconds = 3600}}});
    double x = 0;
    for (const double v : step) walk.values.push_back(x += v);
    for (std::size_t t = 5; t < walk.values.size(); t += 17) walk.values[t] = NAN;
  }
  // Trains by mini-batches; can be validated, stopped, saved and resumed like every method.
  Forecaster<Normal> model({{.horizon = 4, .context = 8, .scaling = Scaling::panel}},
                           {.steps = 600, .learning_rate = 0.02});
  model.fit(walks);

  const Tensor<double> paths = model.paths(walks, std::vector<Origin>{{3, 100}}, 4000);
  double spread[4] = {};
  for (Index p = 0; p < 4000; ++p)
    for (Index h = 0; h < 4; ++h)
      spread[h] += std::pow(paths(0, p, h) - walks[3].value(99), 2) / 4000;
  std::printf("paths spread by %.2f after one step, then by %.2f, %.2f, %.2f\n",
              std::sqrt(spread[0]), std::sqrt(spread[1]), std::sqrt(spread[2]),
              std::sqrt(spread[3]));
}
