#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/forecast/baselines/list.hpp"
#include "foglift/forecast/ensemble/stopped.hpp"
#include "foglift/forecast/ensemble/windows.hpp"

#include <functional>
#include <mutex>
#include <optional>

namespace foglift::inline v0::forecast {

/// What a part of an ensemble draws at some windows.
struct Part {
  std::string name;
  Tensor<double> paths;  ///< [windows, paths, horizon]; empty if it could not be drawn
  std::string reason;    ///< why not
};

/// Draws the classical parts, `baselines`, at origins of a panel, from the values before them.
class ClassicalParts {
 public:
  struct Options {
    BaselineOptions draws = {};  ///< horizon, paths, seasons
    std::uint64_t seed = 1;
    bool mask_outliers = true;
  };

  ClassicalParts(const TrimmedPanel& panel, std::span<const Origin> origins, const Options& o)
      : options_(o), origins_(origins.begin(), origins.end()) {
    for (const Origin& at : origins) histories_.push_back(panel.history(at, o.mask_outliers));
  }

  /// Those of the baselines that `wanted(k)` asks for; the others are empty. A baseline that
  /// refuses one history is empty too, with its words. told(done, all), if any, is called as they
  /// are drawn, by one thread at a time.
  template <class Wanted>
  std::vector<Part> draw(const Wanted& wanted,
                         const std::function<void(Index, Index)>& told = {}) const {
    const auto K = static_cast<Index>(baselines.size()), W = std::ssize(origins_);
    std::vector<Part> out;
    std::vector<std::string> reasons(static_cast<std::size_t>(K * W));
    for (Index k = 0; k < K; ++k) {
      const bool asked = wanted(static_cast<std::size_t>(k));
      out.push_back({baselines[static_cast<std::size_t>(k)].name,
                     asked ? Tensor<double>({W, options_.draws.paths, options_.draws.horizon})
                           : Tensor<double>(),
                     ""});
    }
    std::mutex telling;
    Index done = 0;
    parallel_for(K * W, 1, [&](Index job) {
      const Index k = job % K, w = job / K;
      Part& part = out[static_cast<std::size_t>(k)];
      if (part.paths.empty()) return;
      try {
        const Tensor<double> paths = one(baselines[static_cast<std::size_t>(k)], w);
        for (const double v : paths) detail::require_member(v, part.name.c_str());
        std::copy(paths.begin(), paths.end(), part.paths.data() + w * part.paths.row_size());
      } catch (const Error& e) {
        reasons[static_cast<std::size_t>(k * W + w)] = e.what();
      }
      const std::lock_guard lock(telling);
      if (told) told(++done, K * W);
    });
    for (Index k = 0; k < K; ++k)
      for (Index w = W - 1; w >= 0; --w)
        if (std::string& why = reasons[static_cast<std::size_t>(k * W + w)]; !why.empty()) {
          out[static_cast<std::size_t>(k)].paths = {};
          out[static_cast<std::size_t>(k)].reason = std::move(why);
        }
    return out;
  }

  /// The last value, for series that no baseline is content with: [windows, paths, horizon].
  Tensor<double> last_value() const {
    Tensor<double> out({std::ssize(origins_), options_.draws.paths, options_.draws.horizon});
    for (std::size_t w = 0; w < histories_.size(); ++w)
      std::fill_n(out.data() + static_cast<Index>(w) * out.row_size(), out.row_size(),
                  detail::last_known(histories_[w], std::ssize(histories_[w]) - 1, 1));
    return out;
  }

  /// Puts the paths of series that have stopped() in place of others, rows of [windows, paths,
  /// horizon].
  void replace_stopped(Tensor<double>& paths) const {
    for (Index w = 0; w < paths.dim(0); ++w) {
      const auto& history = histories_[static_cast<std::size_t>(w)];
      const Standstill still(history);
      if (!still.stopped(options_.draws.horizon)) continue;
      const Tensor<double> stay = still.paths(history, options_.draws, rng(w));
      std::copy(stay.begin(), stay.end(), paths.data() + w * paths.row_size());
    }
  }

 private:
  Rng rng(Index w) const {
    const Origin& o = origins_[static_cast<std::size_t>(w)];
    return Rng(options_.seed)
        .stream(0xBA5E)
        .stream(static_cast<std::uint64_t>(o.series))
        .stream(static_cast<std::uint64_t>(o.at));
  }
  Tensor<double> one(const Baseline& b, Index w) const {
    return b.draw(histories_[static_cast<std::size_t>(w)], options_.draws, rng(w));
  }

  Options options_;
  std::vector<Origin> origins_;
  std::vector<std::vector<double>> histories_;
};

}  // namespace foglift::inline v0::forecast
