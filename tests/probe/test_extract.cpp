// Covers: collect extract noise_policy normal_equations sink/read search write_npy
#include "data.hpp"
#include "foglift/data/npy_reader.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/nn/hooks/perturb.hpp"
#include "foglift/nn/hooks/stop_after.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "foglift/probe/search.hpp"
#include "foglift/probe/sink/normal_equations.hpp"
#include "foglift/probe/sink/write_npy.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"

#include <cmath>

using namespace foglift;
using probe_test::blobs;

namespace {

using T2 = Tensor<double>;
namespace noise = probe::noise;

nn::Mlp<double> mlp() {
  Rng rng(1);
  return nn::Mlp<double>({.in = 3, .width = 8, .depth = 3}, rng);
}
const nn::Mlp<double> net = mlp();
const NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
const std::vector<Level> levels{denoise.at(0.2), denoise.at(0.7)};
const T2 x0 = Rng(2).normal<double>({37, 3});

/// A sink of one's own: the largest activation of each block, over all levels.
struct Largest {
  std::map<std::string, double> seen = {};
  T2 read(const nn::Place&, Index, const T2& h) const { return h; }
  void take(const probe::Source&, std::vector<probe::BlockFeatures<double>> features) {
    for (const auto& block : features)
      for (const double v : block.values)
        seen[block.block] = std::max(seen[block.block], std::abs(v));
  }
  void end(const probe::Source&) {}
};

/// A probe of one's own: the class whose training mean is nearest.
struct NearestMean {
  Index classes;
  struct Predictor {
    T2 means;
    std::vector<Index> predict(const T2& features) const {
      std::vector<Index> out;
      for (Index i = 0; i < features.dim(0); ++i) {
        Index best = 0;
        double least = std::numeric_limits<double>::infinity();
        for (Index k = 0; k < means.dim(0); ++k) {
          double sum = 0;
          for (Index j = 0; j < means.dim(1); ++j)
            sum += (features(i, j) - means(k, j)) * (features(i, j) - means(k, j));
          if (sum < least) least = sum, best = k;
        }
        out.push_back(best);
      }
      return out;
    }
  };
  Predictor fit(const T2& features, const std::vector<Index>& labels) const {
    Predictor p{T2({classes, features.dim(1)})};
    std::vector<double> count(static_cast<std::size_t>(classes));
    for (const Index label : labels) ++count[static_cast<std::size_t>(label)];
    for (Index i = 0; i < features.dim(0); ++i) {
      const Index k = labels[static_cast<std::size_t>(i)];
      for (Index j = 0; j < features.dim(1); ++j)
        p.means(k, j) += features(i, j) / count[static_cast<std::size_t>(k)];
    }
    return p;
  }
};

const auto share_right = [](const std::vector<Index>& a, const std::vector<Index>& b) {
  return probe::accuracy(a, b);
};

}  // namespace

TEST_CASE("extract: what the network makes in its denoiser, whatever it predicts",
          "[probe][extract]") {
  const auto check = [](const auto& parameterization, const Level& level) {
    const NetworkDenoiser own(net, parameterization, schedule::Cosine{});
    const auto found = probe::features(own, x0, level, noise::Fixed{Rng(3)});
    T2 x = Rng(3).normal<double>(x0.shape());
    for (Index i = 0; i < x.size(); ++i) x[i] = level.alpha * x0[i] + level.sigma * x[i];
    std::vector<T2> seen;
    const nn::hooks::OnBlock look([&](const nn::Place&, const T2& h) { seen.push_back(h); });
    own.of([&](const T2& at, const T2& time) { return net(at, time, {}, nn::Call(look)); })(x,
                                                                                            level);
    REQUIRE(seen.size() == 3);
    // The denoiser finds the level again by its log-SNR, to some 1e-15.
    for (std::size_t k = 0; k < 3; ++k)
      for (Index i = 0; i < seen[k].size(); ++i)
        CHECK_THAT(found[k].values[i], WithinAbs(seen[k][i], 1e-11));
  };
  for (const Level& level : levels) {
    check(predict::Velocity{}, level);
    check(predict::Edm({.sigma_data = 0.5}), level);
  }
}

TEST_CASE("extract: policies of noise", "[probe][extract]") {
  T2 same({4, 3}, 0.5);
  const Level pure{1, 0, 1}, half{0.5, 0.6, 0.8};
  const std::vector<Level> both{half, half};
  const auto rows = [&](const auto& policy) {
    probe::Collect<double> all;
    probe::extract(denoise, same, both, policy, nn::NoHook{}, all);
    return all.levels;
  };
  const auto fixed = rows(noise::Fixed{Rng(5)}), fresh = rows(noise::Fresh{Rng(5)}),
             shared = rows(noise::Shared{Rng(5)}), none = rows(noise::None{});
  const auto equal = [](const T2& a, Index i, const T2& b, Index j) {
    return a.rows(i, 1) == b.rows(j, 1);
  };
  CHECK(fixed[0][0].values == fixed[1][0].values);
  CHECK_FALSE(equal(fixed[0][0].values, 0, fixed[0][0].values, 1));
  CHECK_FALSE(fresh[0][0].values == fresh[1][0].values);
  CHECK_FALSE(equal(fresh[0][0].values, 0, fresh[0][0].values, 1));
  CHECK(equal(shared[0][0].values, 0, shared[0][0].values, 3));
  CHECK(shared[0][0].values == shared[1][0].values);
  // without noise: the network at alpha x0
  T2 clean = same, time({4}, 0.5);
  for (double& v : clean) v *= 0.6;
  std::vector<T2> seen;
  net(clean, time, {},
      nn::Call(nn::hooks::OnBlock([&](const nn::Place&, const T2& h) { seen.push_back(h); })));
  CHECK(none[0][2].values == seen[2]);
  // a mean is the mean of its draws
  const auto two = rows(noise::Mean(noise::Fixed{Rng(5)}, 2));
  struct Second {
    static constexpr Index draws() { return 1; }
    void fill(std::span<double> eps, std::uint64_t sample, Index, Index) const {
      Rng(5).fill_normal(eps, sample, 1);
    }
  };
  const auto second = rows(Second{});
  for (Index i = 0; i < two[0][1].values.size(); ++i)
    CHECK_THAT(two[0][1].values[i],
               WithinAbs((fixed[0][1].values[i] + second[0][1].values[i]) / 2, 1e-15));
  CHECK(pure.sigma == 1);
}

TEST_CASE("extract: a sink of one's own, and a hook that ends the pass", "[probe][extract]") {
  Largest all, part;
  probe::extract(denoise, x0, levels, noise::Fixed{Rng(3)}, nn::NoHook{}, all, {.batch = 5});
  REQUIRE(all.seen.size() == 3);
  probe::extract(denoise, x0, levels, noise::Fixed{Rng(3)}, nn::hooks::StopAfter("layers.1"), part);
  CHECK(part.seen.size() == 2);
  probe::Collect<double> rows;
  probe::extract(denoise, x0, levels, noise::Fixed{Rng(3)}, nn::NoHook{}, rows);
  for (std::size_t k = 0; k < 3; ++k) {
    double largest = 0;
    for (const auto& level : rows.levels)
      for (const double v : level[k].values) largest = std::max(largest, std::abs(v));
    CHECK(all.seen.at(rows.levels[0][k].block) == largest);
  }
  // A hook that changes the pass changes what is seen behind it.
  Largest skipped;
  probe::extract(denoise, x0, levels, noise::Fixed{Rng(3)}, nn::hooks::SkipBlocks({"layers.1"}),
                 skipped);
  CHECK(skipped.seen.at("layers.0") == all.seen.at("layers.0"));
  CHECK(skipped.seen.at("layers.1") == all.seen.at("layers.0"));
}

TEST_CASE("extract: a search with a probe of one's own, a control and its regret",
          "[probe][search]") {
  const auto data = blobs(300, 3, 4, 2.5, 31);
  const auto split = probe::stratified_split(data.labels, Rng(32));
  probe::Search<NearestMean, double, std::vector<Index>, decltype(share_right)> search(
      {4}, data.labels, split, share_right, probe::Pooled{}, {.control = Rng(6)});
  probe::extract(denoise, data.x, levels, noise::Fixed{Rng(3)}, nn::NoHook{}, search);
  const auto& map = search.map;
  REQUIRE(map.cells.size() == 6);
  const auto blocks = probe::features(denoise, data.x, levels[1], noise::Fixed{Rng(3)});
  const auto cell = map.at(1, 2);
  const auto fit = NearestMean{4}.fit(probe::gather(blocks[2].values, split.train),
                                      probe::gather(data.labels, split.train));
  CHECK(cell.predicted == fit.predict(probe::gather(blocks[2].values, split.test)));
  CHECK(map.best().level == 0);  // the less noise
  CHECK(map.best().validation > 0.6);
  CHECK(map.best().control < map.best().validation - 0.2);
  // Where features know nothing, no more than chance: 400 examples, a deviation of 2.2 %; four of
  // those.
  const auto blank = blobs(2000, 3, 4, 0, 31);
  const auto parts = probe::stratified_split(blank.labels, Rng(32));
  const auto cell_of_noise =
      probe::probe_cell(blank.x, NearestMean{4}, blank.labels, parts, share_right, Rng(6));
  CHECK_THAT(cell_of_noise.control, WithinAbs(0.25, 0.088));
  CHECK_THAT(cell_of_noise.validation, WithinAbs(0.25, 0.088));
  const auto truth = probe::gather(data.labels, split.test);
  double most = 0;
  for (const auto& c : map.cells) most = std::max(most, share_right(c.predicted, truth));
  CHECK(map.regret(share_right, truth) == most - share_right(map.best().predicted, truth));
  CHECK(map.regret(share_right, truth) >= 0);
}

TEST_CASE("extract: points are read where they lie", "[probe][extract]") {
  Rng rng(4);
  const nn::UNet2d<double> unet(
      {.in = 1, .width = 4, .multipliers = {1, 2}, .blocks = 1, .groups = 2}, rng);
  const NetworkDenoiser image(unet, predict::Velocity{}, schedule::Cosine{});
  const T2 images = Rng(5).normal<double>({5, 4, 4, 1});
  T2 points({5, 2, 2});  // the centres of the cells (row b % 4, column 1) and (3, 0) of 4 x 4
  for (Index b = 0; b < 5; ++b) {
    points(b, 0, 0) = -1 + 2 * 1.5 / 4,
                 points(b, 0, 1) = -1 + (static_cast<double>(b % 4) + 0.5) / 2;
    points(b, 1, 0) = -1 + 2 * 0.5 / 4, points(b, 1, 1) = -1 + 2 * 3.5 / 4;
  }
  probe::Collect<double, probe::AtPoints<double>> at{probe::AtPoints<double>(points)};
  probe::extract(image, images, levels, noise::Fixed{Rng(3)}, nn::NoHook{}, at, {.batch = 2});
  T2 whole;
  T2 x = Rng(3).normal<double>(images.shape());
  for (Index i = 0; i < x.size(); ++i) x[i] = levels[0].alpha * images[i] + levels[0].sigma * x[i];
  unet(x, T2({5}, levels[0].t), {},
       nn::Call(nn::hooks::OnBlock([&](std::string_view name, const T2& h) {
         if (name == "input") whole = h;
       })));
  const T2& read = at.levels[0][0].values;
  REQUIRE(read.shape() == Shape{5, 8});
  for (Index b = 0; b < 5; ++b)
    for (Index c = 0; c < 4; ++c) {
      CHECK_THAT(read(b, c), WithinAbs(whole(b, b % 4, 1, c), 1e-14));
      CHECK_THAT(read(b, 4 + c), WithinAbs(whole(b, 3, 0, c), 1e-14));
    }
}

TEST_CASE("extract: normal equations in a stream find the map that made the targets",
          "[probe][extract]") {
  const auto features = probe::features(denoise, x0, levels[1], noise::Fixed{Rng(3)});
  const T2& z = features[2].values;  // [37, 8]
  const T2 weight = Rng(7).normal<double>({8, 2});
  T2 y({37, 2});
  for (Index i = 0; i < 37; ++i)
    for (Index k = 0; k < 2; ++k) {
      y(i, k) = 3 + static_cast<double>(k);
      for (Index j = 0; j < 8; ++j) y(i, k) += z(i, j) * weight(j, k);
    }
  const auto fitted = [&](Index batch, double lambda) {
    probe::NormalEquations<double> sums(y);
    probe::extract(denoise, x0, levels, noise::Fixed{Rng(3)}, nn::NoHook{}, sums, {.batch = batch});
    return sums.fit(1, "layers.2", lambda);
  };
  const auto map = fitted(64, 0), parts = fitted(7, 0);
  CHECK(map.weight == parts.weight);  // whatever the batches
  const T2 told = map.predict(z);
  // the equations square a condition number of some 1e3
  for (Index i = 0; i < y.size(); ++i) CHECK_THAT(told[i], WithinAbs(y[i], 1e-8));
  // with a lambda: its gradient Z'(Z w + b - y) + n lambda w is 0
  const auto ridge = fitted(64, 0.1);
  const T2 at = ridge.predict(z);
  for (Index k = 0; k < 2; ++k) {
    double bias = 0;
    for (Index i = 0; i < 37; ++i) bias += at(i, k) - y(i, k);
    CHECK_THAT(bias, WithinAbs(0, 1e-10));
    for (Index j = 0; j < 8; ++j) {
      double g = 37 * 0.1 * ridge.weight(j, k);
      for (Index i = 0; i < 37; ++i) g += z(i, j) * (at(i, k) - y(i, k));
      CHECK_THAT(g, WithinAbs(0, 1e-10));
    }
  }
  probe::NormalEquations<double> few(y.rows(0, 30));
  CHECK_THROWS_AS(probe::extract(denoise, x0, levels, noise::None{}, nn::NoHook{}, few),
                  ShapeError);
  CHECK_THROWS_AS(few.fit(0, "layers.9", 1), ArgumentError);
}

TEST_CASE("extract: features in files", "[probe][extract]") {
  const TempFolder folder;
  probe::WriteNpy<double> files(folder / "f");
  probe::extract(denoise, x0, levels, noise::Fixed{Rng(3)}, nn::NoHook{}, files, {.batch = 10});
  for (std::size_t l = 0; l < 2; ++l)
    for (const auto& block : probe::features(denoise, x0, levels[l], noise::Fixed{Rng(3)}))
      CHECK(data::read_npy<double>(
                folder / ("f." + std::to_string(l) + '.' + block.block + ".npy")) == block.values);
}
