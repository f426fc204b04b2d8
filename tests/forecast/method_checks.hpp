#pragma once
// What every method owes, whatever it is: its test calls the three functions at the end.

#include "foglift/forecast/forecaster.hpp"
#include "foglift/io/checkpoint.hpp"
#include "foglift/train/callbacks/stop_when.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

namespace foglift::forecast::owed {

inline const double missing = std::numeric_limits<double>::quiet_NaN();

/// Waves with noise of `channels` channels, with a covariate of each kind and a static, and gaps.
inline Series wave(const std::string& name, Index n, Index channels, std::uint64_t seed) {
  Series s{.name = name,
           .time = {static_cast<Time>(seed) * 86'400, {.seconds = 3600}},
           .channels = channels,
           .known = Rng(seed).stream(1).normal<double>({n + 5, 1}),
           .past = Rng(seed).stream(2).normal<double>({n, 1}),
           .statics = {static_cast<double>(seed)}};
  const auto z = Rng(seed).normal<double>({n, channels});
  for (Index i = 0; i < z.size(); ++i)
    s.values.push_back(i % 11 == 3 ? missing
                                   : 20 + 3 * std::sin(0.7 * static_cast<double>(i)) + z[i]);
  s.known(n / 2, 0) = s.past(n / 3, 0) = missing;
  return s;
}

/// Options of a method on panels of waves.
template <class M>
typename M::Options options_of(const FrameOptions& frame) {
  typename M::Options o;
  o.frame = frame;
  if constexpr (requires { M::Options::small(frame); }) {
    o = M::Options::small(frame);
    o.width = 8;
    o.layers = 1;
    o.sampling_steps = 3;
  } else if constexpr (requires { o.net; }) {
    o.net = {.width = 8, .multipliers = {1}, .blocks = 1, .middle_attention = false, .groups = 4};
    o.sampling_steps = 3;
  }
  return o;
}

inline FrameOptions frame_of(Index channels) {
  return {.horizon = 4,
          .context = 8,
          .seasons = {6},
          .calendar = {.day = 1},
          .columns = {channels, 1, 1, 1}};
}

inline const ForecasterOptions quick{
    .validation = 8, .batch = 16, .steps = 4, .warm_up = 1, .validate_every = 2, .seed = 5};

struct Threads {
  int before = threads();
  ~Threads() { set_threads(before); }
};

/// What stands where a mask is 0 changes nothing.
template <Method M>
void check_masks() {
  const std::vector<Series> series = {wave("a", 60, 2, 1)};
  Rng rng(1);
  const M fresh(options_of<M>(frame_of(2)), rng);
  M method = fresh;
  nn::for_each_parameter(method, [&](const std::string&, auto& p) {  // no weight is 0
    p.value = rng.split().template normal<float>(p.value.shape());
    for (float& v : p.value) v *= 0.1F;
  });
  const Frame clean = Framer(method.frame())(series, std::vector<Origin>{{0, 22}, {0, 28}});
  Frame dirty = clean;
  Index changed = 0;
  const auto spoil = [&](auto& values, const Tensor<float>& mask) {
    for (Index i = 0; i < mask.size(); ++i)
      if (mask[i] == 0) values[i] = 1e6F, ++changed;
  };
  spoil(dirty.context, clean.context_mask);
  spoil(dirty.target, clean.target_mask);
  spoil(dirty.known, clean.known_mask);
  spoil(dirty.past, clean.past_mask);
  REQUIRE(changed > 4);
  const LossKeys keys{Rng(2), {.step = 0, .strata = 2}};  // times as among two rows
  CHECK(method.loss(clean, keys) == method.loss(dirty, keys));
  Tape<float> tape;
  CHECK_THAT(method.loss(dirty, keys, tape).value().item(),
             WithinRel(method.loss(clean, keys).item(), 1e-5F));
  for (const Index row : {0, 1}) {
    const PathKeys paths{Rng(3), 0, 5};
    CHECK(method.draw(clean.rows(row, 1), paths) == method.draw(dirty.rows(row, 1), paths));
  }
  // A row without any target says nothing.
  dirty = clean;
  dirty.target_mask = Tensor<float>(clean.target_mask.shape());
  std::copy_n(clean.target_mask.begin(), clean.target_mask.row_size(), dirty.target_mask.begin());
  INFO("a loss is the mean of the targets that are there");
  CHECK_THAT(method.loss(dirty, keys).item(),
             WithinRel(method.loss(clean.rows(0, 1), keys).item(), 1e-5F));
  // What is there does change it.
  dirty = clean;
  for (double& v : dirty.context) v *= 1.5;
  INFO("what is drawn depends on the context");
  CHECK_FALSE(method.draw(clean.rows(0, 1), {Rng(3), 0, 5}) ==
              method.draw(dirty.rows(0, 1), {Rng(3), 0, 5}));
}

/// Copies on another scale get the forecasts on that scale.
template <Method M>
void check_scales() {
  // Scaled by a power of two, every number of the computation is the same or scaled exactly.
  const std::vector<Series> series = {wave("a", 60, 1, 1), wave("b", 47, 1, 2)};
  std::vector<Series> larger = series;
  for (Series& s : larger)
    for (double& v : s.values) v *= 1024;
  const std::vector<Origin> origins = {{0, 60}, {1, 40}};
  for (const Scaling scaling : {Scaling::standard, Scaling::mean_abs, Scaling::panel}) {
    FrameOptions frame = frame_of(1);
    frame.scaling = scaling;
    Forecaster<M> a(options_of<M>(frame), quick), b(options_of<M>(frame), quick);
    a.fit(series);
    b.fit(larger);
    Tensor<double> expected = a.paths(series, origins, 6);
    for (double& v : expected) v *= 1024;
    CHECK(b.paths(larger, origins, 6) == expected);
    if (scaling != Scaling::panel)  // nor does a model know on which scale it was trained
      CHECK(a.paths(larger, origins, 6) == expected);
  }
}

/// Panels of several channels and lengths train, stop and come back alike.
template <Method M>
void check_panels() {
  std::vector<Series> series = {wave("a", 60, 2, 1), wave("b", 33, 2, 2), wave("c", 90, 2, 3),
                                wave("too short", 9, 2, 4)};
  FrameOptions frame = frame_of(2);
  frame.scaling = Scaling::panel;
  using Model = Forecaster<M>;
  const auto options = options_of<M>(frame);
  const std::vector<Origin> origins = {{0, 60}, {1, 20}, {2, 89}, {3, 9}};
  const Threads keep;
  Model whole(options, quick), part(options, quick), resumed(options, quick);
  set_threads(1);
  whole.fit(series);
  const Tensor<double> paths = whole.paths(series, origins, 30);
  REQUIRE(paths.shape() == Shape{4, 30, 4, 2});
  // Hardly trained: of the size of noise over the least alpha of a chain, some hundred scales.
  for (const double v : paths) REQUIRE(std::abs(v) < 1e5);
  const Frame at = whole.framer()(series, origins, whole.scaler()).rows(2, 1);
  const Rng of_origin = Rng(5).stream(4).stream(2).stream(89);
  const Tensor<float> z = whole.state().result().draw(at, {of_origin, 0, 3});
  CHECK(whole.state().result().draw(at, {of_origin, 1, 2}) == z.rows(1, 2));
  for (Index p = 0; p < 3; ++p)
    for (Index h = 0; h < 4; ++h)
      for (Index k = 0; k < 2; ++k)
        REQUIRE(paths(2, p, h, k) == at.unscaled(static_cast<double>(z(p, h, k)), 0, h, k));
  set_threads(2);
  CHECK(whole.paths(series, origins, 30) == paths);
  CHECK(whole.paths(series, std::span(origins).subspan(2, 1), 27).rows(0, 1).reshaped({27, 8}) ==
        paths.rows(2, 1).reshaped({30, 8}).rows(0, 27));

  part.fit(series, train::callback::StopWhen([&] { return part.state().step == 3; }));
  io::Checkpoint(io::checkpoint_bytes(part.state(), ""), "run").restore(resumed.state());
  CHECK(resumed.scaler().values.scale == part.scaler().values.scale);
  CHECK(resumed.fit(series) == train::FitEnd::steps);
  CHECK(resumed.paths(series, origins, 30) == paths);

  // Another panel is refused, by what it has.
  for (Series& s : series) s.statics.clear();
  CHECK_THROWS_WITH(whole.paths(series, origins, 3), ContainsSubstring("0 statics"));
  frame.columns.statics = 0;
  Model other(options_of<M>(frame), quick);
  CHECK_THROWS_WITH(
      io::Checkpoint(io::checkpoint_bytes(whole.state(), ""), "run").restore(other.state()),
      ContainsSubstring("window.columns = 2 1 1 1, used for window.columns = 2 1 1 0"));
}

/// All of them.
template <Method M>
void check_method() {
  check_masks<M>();
  check_scales<M>();
  check_panels<M>();
}

}  // namespace foglift::forecast::owed
