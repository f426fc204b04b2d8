// Covers: distill/consistency trajectory_consistency predict/boundary
#include "diffusion/distill/linear_student.hpp"
#include "foglift/diffusion/distill/consistency.hpp"
#include "foglift/diffusion/distill/trajectory_consistency.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solvers.hpp"

using namespace foglift;
using test::distance;
using test::law;
using test::LinearStudent;

namespace {

const TimeGrid grid6 = grid::uniform(schedule::Flow{}, 6);
const auto data = law.draw<double>({32, 1}, Rng(1));

/// A parameterization leads back from its own target, and says x / alpha where it is at its end.
template <class P>
void check_round_trip(const P& p, const Level& l) {
  const Mix f = p.target(l), x0 = p.x0(l), eps = p.eps(l);
  // of x = alpha x0 + sigma eps: what x0 and eps count for in what comes back
  CHECK_THAT(x0.a * l.alpha + x0.b * f.a, WithinAbs(1, 1e-12));
  CHECK_THAT(x0.a * l.sigma + x0.b * f.b, WithinAbs(0, 1e-12));
  CHECK_THAT(eps.a * l.alpha + eps.b * f.a, WithinAbs(0, 1e-12));
  CHECK_THAT(eps.a * l.sigma + eps.b * f.b, WithinAbs(1, 1e-12));
}

}  // namespace

TEST_CASE("boundary: x0 is x at the least ratio, and the target leads back", "[predict]") {
  const predict::Boundary p({.min_ratio = 0.05, .sigma_data = 0.5});
  for (const double s : {0.06, 0.3, 2.0, 50.0})
    for (const double alpha : {1.0, 0.4}) check_round_trip(p, {0.5, alpha, s * alpha});
  for (const double s : {0.0499, 0.02, 0.0}) {
    const Mix m = p.x0({0.1, 0.8, 0.8 * s});
    CHECK_THAT(m.a, WithinRel(1 / 0.8, 1e-15));  // four roundings
    CHECK(m.b == 0);
    const Mix t = p.target({0.1, 0.8, 0.8 * s}), e = p.eps({0.1, 0.8, 0.8 * s});
    CHECK((t.a == 0 && t.b == 0 && std::isfinite(e.a)));
  }
  CHECK((p.x0({0.1, 1, 0.05}).a == 1 && p.x0({0.1, 1, 0.05}).b == 0));
  // the published scalings at alpha = 1
  const double s = 1.7, d = 0.5, m = 0.05;
  CHECK_THAT(p.x0({0.5, 1, s}).a, WithinRel(d * d / ((s - m) * (s - m) + d * d), 1e-14));
  CHECK_THAT(p.x0({0.5, 1, s}).b, WithinRel((s - m) * d / std::sqrt(s * s + d * d), 1e-14));
  // m = 0 is Edm; pure noise is finite
  const predict::Boundary zero({.min_ratio = 0, .sigma_data = 0.5});
  const Level l{0.4, 0.7, 0.6};
  const predict::Edm edm;
  CHECK_THAT(zero.x0(l).a, WithinRel(edm.x0(l).a, 1e-14));
  CHECK_THAT(zero.target(l).b, WithinRel(edm.target(l).b, 1e-14));
  CHECK_THAT(zero.scale(l), WithinRel(edm.scale(l), 1e-14));
  CHECK((std::isfinite(p.target({1, 0, 1}).a) && p.x0({1, 0, 1}).a == 0));
  CHECK_THROWS_AS(predict::Boundary({.min_ratio = -1}), ArgumentError);
}

TEST_CASE("latent consistency: near x at clean data, the inner x0 far from it", "[predict]") {
  const predict::LatentConsistency<predict::Velocity> p;
  const schedule::Cosine cosine;
  for (const double t : {1e-4, 0.01, 0.5, 0.999}) check_round_trip(p, cosine.at(t));
  CHECK((p.x0(cosine.at(0)).a == 1 && p.x0(cosine.at(0)).b == 0));
  const double u = 10 * 3, skip = 0.25 / (u * u + 0.25), out = u / std::sqrt(u * u + 0.25);
  const Level l = cosine.at(0.003);
  CHECK_THAT(p.x0(l).a, WithinRel(skip + out * predict::Velocity{}.x0(l).a, 1e-14));
  CHECK_THROWS_AS(predict::LatentConsistency<predict::Velocity>({}, 0), ArgumentError);
}

TEST_CASE("consistency: the student is the teacher's run from every level", "[distill]") {
  const auto check = [](const auto& solver) {
    LinearStudent student(grid6);
    test::learn(student, 6000, 0.05, [&](auto& tape, const auto& model, Index step) {
      // the stop-gradient target: the student as it is
      return distill::consistency(law, model, data, grid6, Rng(2), {.step = step}, {}, solver)
          .loss(tape, model);
    });
    for (std::size_t n = 0; n < 6; ++n) {
      const TimeGrid rest(grid6.begin() + static_cast<std::ptrdiff_t>(n), grid6.end());
      const auto x = scale(rest.front().sigma, Rng(6).normal<double>({50, 1}));
      CHECK(distance(student(x, Levels(rest.front())), integrate(solver, law, x, rest)) < 1e-6);
    }
  };
  check(solver::Heun{});
  check(solver::Euler{});
}

TEST_CASE("consistency training: the mean of its target is the exact denoiser's step",
          "[distill]") {
  // The best student of a target is its mean given x: D's Euler step, then self, both linear in x.
  constexpr Index n = 60'000;
  const auto x0 = law.draw<double>({n, 1}, Rng(7));
  const auto self = [](const auto& x, const Levels&) { return mul(x, 0.8); };
  const auto lesson =
      distill::consistency_training(self, x0, grid6, Rng(8), {.step = 3}, {.by_step = true});
  for (std::size_t k = 1; k < 6; ++k) {
    double count = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    const auto each = [&](const auto& f) {
      for (Index b = 0; b < n; ++b)
        if (lesson.levels[static_cast<std::size_t>(b)] == grid6[k]) f(lesson.x[b], lesson.x0[b], b);
    };
    each([&](double x, double y, Index b) {
      ++count, sx += x, sy += y, sxx += x * x, sxy += x * y;
      CHECK_THAT(lesson.weights[static_cast<std::size_t>(b)],
                 WithinRel(1 / (grid6[k].ratio() - grid6[k + 1].ratio()), 1e-12));
    });
    const double mx = sx / count, vx = sxx / count - mx * mx;
    const double slope = (sxy / count - mx * sy / count) / vx;
    double residual = 0;
    each([&](double x, double y, Index) {
      residual += std::pow(y - sy / count - slope * (x - mx), 2) / count;
    });
    const TimeGrid one{grid6[k], grid6[k + 1]};
    const auto at = [&](double x) {
      const double step = integrate(solver::Euler{}, law, Tensor<double>({1, 1}, x), one).item();
      return k == 5 ? step : 0.8 * step;  // what comes to clean data is said as it is
    };
    const double error = 4 * std::sqrt(residual / count);
    CHECK_THAT(slope, WithinAbs(at(1) - at(0), error / std::sqrt(vx) + 1e-12));
    CHECK_THAT(sy / count, WithinAbs(at(mx), error + 1e-12));
  }
}

TEST_CASE("consistency: two draws of the sampler have the data's law", "[distill]") {
  // The exact consistency function of a Gaussian is its probability flow to clean data.
  const auto exact = [](const Tensor<double>& x, const Level& level) {
    return law.flow(x, level, grid::clean);
  };
  const auto x = sample<double>(solver::Consistency{}, exact, {20'000, 1},
                                TimeGrid{grid6[0], grid6[3], grid6[6]}, Rng(9));
  double mean = 0, square = 0;
  for (const double v : x) mean += v / 2e4, square += (v - 0.7) * (v - 0.7) / 2e4;
  CHECK_THAT(mean, WithinAbs(0.7, 4 * std::sqrt(0.3 / 2e4)));
  CHECK_THAT(square, WithinAbs(0.3, 4 * 0.3 * std::sqrt(2 / 2e4)));
}

TEST_CASE("trajectory consistency: the lesson leads where teacher and student lead", "[distill]") {
  const auto self = [](const Tensor<double>& x, const Levels& levels) {
    return affine(x, x, [&](Index b) { return Mix{0.5, 0.1 * levels[b].sigma}; });
  };
  const auto lesson = distill::trajectory_consistency(law, self, data, grid6, Rng(4), {.step = 5});
  std::vector<Index> ends(7);
  for (Index b = 0; b < 32; ++b) {
    const Level from = lesson.levels[static_cast<std::size_t>(b)];
    const double pull = std::sqrt(lesson.weights[static_cast<std::size_t>(b)]);
    const auto n =
        static_cast<std::size_t>(std::find(grid6.begin(), grid6.end(), from) - grid6.begin());
    const auto x = lesson.x.rows(b, 1);
    bool found = false;  // the end is the one whose pull is the weight
    for (std::size_t m = n + 1; m < 7; ++m) {
      if (std::abs(grid6[m].alpha - grid6[m].sigma / from.sigma * from.alpha - pull) > 1e-12)
        continue;
      found = true;
      ++ends[m];
      auto landed = integrate(solver::Euler{}, law, x, TimeGrid{from, grid6[n + 1]});
      if (m > n + 1)
        landed = integrate(solver::Euler{}, self, landed, TimeGrid{grid6[n + 1], grid6[m]});
      const auto said = [&](const Tensor<double>&, const Levels&) { return lesson.x0.rows(b, 1); };
      CHECK(distance(integrate(solver::Euler{}, said, x, TimeGrid{from, grid6[m]}), landed) <
            1e-13);
    }
    CHECK(found);
  }
  CHECK(std::count(ends.begin() + 2, ends.end(), 0) == 0);  // all ends but the first are drawn
}

TEST_CASE("curriculum: numbers of steps and decays are the published ones", "[distill]") {
  const distill::Curriculum c{.first = 2, .last = 150, .total = 1000};
  // N(k) = ceil(sqrt(k / K ((s1 + 1)^2 - s0^2) + s0^2) - 1) + 1 levels
  CHECK(c.rising(0) == 1);
  CHECK(c.rising(500) == 106);  // sqrt(11402.5) = 106.78
  CHECK(c.rising(1000) == 150);
  CHECK(c.rising(5000) == 150);
  CHECK_THAT(c.decay(1), WithinRel(0.9, 1e-14));
  CHECK_THAT(c.decay(149), WithinRel(std::pow(0.9, 2.0 / 150), 1e-14));
  const distill::Curriculum d{.first = 10, .last = 1280, .total = 800};  // K' = 100
  CHECK(d.doubling(0) == 10);
  CHECK(d.doubling(99) == 10);
  CHECK(d.doubling(100) == 20);
  CHECK(d.doubling(799) == 1280);
  CHECK(d.doubling(5000) == 1280);
  CHECK_THROWS_AS((distill::Curriculum{.first = 0}.rising(0)), ArgumentError);
}
