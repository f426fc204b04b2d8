// Covers: cfg_plus_plus classifier_free guidance/guidance
// What adapters are made of may go away. Each case makes one in a function of its own, from objects
// that live there, and asks it afterwards; AddressSanitizer sees what values alone would not show.
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/guidance.hpp"
#include "foglift/diffusion/loss/self_conditioning.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solvers.hpp"
#include "foglift/diffusion/variance_denoiser.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "support/catch.hpp"

#include <functional>
#include <vector>

using namespace foglift;

namespace {

const schedule::Cosine cosine;
const TimeGrid grid4 = grid::uniform(cosine, 4);
const auto x = Rng(4).normal<double>({3, 4, 1});
const Level level = cosine.at(0.4);

/// A denoiser with memory of its own, overwritten when it goes.
class Shrinks {
 public:
  explicit Shrinks(double by) : by_(100, by) {}
  ~Shrinks() { by_.assign(100, -1); }
  Shrinks(const Shrinks&) = default;
  Shrinks& operator=(const Shrinks&) = default;

  template <Value X>
  X operator()(const X& at, const Levels&) const {
    return affine(by_[7], X(at), 0, at);
  }

 private:
  std::vector<double> by_;
};

nn::Mlp<double> network(Index in = 1, Index out = 1) {
  Rng rng(1);
  return nn::Mlp<double>({.in = in, .out = out, .width = 8, .embedding = {.classes = 2}}, rng);
}
const nn::Mlp<double> named = network();

/// Uses up the stack that a function left.
[[gnu::noinline]] double trample() {
  volatile double heap[512];
  for (double volatile& v : heap) v = -1;
  return heap[17];
}

/// What make() gives says the same as `expected` once make() is over.
template <class Make>
void check(const Make& make, const Tensor<double>& expected) {
  const auto denoise = make();
  trample();
  CHECK(denoise(x, level) == expected);
  CHECK(sample<double>(solver::Ddim{}, denoise, x.shape(), grid4, Rng(1)) ==
        sample<double>(solver::Ddim{}, make(), x.shape(), grid4, Rng(1)));
}
Tensor<double> times(double by) { return affine(by, x, 0, x); }

}  // namespace

TEST_CASE("ownership: guidances keep the denoiser and the models beside it",
          "[diffusion][denoiser][guidance]") {
  check(
      [] {
        const Shrinks c(0.5);
        return c | guide::Clip{-50, 50};
      },
      times(0.5));
  check([] { return Shrinks(0.5) | guide::Clip{-50, 50} | guide::Clip{-60, 60}; }, times(0.5));
  check(
      [] {
        const Shrinks c(0.5), u(0.25);
        const guide::ClassifierFree guidance{u, 2.0};
        return c | guidance;
      },
      times(0.75));
  check(
      [] {
        const Shrinks c(0.5), u(0.25);
        return c | guide::ClassifierFree{u, guide::Rescaled{2.0, {.phi = 0}}};
      },
      times(0.75));
  check(
      [] {
        const Shrinks c(0.5), u(0.25);
        return c | guide::autoguidance(u, 2.0) | guide::away_from(u, 0.0);
      },
      times(0.75));
  check(
      [] {
        const Shrinks c(0.5), u(0.25);
        return c | guide::FrequencyDecoupled{u, {}};
      },
      times(0.5));
  check(
      [] {
        const Shrinks c(0.5), u(0.25), v(0.125);
        return c | guide::TwoConditions{u, v, {.first = 2, .second = 2}};
      },
      times(0.875));
  check(
      [] {
        const Shrinks c(0.5), u(0.25);
        const guide::ClassifierFree guidance{u, 2.0};
        return c | guide::Interval{{}, guidance};
      },
      times(0.75));
  check(
      [] {
        const Shrinks c(0.5), u(0.25);
        const guide::ClassifierFree guidance{u, 2.0};
        return c | (guidance + guide::ClassifierFree{u, 2.0});
      },
      times(1));
  check(
      [] {
        const Shrinks c(0.5), half(0.5);
        const auto gradient = [half](const auto& x0) { return half(x0, level); };
        return c | guide::DirectGradient(gradient, 1.0);
      },
      times(0.25));
  check(
      [] {
        const Shrinks c(0.5);
        const auto square_of = guide::GradientOf([c](const auto& x0) { return x0 * c(x0, level); });
        return c | guide::LossGradient(square_of, {.weight = 0}) |
               guide::Classifier([c](const auto& at, const auto& l) { return c(at, l); },
                                 {.weight = 0}) |
               guide::SelfAttention([](const auto& x0) { return x0; }, {.scale = 0});
      },
      times(0.5));
  check([] { return Alike(Shrinks(0.5)); }, times(0.5));
}

TEST_CASE("ownership: std::cref refers, and is the way for what is large",
          "[diffusion][denoiser][guidance]") {
  static int copies = 0;
  struct Large {
    Large() = default;
    Large(const Large&) { ++copies; }
    Large& operator=(const Large&) = delete;
    Tensor<double> operator()(const Tensor<double>& at, const Levels&) const { return at; }
  };
  const Large large;
  const auto guided =
      std::cref(large) | guide::ClassifierFree{std::cref(large), 2.0} | guide::Clip{-50, 50};
  static_assert(BatchDenoiser<decltype(guided), double>);
  CHECK(guided(x, level) == x);
  CHECK(copies == 0);
  CHECK((large | guide::Clip{-50, 50})(x, level) == x);
  CHECK(copies > 0);
}

TEST_CASE("ownership: a temporary network is kept and shared, a named one is referred to",
          "[diffusion][denoiser]") {
  const auto flat = x.reshaped({12, 1});
  const std::vector<Index> labels{0, 1, 1, 0, -1, 1, 0, 0, 1, 1, 0, 0};
  const NetworkDenoiser expected(named, predict::Velocity{}, cosine, {.labels = labels});
  const auto all = expected(flat, level), none = expected.without_condition()(flat, level);
  CHECK_FALSE(all == none);
  const auto from_temporary = [] {
    const std::vector<Index> own{0, 1, 1, 0, -1, 1, 0, 0, 1, 1, 0, 0};
    const NetworkDenoiser denoise(network(), predict::Velocity{}, cosine, {.labels = own});
    return denoise | guide::Clip{-1e3, 1e3};
  }();
  const auto free_again = [] {
    const NetworkDenoiser denoise(network(), predict::Velocity{}, cosine, {.labels = {0}});
    return denoise.without_condition();
  }();
  const auto told_again = [&] {
    return NetworkDenoiser(network(), predict::Velocity{}, cosine).with({.labels = labels});
  }();
  const auto of_named = [&] {
    const NetworkDenoiser denoise(named, predict::Velocity{}, cosine, {.labels = labels});
    return denoise | guide::ClassifierFree{denoise.without_condition(), 1.0};
  }();
  trample();
  CHECK(from_temporary(flat, level) == all);
  CHECK(free_again(flat, level) == none);
  CHECK(told_again(flat, level) == all);
  CHECK(of_named(flat, level) == all);

  // Copies share the network: a promise of one's weights is one of the other's.
  const NetworkDenoiser kept(network(), predict::Velocity{}, cosine);
  const auto copy = kept;  // NOLINT: what is tested
  const auto address = [](const auto& denoise) {
    const void* at = nullptr;
    denoise.each_part([&](const auto& net) { at = &net; });
    return at;
  };
  CHECK(address(kept) == address(copy));
  CHECK(address(of_named | guide::Clip{}) != nullptr);
  CHECK(address(expected) == &named);

  const auto with_variance = [] {
    return VarianceNetwork(network(1, 2), predict::Velocity{}, cosine);
  }();
  Tensor<double> last;
  const auto remembers = [&] {
    return SelfConditioned(network(2, 1), predict::Velocity{}, cosine, last);
  }();
  trample();
  CHECK(with_variance(flat, level) == with_variance.moments(flat, level).x0);
  CHECK(remembers(flat, level) == last);
}

TEST_CASE("ownership: rules keep the models and values they are made of",
          "[diffusion][denoiser][solver]") {
  const auto data = analytic::gaussian({.mean = 0.5, .variance = 0.25});
  const auto run = [&](const auto& make) {
    const auto rule = make();
    trample();
    CHECK(sample<double>(rule, data, x.shape(), grid4, Rng(1)) ==
          sample<double>(make(), data, x.shape(), grid4, Rng(1)));
  };
  const Shrinks alive(0.25);
  const auto outlives = [] {
    const Shrinks u(0.25);
    return solver::CfgPlusPlus(u, 0.5);
  }();
  trample();
  CHECK(sample<double>(outlives, data, x.shape(), grid4, Rng(1)) ==
        sample<double>(solver::CfgPlusPlus(alive, 0.5), data, x.shape(), grid4, Rng(1)));
  run([] {
    const Shrinks by(0.25);
    const auto gradient = [by](const auto& x0) { return by(x0, level); };
    return solver::PosteriorSampling(solver::Ddpm{}, gradient, 0.5);
  });
  run([] {
    const Shrinks by(0.25);
    const auto gradient = [by](const auto& at, const auto&) { return by(at, level); };
    return solver::MeanShift(gradient);
  });
  run([] {
    const solver::Known<double> known{Tensor<double>({1, 4, 1}, 1.0),
                                      Tensor<double>({1, 4, 1}, 1.0)};
    return solver::Repaint(solver::Ddpm{}, known, {.jump = 1, .resamplings = 2});
  });
  run([] {
    const solver::Known<double> known{Tensor<double>({1, 4, 1}, 1.0),
                                      Tensor<double>({1, 4, 1}, 1.0)};
    return solver::Replacement(solver::Heun{}, known);
  });
  run([&] {
    const auto errors = solver::denoising_errors(
        data, x, grid::uniform(cosine, 4, {.first = 0.9, .last = 0.1, .end = grid::Last::keep}),
        Rng(1));
    return solver::AnalyticDdpm{errors};
  });
}
