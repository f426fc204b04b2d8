// Covers: box_muller philox rng
#include "foglift/core/rng.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace foglift;

TEST_CASE("philox: the known answers of Random123", "[core][rng]") {
  // kat_vectors of Random123 1.14, philox4x32 with 10 rounds.
  using W = std::array<std::uint32_t, 4>;
  CHECK(philox({0, 0, 0, 0}, 0) == W{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({~0u, ~0u, ~0u, ~0u}, ~0ull) == W{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822) ==
        W{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("philox: a row of counters holds the words of each", "[core][rng]") {
  constexpr std::size_t lanes = PhiloxRow::lanes;
  for (const std::uint32_t first : {0u, 40u, ~0u - 20u}) {  // past 2^32 it begins again
    std::array<std::uint32_t, 3 * PhiloxRow::block> words;
    PhiloxRow(7, 1, 2, 0x0123456789abcdef).write(first, words);
    for (std::size_t j = 0; j < 3 * lanes; ++j) {
      const auto one = philox({first + static_cast<std::uint32_t>(j), 7, 1, 2}, 0x0123456789abcdef);
      for (std::size_t i = 0; i < 4; ++i)
        CHECK(words[j / lanes * PhiloxRow::block + i * lanes + j % lanes] == one[i]);
    }
  }
}

TEST_CASE("box_muller: agrees with the transform in double", "[core][rng]") {
  const double turn = 6.283185307179586;
  // Words near every edge of the reductions, and random ones between.
  std::vector<std::uint32_t> words = {
      0, 1, 2, 255, 256, 0x1FFFFFFF, 0x20000000, 0x7FFFFFFF, 0x80000000, 0xB504F333, ~0u};
  for (std::uint32_t i = 0; i < 2000; ++i) words.push_back(philox({i, 0, 0, 0}, 1)[0]);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::uint32_t w = words[i], v = words[(7 * i + 3) % words.size()];
    const double radius = std::sqrt(-2 * std::log((w + 1.0) * 0x1p-32)), angle = v * 0x1p-32 * turn;
    const NormalPair z = box_muller(w, v);
    // Float keeps 24 bits of u: near u = 1, where the radius goes to 0, an error of 2^-25 in u is
    // one of 2^-25 / radius.
    const double slack = 1e-6 + 0x1p-24 / (radius + 0x1p-12);
    CHECK_THAT(z.first, WithinAbs(radius * std::cos(angle), slack));
    CHECK_THAT(z.second, WithinAbs(radius * std::sin(angle), slack));
  }
}

TEST_CASE("rng: a sample's numbers do not depend on its batch", "[core][rng]") {
  const Rng rng(3);
  const auto all = rng.normal<float>({33, 5}, 0, 2);
  for (Index first : {0, 1, 16, 32}) {
    const auto part = rng.normal<float>({1, 5}, static_cast<std::uint64_t>(first), 2);
    CHECK(part == all.rows(first, 1));
  }
}

TEST_CASE("rng: an element does not depend on how many are asked for", "[core][rng]") {
  const Rng rng(3);
  const auto all = rng.normal<float>({1, 300}, 7, 2);
  const auto evenly = rng.uniform<float>({1, 300}, 7, 2);
  for (Index n = 1; n < 300; n = n < 140 ? n + 1 : n + 13) {
    const auto z = rng.normal<float>({1, n}, 7, 2);
    CHECK(std::equal(z.begin(), z.end(), all.begin()));
    const auto d = rng.normal<double>({1, n}, 7, 2);
    CHECK(std::equal(d.begin(), d.end(), all.begin()));
    const auto u = rng.uniform<float>({1, n}, 7, 2);
    CHECK(std::equal(u.begin(), u.end(), evenly.begin()));
  }
}

TEST_CASE("rng: numbers stand where they always stood", "[core][rng]") {
  // Number 64 b + 16 i + j of a sample is made of words i of counter 16 b + j: the first two words
  // make 16 pairs of normals, the last two as many.
  const Rng rng(8);
  const auto z = rng.normal<float>({1, 128}, 5, 3);
  const auto u = rng.uniform<float>({1, 128}, 5, 3);
  for (std::uint32_t c = 0; c < 32; ++c) {
    const auto w = rng.bits(5, 3, c);
    const Index at = 64 * (c / 16) + c % 16;
    for (Index i = 0; i < 4; ++i)
      CHECK(u[at + 16 * i] == static_cast<float>(w[static_cast<std::size_t>(i)] >> 8) * 0x1p-24F);
    for (std::size_t pair = 0; pair < 2; ++pair) {
      const NormalPair p = box_muller(w[2 * pair], w[2 * pair + 1]);
      const Index first = at + 32 * static_cast<Index>(pair);
      CHECK_THAT(z[first], WithinAbs(p.first, 1e-6));
      CHECK_THAT(z[first + 16], WithinAbs(p.second, 1e-6));
    }
  }
}

TEST_CASE("rng: normals have the moments of N(0, 1)", "[core][rng]") {
  const Index n = 1 << 20;
  const auto z = Rng(11).normal<double>({1024, n / 1024});
  double m1 = 0, m2 = 0, m4 = 0, lag = 0;
  for (Index i = 0; i < n; ++i) {
    m1 += z[i];
    m2 += z[i] * z[i];
    m4 += std::pow(z[i], 4);
    if (i) lag += z[i] * z[i - 1];
  }
  // 5 standard errors: Var(z) = 1, Var(z^2) = 2, Var(z^4) = 105 - 9 = 96, Var(z z') = 1.
  const double se = 5 / std::sqrt(static_cast<double>(n));
  CHECK_THAT(m1 / n, WithinAbs(0, se));
  CHECK_THAT(m2 / n, WithinAbs(1, se * std::sqrt(2.0)));
  CHECK_THAT(m4 / n, WithinAbs(3, se * std::sqrt(96.0)));
  CHECK_THAT(lag / n, WithinAbs(0, se));
}

TEST_CASE("rng: streams, steps and samples are uncorrelated", "[core][rng]") {
  const Rng rng(5);
  const Index n = 1 << 16;
  const auto base = rng.normal<double>({1, n});
  const std::vector<Tensor<double>> others = {
      rng.stream(0).normal<double>({1, n}), rng.stream(1).normal<double>({1, n}),
      rng.normal<double>({1, n}, 1), rng.normal<double>({1, n}, 0, 1),
      Rng(6).normal<double>({1, n})};
  for (const auto& other : others) {
    double dot = 0;
    for (Index i = 0; i < n; ++i) dot += base[i] * other[i];
    CHECK_THAT(dot / n, WithinAbs(0, 5 / std::sqrt(static_cast<double>(n))));
  }
}

TEST_CASE("rng: uniforms fill the unit interval evenly", "[core][rng]") {
  const Index n = 1 << 18;
  const auto u = Rng(1).uniform<float>({64, n / 64});
  std::vector<double> counts(64);
  for (float v : u) {
    REQUIRE((v >= 0 && v < 1));
    ++counts[static_cast<std::size_t>(v * 64)];
  }
  double chi2 = 0;
  const double expected = static_cast<double>(n) / 64;
  for (double c : counts) chi2 += (c - expected) * (c - expected) / expected;
  CHECK(chi2 < 63 + 5 * std::sqrt(126.0));  // mean and 5 standard deviations of chi-squared with 63
                                            // degrees of freedom
}

TEST_CASE("rng: index is uniform and checks its range", "[core][rng]") {
  const Rng rng(9);
  std::vector<int> counts(7);
  for (std::uint64_t i = 0; i < 70000; ++i) ++counts[static_cast<std::size_t>(rng.index(7, i))];
  for (int c : counts) CHECK(std::abs(c - 10000) < 5 * std::sqrt(10000.0 * 6 / 7));
  CHECK_THROWS_AS(rng.index(0, 1), ArgumentError);
}

TEST_CASE("rng: split gives a fixed sequence of distinct streams", "[core][rng]") {
  Rng a(4), b(4);
  CHECK(a.split().key() == b.split().key());
  CHECK(a.split().key() != Rng(4).split().key());
}
