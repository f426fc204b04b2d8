// Covers: simulate/spring_mesh
#include "foglift/forecast/simulate/spring_mesh.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;
using namespace foglift::forecast;

namespace {

SpringMeshOptions pair(double stiffness, double decay, Index substeps) {
  return {.rows = 2,
          .columns = 1,
          .stiffness = stiffness,
          .decay = decay,
          .interval = 1.5,
          .substeps = substeps};
}

}  // namespace

TEST_CASE("springs: the mesh of 10 x 10 has 342, each once", "[forecast][simulate]") {
  const SpringMesh mesh({});
  CHECK(mesh.springs().size() == 342);
  Tensor<double> seen({100, 100});
  double longest = 0, shortest = 9;
  for (const auto& s : mesh.springs()) {
    CHECK(seen(s.a, s.b)++ == 0);
    CHECK(seen(s.b, s.a)++ == 0);
    longest = std::max(longest, s.length), shortest = std::min(shortest, s.length);
  }
  CHECK(shortest == 1);
  CHECK(longest == std::sqrt(2.0));
}

TEST_CASE("springs: a mass on one spring swings as the closed form says", "[forecast][simulate]") {
  // along the spring the force is -k z whatever z > -1: z'' = -k z + ln(decay) z', so that
  // z = a exp(-g t) (cos(w t) + g / w sin(w t)) with g = -ln(decay) / 2, w = sqrt(k - g^2)
  for (const double decay : {1.0, 0.4}) {
    const double k = 2.5, a = 0.3, t = 3;
    const auto error = [&](Index substeps) {
      const SpringMesh mesh(pair(k, decay, substeps));
      Tensor<double> x({2, 1, 4});
      x(0, 0, 3) = a;
      mesh.advance(x);
      mesh.advance(x);
      CHECK(x(1, 0, 3) == 0);
      CHECK(x(0, 0, 2) == 0);
      const double g = -std::log(decay) / 2, w = std::sqrt(k - g * g);
      return std::abs(x(0, 0, 3) -
                      a * std::exp(-g * t) * (std::cos(w * t) + g / w * std::sin(w * t)));
    };
    const double coarse = error(256), fine = error(512);
    INFO("decay " << decay << ", errors " << coarse << ", " << fine);
    CHECK_THAT(std::log2(coarse / fine), Catch::Matchers::WithinAbs(1, 0.1));
    CHECK(fine < 3e-3);
  }
}

TEST_CASE("springs: a pair that hangs nowhere swings about its middle", "[forecast][simulate]") {
  // two bodies: z = longer - length swings with w = sqrt(2 k); the middle moves evenly
  auto options = pair(1, 1, 20000);
  options.hung = false;
  const SpringMesh mesh(options);
  Tensor<double> x({2, 1, 4});
  x(0, 0, 1) = 0.1, x(1, 0, 1) = 0.3;  // momenta along the spring: apart by 0.2, together 0.2 each
  mesh.advance(x);
  const double w = std::sqrt(2.0), z = 0.2 / w * std::sin(w * 1.5);
  // an error of the first order: the step is 7.5e-5, accelerations are below 0.3, over 1.5
  CHECK_THAT(x(1, 0, 3) - x(0, 0, 3), Catch::Matchers::WithinAbs(z, 1e-4));
  CHECK_THAT((x(0, 0, 3) + x(1, 0, 3)) / 2, Catch::Matchers::WithinAbs(0.2 * 1.5, 1e-12));
}

TEST_CASE("springs: momenta stay where nothing hangs and nothing decays", "[forecast][simulate]") {
  const SpringMesh mesh({.rows = 4, .columns = 5, .decay = 1, .hung = false, .interval = 0.5});
  Tensor<double> x = mesh.initial(Rng(1), 0);
  const double energy = mesh.energy(x);
  for (int s = 0; s < 20; ++s) mesh.advance(x);
  double px = 0, py = 0, turn = 0;
  for (Index r = 0; r < 4; ++r)
    for (Index c = 0; c < 5; ++c) {
      px += x(r, c, 0), py += x(r, c, 1);
      turn += (static_cast<double>(c) + x(r, c, 2)) * x(r, c, 1) -
              (static_cast<double>(r) + x(r, c, 3)) * x(r, c, 0);
    }
  CHECK(std::abs(px) + std::abs(py) + std::abs(turn) < 1e-11);
  // the rule is symplectic: the energy swings by the order of the step, 0.004
  CHECK_THAT(mesh.energy(x), Catch::Matchers::WithinRel(energy, 0.02));
  CHECK(energy > 0.1);
}

TEST_CASE("springs: a hung mesh comes to rest, and its last row stays", "[forecast][simulate]") {
  const SpringMesh mesh({.rows = 3, .columns = 3, .interval = 0.5, .substeps = 64});
  Tensor<double> x = mesh.initial(Rng(1), 0);
  double energy = mesh.energy(x);
  for (int s = 0; s < 300; ++s) {
    mesh.advance(x);
    const double now = mesh.energy(x);
    CHECK(now < energy);
    energy = now;
  }
  CHECK(energy < 1e-8);  // the softest swing is far beyond its critical damping
  for (Index c = 0; c < 3; ++c)
    for (Index d = 0; d < 4; ++d) CHECK(x(2, c, d) == 0);
}

TEST_CASE("springs: particles start even in their rings", "[forecast][simulate]") {
  const SpringMesh mesh({.nearest = 0.2, .farthest = 0.4});
  double square = 0, n = 0;
  for (std::uint64_t sample = 0; sample < 20; ++sample) {
    const Tensor<double> x = mesh.initial(Rng(5), sample);
    for (Index i = 0; i < 90; ++i) {
      const double r2 = x[4 * i + 2] * x[4 * i + 2] + x[4 * i + 3] * x[4 * i + 3];
      CHECK((r2 >= 0.0399999 && r2 <= 0.1600001));
      square += r2, ++n;
    }
  }
  // r^2 is even in [0.04, 0.16]: deviation 0.12 / sqrt(12), 4 standard errors of 1800
  CHECK_THAT(square / n, Catch::Matchers::WithinAbs(0.1, 4 * 0.12 / std::sqrt(12 * n)));
}

TEST_CASE("springs: what can not be run is named", "[forecast][simulate]") {
  CHECK_THROWS_AS(SpringMesh({.rows = 0}), ArgumentError);
  CHECK_THROWS_AS(SpringMesh({.decay = 0}), ArgumentError);
  CHECK_THROWS_AS(SpringMesh({.nearest = 0.4, .farthest = 0.3}), ArgumentError);
  CHECK_THROWS_AS(SpringMesh({.stiffness = std::numeric_limits<double>::quiet_NaN()}),
                  ArgumentError);
  Tensor<double> x({10, 10, 2});
  CHECK_THROWS_AS(SpringMesh({}).advance(x), ShapeError);
}
