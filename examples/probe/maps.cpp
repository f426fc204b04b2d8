#include "maps.hpp"

#include "foglift/probe/search.hpp"
#include "support/progress.hpp"

using namespace foglift;

namespace {
/// The noise that features are averaged over, the same at every level and for every network.
probe::noise::Mean<probe::noise::Fixed> feature_noise(const Settings& s) {
  return {{Rng(s.seed).stream(feature_stream)}, s.noises};
}
}  // namespace

probe::HeatMap map_of(const char* name, const Net& net, const Tensor<float>& images,
                      const Examples& examples, const Settings& s) {
  Progress bar(name, s.quiet);
  std::vector<Level> levels;
  for (const double t : probed_times) levels.push_back(denoiser(net).at(t));
  const auto all = static_cast<Index>(levels.size());
  return probe::heat_map(denoiser(net), images, examples.labels, examples.classes, examples.split,
                         levels, feature_noise(s),
                         {.features = {.grid = s.grid},
                          .search = {.progress = [&](Index done) { bar.update(done, all, ""); }}});
}

Result judge_best(const char* name, const Net& net, const probe::HeatMap& map,
                  const Tensor<float>& images, const Examples& examples, const Settings& s) {
  const auto& best = map.best();
  const auto blocks =
      probe::features(denoiser(net), images, map.levels[static_cast<std::size_t>(best.level)],
                      feature_noise(s), {.grid = s.grid});
  return report::judge(name, report::place(map, best.level, best.block),
                       blocks[static_cast<std::size_t>(best.block)].values, examples);
}
