// Covers: search
#include "data.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/probe/search.hpp"
#include "support/catch.hpp"

using namespace foglift;
using probe_test::blobs;

namespace {

/// Three blocks: one without information, x itself, and x drowned in a constant.
struct Toy {
  template <class H>
  Tensor<double> operator()(const Tensor<double>& x, const Tensor<double>&,
                            const nn::Condition<double>&, const nn::Call<H>& call) const {
    Tensor<double> blank({x.dim(0), 1}), same = x;
    call.at({}, "blank").block(blank);
    call.at({}, "x").block(same);
    Tensor<double> first({x.dim(0), 1});
    for (Index i = 0; i < x.dim(0); ++i) first[i] = x(i, 0);
    call.at({}, "first").block(first);
    return x;
  }
};

const Toy toy;
const NetworkDenoiser denoise(toy, predict::X0{}, schedule::Cosine{});
const probe::noise::Fixed noise{Rng(33)};

std::vector<Level> some_levels() {
  const schedule::Cosine schedule;
  return {schedule.at(0.9), schedule.at(0.1), schedule.at(0.6)};
}

struct Setting {
  probe_test::Labelled data = blobs(300, 6, 4, 1.5, 31);
  probe::Split split = probe::stratified_split(data.labels, Rng(32));
  std::vector<Level> levels = some_levels();

  probe::HeatMap map(const std::vector<Index>& labels) const {
    return probe::heat_map(denoise, data.x, labels, 4, split, levels, noise);
  }
};

bool same(const probe::HeatMap& a, const probe::HeatMap& b) {
  for (std::size_t i = 0; i < a.cells.size(); ++i)
    if (a.cells[i].validation != b.cells[i].validation ||
        a.cells[i].predictor.lambda != b.cells[i].predictor.lambda ||
        a.cells[i].predicted != b.cells[i].predicted)
      return false;
  return a.cells.size() == b.cells.size();
}

}  // namespace

TEST_CASE("heat map: a cell is the probe of the features of its level and block",
          "[probe][heat_map]") {
  const Setting s;
  const auto map = s.map(s.data.labels);
  CHECK(map.blocks == std::vector<std::string>{"blank", "x", "first"});
  CHECK(map.levels == s.levels);
  REQUIRE(map.cells.size() == 9);
  for (Index t = 0; t < 3; ++t) {
    const auto blocks =
        probe::features(denoise, s.data.x, s.levels[static_cast<std::size_t>(t)], noise);
    for (Index b = 0; b < 3; ++b) {
      const Tensor<double>& f = blocks[static_cast<std::size_t>(b)].values;
      const auto fit = probe::ridge_probe(probe::gather(f, s.split.train),
                                          probe::gather(s.data.labels, s.split.train), 4);
      const auto& cell = map.at(t, b);
      CHECK(cell.level == t);
      CHECK(cell.block == b);
      CHECK(cell.dimension == f.dim(1));
      CHECK(cell.predictor.lambda == fit.lambda);
      CHECK(cell.validation ==
            probe::accuracy(fit.probe.predict(probe::gather(f, s.split.validation)),
                            probe::gather(s.data.labels, s.split.validation)));
      CHECK(cell.predicted == fit.probe.predict(probe::gather(f, s.split.test)));
    }
  }
}

TEST_CASE("heat map: the best cell is where the classes are clearest", "[probe][heat_map]") {
  const Setting s;
  const auto map = s.map(s.data.labels);
  CHECK(map.best().level == 1);  // the least noise
  CHECK(map.best().block == 1);
  // A blank block knows the class frequencies alone: 25 % each.
  CHECK_THAT(map.at(0, 0).validation, WithinAbs(0.25, 0.02));
}

TEST_CASE("heat map: labels of the test set are not read", "[probe][heat_map]") {
  const Setting s;
  const auto expected = s.map(s.data.labels);
  auto labels = s.data.labels;
  for (std::size_t i = 0; i < s.split.test.size(); ++i)  // any permutation, here a rotation
    labels[static_cast<std::size_t>(s.split.test[i])] =
        s.data.labels[static_cast<std::size_t>(s.split.test[(i + 7) % s.split.test.size()])];
  CHECK(same(s.map(labels), expected));
  for (const Index i : s.split.test) labels[static_cast<std::size_t>(i)] = -99;
  CHECK(same(s.map(labels), expected));
  // ... while those of the training set are.
  labels[static_cast<std::size_t>(s.split.train[0])] = -99;
  CHECK_THROWS_AS(s.map(labels), ArgumentError);
}

TEST_CASE("heat map: does not depend on the batch split or the threads", "[probe][heat_map]") {
  const Setting s;
  const int before = threads();
  set_threads(1);
  const auto expected = s.map(s.data.labels);
  for (const int count : {2, 3}) {
    set_threads(count);
    for (const Index batch : {17, 300}) {
      const probe::HeatMapOptions options{.features = {.batch = batch}};
      CHECK(same(
          probe::heat_map(denoise, s.data.x, s.data.labels, 4, s.split, s.levels, noise, options),
          expected));
    }
  }
  set_threads(before);
}

TEST_CASE("heat map: tells its progress", "[probe][heat_map]") {
  const Setting s;
  std::vector<Index> seen;
  probe::HeatMapOptions options;
  options.search.progress = [&](Index done) { seen.push_back(done); };
  probe::heat_map(denoise, s.data.x, s.data.labels, 4, s.split, s.levels, noise, options);
  CHECK(seen == std::vector<Index>{1, 2, 3});
}

TEST_CASE("heat map: the first of equal cells is the best", "[probe][heat_map]") {
  probe::HeatMap map{.levels = some_levels(), .blocks = {"a", "b"}, .cells = {}};
  for (const double v : {0.5, 0.7, 0.6, 0.7, 0.1, 0.2}) {
    const auto i = static_cast<Index>(map.cells.size());
    map.cells.push_back({.level = i / 2, .block = i % 2, .validation = v});
  }
  CHECK(&map.best() == &map.at(0, 1));
  CHECK_THROWS_AS(map.at(3, 0), ArgumentError);
  CHECK_THROWS_AS(map.at(0, 2), ArgumentError);
  CHECK_THROWS_AS(probe::HeatMap{}.best(), ArgumentError);
}

TEST_CASE("heat map: wrong arguments are refused", "[probe][heat_map]") {
  const Setting s;
  CHECK_THROWS_AS(probe::heat_map(denoise, s.data.x, s.data.labels, 4, s.split, {}, noise),
                  ArgumentError);
  CHECK_THROWS_AS(probe::heat_map(denoise, s.data.x, {}, 4, s.split, s.levels, noise), ShapeError);
  const auto metric = [](const auto& a, const auto& b) { return probe::accuracy(a, b); };
  CHECK_THROWS_AS(
      probe::probe_cell(s.data.x, probe::Ridge{4}, s.data.labels, {.train = {0, 1, 2}}, metric),
      ArgumentError);
}
