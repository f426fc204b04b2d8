// Covers: lesson progressive tract denoising_student
#include "diffusion/distill/linear_student.hpp"
#include "foglift/diffusion/distill/denoising_student.hpp"
#include "foglift/diffusion/distill/progressive.hpp"
#include "foglift/diffusion/distill/tract.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solvers.hpp"

using namespace foglift;
using test::distance;
using test::law;
using test::LinearStudent;

namespace {

const TimeGrid grid8 = grid::uniform(schedule::Cosine{}, 8);
const auto data = law.draw<double>({32, 1}, Rng(1));

/// Where a run of Euler's rule ends that begins with x.
template <class D>
Tensor<double> run(const D& denoise, Tensor<double> x, const TimeGrid& grid) {
  return integrate(solver::Euler{}, denoise, std::move(x), grid);
}

/// The student of a teacher on a grid, trained until nothing is left: its targets are exact.
template <class D>
LinearStudent halve(const D& teacher, const TimeGrid& grid) {
  LinearStudent student(distill::halved(grid));
  test::learn(student, 3000, 0.05, [&](auto& tape, const auto& model, Index step) {
    return distill::progressive(teacher, data, grid, Rng(2), {.step = step}).loss(tape, model);
  });
  return student;
}

}  // namespace

TEST_CASE("lesson: the loss is the weighted mean of penalties, with its gradient", "[distill]") {
  const distill::Lesson<double> lesson{.x = Tensor<double>({2, 2}, 1.0),
                                       .levels = {grid8[0], grid8[4]},
                                       .x0 = Tensor<double>({2, 2}, {0.0, 1.0, 2.0, 3.0}),
                                       .weights = {1, 3}};
  Tape<double> tape;
  const auto said = tape.variable(Tensor<double>({2, 2}, {1.0, 1.0, 1.0, 1.0}));
  const auto loss = lesson.loss(said);
  CHECK(loss.value().item() == (1.0 + 0 + 3 * (1.0 + 4.0)) / 4);
  CHECK(distance(tape.backward(loss)[said], Tensor<double>({2, 2}, {0.5, 0.0, -1.5, -3.0})) == 0);
  const auto huber = lesson.loss(said.value(), Penalty::huber(1));
  CHECK(huber.item() == (1.0 + 3 * (1.0 + 3.0)) / 4);
  CHECK_THROWS_AS(lesson.loss(Tensor<double>({2, 1})), ShapeError);
  auto bad = lesson;
  bad.weights = {1, -1};
  CHECK_THROWS_AS(bad.loss(said.value()), NumericError);
  bad.weights = {1};
  CHECK_THROWS_AS(bad.loss(said.value()), ShapeError);
}

TEST_CASE("lesson: the x0 of a jump leads where the jump led", "[distill]") {
  const auto x = Rng(3).normal<double>({3, 2}), to = Rng(4).normal<double>({3, 2});
  const std::vector<Level> from{grid8[0], grid8[2], grid8[5]}, end{grid8[3], grid8[4], grid8[8]};
  const auto x0 = distill::x0_of_jump(to, x, from, end);
  const auto said = [&](const Tensor<double>&, const Levels&) { return x0; };
  const auto landed =
      solver::Euler{}.step(x, Levels(from), Levels(end), said, StepRng(Rng(0), 0, 0));
  // two products and a quotient by alpha' - k alpha >= 0.1: 8 roundings of numbers below 30
  CHECK(distance(landed, to) < 8 * 30 * 2.3e-16 / 0.1);
}

TEST_CASE("lesson: all steps are drawn as often, and states have the data's law", "[distill]") {
  std::vector<Index> count(5);
  for (Index step = 0; step < 400; ++step)
    for (const std::size_t n : distill::draw_steps(5, 10, Rng(1), {.step = step})) ++count[n];
  for (const Index n : count) CHECK_THAT(double(n), WithinAbs(800, 4 * std::sqrt(640.0)));
  const Tensor<double> clean({20'000, 1}, 2.0);
  const auto x = distill::noised(clean, Level{0.5, 0.6, 0.8}, Rng(5), {.step = 0});
  double mean = 0, square = 0;
  for (const double v : x) mean += v / 2e4, square += (v - 1.2) * (v - 1.2) / 2e4;
  CHECK_THAT(mean, WithinAbs(1.2, 4 * 0.8 / std::sqrt(2e4)));
  CHECK_THAT(square, WithinAbs(0.64, 4 * 0.64 * std::sqrt(2 / 2e4)));
  CHECK_THROWS_AS(distill::draw_steps(0, 3, Rng(1), {.step = 0}), ArgumentError);
}

TEST_CASE("progressive: three halvings of 8 steps are the teacher's 8 in one", "[distill]") {
  const auto four = halve(law, grid8);
  const auto grid4 = distill::halved(grid8), grid2 = distill::halved(grid4);
  const auto two = halve(four, grid4);
  const auto one = halve(two, grid2);
  const auto x = scale(grid8.front().sigma, Rng(6).normal<double>({50, 1}));
  const auto end = run(law, x, grid8);
  // the optimum is the teacher's map; the bar is 1e-4, this is what Adam leaves
  CHECK(distance(run(four, x, grid4), end) < 1e-6);
  CHECK(distance(run(two, x, grid2), end) < 1e-6);
  CHECK(distance(run(one, x, distill::halved(grid2)), end) < 1e-6);
  CHECK(distance(run(law, x, distill::halved(grid2)), end) > 0.1);  // the teacher's own one step
  CHECK_THROWS_AS(distill::halved(grid::uniform(schedule::Cosine{}, 5)), ArgumentError);
}

TEST_CASE("progressive: the truncated SNR weighs the levels", "[distill]") {
  const auto lesson =
      distill::progressive(law, data, grid8, Rng(2), {.step = 1},
                           {.level_weight = distill::of_x0(weight::TruncatedSnr{})});
  REQUIRE(lesson.weights.size() == 32);
  for (std::size_t b = 0; b < 32; ++b)
    CHECK_THAT(lesson.weights[b], WithinRel(std::max(1.0, lesson.levels[b].snr()), 1e-12));
}

TEST_CASE("tract: the self-taught student leads to the ends of its phases", "[distill]") {
  for (const Index phases : {1, 2, 4}) {
    LinearStudent student(grid8), self(grid8);
    test::learn(student, 6000, 0.05, [&](auto& tape, const auto& model, Index step) {
      train::ema_update(self, model, 0.5);
      return distill::tract(law, self, data, grid8, phases, Rng(2), {.step = step})
          .loss(tape, model);
    });
    const auto x = scale(grid8.front().sigma, Rng(6).normal<double>({50, 1}));
    INFO("phases " << phases);
    CHECK(distance(run(student, x, distill::phase_ends(grid8, phases)), run(law, x, grid8)) < 1e-6);
  }
  CHECK_THROWS_AS(distill::phase_ends(grid8, 3), ArgumentError);
  CHECK_THROWS_AS(distill::phase_ends(grid8, 0), ArgumentError);
}

TEST_CASE("denoising student: one step is the teacher's whole run", "[distill]") {
  LinearStudent student({grid8.front(), grid8.back()});
  test::learn(student, 2000, 0.05, [&](auto& tape, const auto& model, Index step) {
    return distill::denoising_student<double>(solver::Heun{}, law, {16, 1}, grid8, Rng(3),
                                              {.step = step})
        .loss(tape, model);
  });
  const auto x = scale(grid8.front().sigma, Rng(6).normal<double>({50, 1}));
  CHECK(distance(student(x, Levels(grid8.front())), integrate(solver::Heun{}, law, x, grid8)) <
        1e-6);
  CHECK_THROWS_AS(
      distill::denoising_student<double>(solver::Heun{}, law, {}, grid8, Rng(3), {.step = 0}),
      ShapeError);
}
