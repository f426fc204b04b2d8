// Covers: disentanglement/votes
#include "foglift/probe/metric/disentanglement/votes.hpp"
#include "grid.hpp"
#include "support/catch.hpp"

using namespace foglift;
using probe_test::Grid;

TEST_CASE("votes: codes that are the factors have every vote, a rotation of them has not",
          "[probe][metric]") {
  const Grid g;
  CHECK(probe::factor_vae_score(g.codes, g.factors, Rng(2)) == 1);
  CHECK(probe::beta_vae_score(g.codes, g.factors, Rng(3)) == 1);
  Tensor<double> scaled = g.codes;  // no scale of a code matters
  const auto noise = Rng(5).normal<double>({120, 3});
  for (Index i = 0; i < 360; ++i) scaled[i] += 0.05 * noise[i];
  for (Index i = 0; i < 120; ++i) scaled(i, 0) *= 100, scaled(i, 2) /= 100;
  CHECK(probe::factor_vae_score(scaled, g.factors, Rng(2)) == 1);
  CHECK(probe::factor_vae_score(g.rotated(), g.factors, Rng(2)) < 0.95);
}

TEST_CASE("votes: codes without relation vote by chance", "[probe][metric]") {
  const Grid g;
  const Tensor<double> z = Rng(9).normal<double>({120, 3});
  // 500 votes, each right with a chance of 1/3 and what the table learned of 40 examples' chance.
  CHECK(probe::factor_vae_score(z, g.factors, Rng(2)) < 0.6);
}

TEST_CASE("votes: a code without variance takes no part in votes", "[probe][metric]") {
  const Grid g;
  Tensor<double> z({120, 4});  // the third is constant
  for (Index i = 0; i < 120; ++i) {
    z(i, 0) = g.codes(i, 0), z(i, 1) = g.codes(i, 1), z(i, 3) = g.codes(i, 2);
    z(i, 2) = 5;
  }
  CHECK(probe::factor_vae_score(z, g.factors, Rng(2)) == 1);
  CHECK_THROWS_AS(probe::factor_vae_score(z, g.factors, Rng(2), {}, 10), ArgumentError);
}

TEST_CASE("votes: wrong arguments are refused", "[probe][metric]") {
  const Grid g;
  const probe::Factors one{g.factors[0]}, short_one{{0, 1}};
  CHECK_THROWS_AS(probe::beta_vae_score(g.codes, one, Rng(1)), ArgumentError);
  CHECK_THROWS_AS(probe::beta_vae_score(g.codes, short_one, Rng(1)), ShapeError);
  CHECK_THROWS_AS(probe::factor_vae_score(g.codes, g.factors, Rng(1), {.batch = 1}), ArgumentError);
}
