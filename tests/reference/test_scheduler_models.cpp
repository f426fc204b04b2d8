#include "foglift/diffusion/parameterization.hpp"
#include "golden.hpp"

#include <string_view>

using namespace foglift;

// What a network says, read back as the clean sample: every answer that diffusers' schedulers were
// given in the kept runs, against the conditional mean that it was made from.

namespace {
using golden::file;

/// Runs whose steps call the model more than once have no answer for each of their rows.
bool one_answer_a_row(const std::string& family, const std::string& name) {
  return file(family).contains(name + "/run") && !file(family).contains(name + "/calls");
}

/// The largest error of x0 over all answers called `type` of a family, and how many runs they are
/// from. `sign` turns the answer into what P predicts.
template <class P>
std::pair<double, int> worst(const std::string& family, std::string_view type, const P& p,
                             double sign = 1) {
  double error = 0;
  int runs = 0;
  for (const std::string& name : file(family).names()) {
    const auto slash = name.rfind('/');
    const std::string run = name.substr(0, slash);
    if (name.substr(slash + 1) != type || !one_answer_a_row(family, run)) continue;
    ++runs;
    const golden::Case c = golden::load(family, run);
    const Tensor<double> answer = file(family).tensor<double>(name);
    const Index n = c.states.dim(1), width = answer.dim(1);  // 2 n with learned variances
    for (Index k = 0; k < answer.dim(0); ++k) {
      const Level& level = c.grid[static_cast<std::size_t>(k)];
      if (level.sigma == 0) continue;  // nothing was asked of the model there
      const Mix mix = p.x0(level);
      for (Index i = 0; i < n; ++i) {
        const double x = c.states[k * n + i];
        const double x0 = mix.a * x + mix.b * sign * answer[k * width + i];
        const double exact = golden::Mixture::at(x, level.alpha, level.sigma);
        // The state's rounding, amplified by what is divided by: 1 / alpha.
        const double scale = 1 + std::abs(x) / std::max(level.alpha, 1e-3);
        error = std::max(error, std::abs(x0 - exact) / scale);
      }
    }
  }
  return {error, runs};
}
}  // namespace

TEST_CASE("scheduler models: every prediction type is read as diffusers writes it",
          "[reference][scheduler]") {
  const predict::Edm edm({.sigma_data = 0.5});
  const auto check = [](std::pair<double, int> found, int runs) {
    CHECK(found.first < 1e-12);
    CHECK(found.second == runs);
  };
  check(worst("discrete", "epsilon", predict::Epsilon{}), 30);
  check(worst("discrete", "x0", predict::X0{}), 2);
  check(worst("discrete", "v", predict::Velocity{}), 8);
  check(worst("multistep", "epsilon", predict::Epsilon{}), 57);
  check(worst("multistep", "flow", predict::FlowVelocity{}), 4);
  check(worst("multistep", "edm", edm), 5);
  check(worst("multistep", "-edm", predict::Edm({.sigma_data = 1}), -1), 2);
  check(worst("sigma", "edm", edm), 3);
  check(worst("sigma", "-edm", edm, -1), 1);
  check(worst("flow", "flow", predict::FlowVelocity{}), 16);
  check(worst("flow", "-flow", predict::FlowVelocity{}, -1), 1);
}
