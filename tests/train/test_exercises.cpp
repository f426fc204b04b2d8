// Covers: callback descent fit shards
// What a program adds to training stands in the program: this file is all that these exercises
// touch.
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/loss.hpp"
#include "foglift/io/checkpoint.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/train/callbacks/stop_when.hpp"
#include "foglift/train/descent.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/frozen.hpp"
#include "support/catch.hpp"
#include "train/scalar_rule.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

using namespace foglift;
using toy::Pair;

namespace {

/// A rule: AMSGrad (Reddi et al. 2018, algorithm 2) with Adam's bias
/// correction of m and v, as torch.optim.Adam with amsgrad.
struct AmsGrad {
  struct Options {
    double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    void check(const char* where) const {
      if (!(lr >= 0)) raise<ArgumentError>(where, ": lr ", lr);
    }
  };
  static constexpr const char* name = "amsgrad";
  static constexpr std::array<const char*, 3> moments{"m", "v", "largest"};

  double b1, b2, rate, root, eps;

  AmsGrad() = default;
  AmsGrad(const Options& o, double lr, std::uint64_t updates)
      : b1(o.beta1),
        b2(o.beta2),
        rate(lr / (1 - std::pow(o.beta1, static_cast<double>(updates)))),
        root(1 / std::sqrt(1 - std::pow(o.beta2, static_cast<double>(updates)))),
        eps(o.eps) {}

  template <class L>
  L operator()(L w, L g, L& m, L& v, L& largest) const {
    m = b1 * m + (1 - b1) * g;
    v = b2 * v + (1 - b2) * g * g;
    largest = max(largest, v);
    return w - rate * m / (sqrt(largest) * root + eps);
  }
};

struct NaiveAmsGrad {
  double lr, beta1, beta2, eps;
  double m = 0, v = 0, largest = 0;
  int t = 0;
  double step(double w, double g) {
    ++t;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    largest = std::max(largest, v);
    return w - lr * m / (1 - std::pow(beta1, t)) /
                   (std::sqrt(largest) / std::sqrt(1 - std::pow(beta2, t)) + eps);
  }
};

/// A callback: counts the steps whose gradient was clipped, in the state, so that checkpoints keep
/// it.
struct CountClipped {
  double most;
  void after_step(train::FitRecord& run, const train::FitProgress& p) const {
    auto& count = run.fitted.try_emplace("clipped", Tensor<double>(Shape{1})).first->second;
    count[0] += p.gradient_norm > most;
  }
};

}  // namespace

TEST_CASE("exercise: a rule with three moments is its formula", "[train][descent]") {
  using Rule = train::Descent<AmsGrad, double>;
  static_assert(train::Optimizer<Rule> && !train::DescentRule<Pair<float>, float>);
  CHECK(toy::distance_to_naive<double>(Rule({.lr = 0.1, .beta2 = 0.6}),
                                       NaiveAmsGrad{0.1, 0.9, 0.6, 1e-8}) < toy::tolerance<double>);
  CHECK_THROWS_WITH(Rule({.lr = -1}), "amsgrad: lr -1");
  const auto all = [](const std::string&, const Shape&) { return true; };
  CHECK_THROWS_WITH(Rule({.lr = 0.1}, {{.holds = all, .decay = 0}}),
                    ContainsSubstring("no weight_decay"));
}

TEST_CASE("exercise: a loss, a rule and a callback of a program's own train and resume exactly",
          "[train][fit]") {
  using Net = nn::Mlp<double>;
  using Rule = train::Descent<AmsGrad, double>;
  using State = train::FitState<Net, Rule>;
  auto data = Rng(2).normal<double>({48, 2});
  for (double& v : data) v = 1 + 0.2 * v;
  const NetworkDenoiser untrained(
      [] {
        Rng rng(1);
        return Net({.in = 2, .width = 8}, rng);
      }(),
      predict::Velocity{}, schedule::Cosine{});
  constexpr double clip = 0.7;
  const auto run = [&](State& state, Index until, auto&&... on) {
    // The mean of a pseudo-Huber distance, and of that to what the average says of the same.
    const auto teacher = untrained.of(train::frozen(state.ema));
    const auto loss = [&](const Net& net, Tape<double>& tape, const train::Examples& examples) {
      const auto student = untrained.of(net);
      const auto batch = student.batch(data.rows(examples.index), Rng(5), examples.draws);
      const auto output = student.output(tape, batch);
      const auto apart = sqrt(square(output - tape.constant(batch.target)) + 0.01);
      return batch.mean(apart) + 0.2 * batch.mean(square(output - teacher.output(tape, batch)));
    };
    return train::fit(
        state, loss, {.examples = 48, .batch = 16, .shard = 5, .steps = 60, .clip = clip},
        CountClipped{clip}, train::callback::StopWhen([&] { return state.step >= until; }), on...);
  };
  std::vector<double> losses;
  double clipped = 0;
  State whole(untrained, Rule({.lr = 0.02}), 7);
  run(whole, 60, [&](const train::FitProgress& p) {
    losses.push_back(p.loss);
    clipped += p.gradient_norm > clip;
  });
  CHECK(whole.fitted.at("clipped")[0] == clipped);
  CHECK(clipped > 0);
  CHECK(clipped < 60);
  CHECK(losses.back() < 0.8 * losses.front());
  const std::string bytes = io::checkpoint_bytes(whole, "");
  for (const Index at : {1, 17, 59}) {
    State part(untrained, Rule({.lr = 0.02}), 7), resumed = part;
    CHECK(run(part, at) == train::FitEnd::stopped);
    io::Checkpoint(io::checkpoint_bytes(part, ""), "memory").restore(resumed);
    run(resumed, 60);
    CHECK(io::checkpoint_bytes(resumed, "") == bytes);
  }
}
