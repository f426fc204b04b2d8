#pragma once

#include "foglift/forecast/frame/coarse.hpp"
#include "foglift/forecast/stepwise_method.hpp"

#include <cmath>
#include <utility>

namespace foglift::inline v0::forecast {

/// One view of the series by which MG-TSD is guided.
struct Granularity {
  Index grain = 1;    ///< cells of a block
  double share = 1;   ///< of the chain's steps, its last ones
  double weight = 1;  ///< of its loss
};

/// The published configuration (of hourly electricity); `small` is one for minutes on two cores.
struct MgTsdOptions : StepwiseOptions {
  std::vector<Granularity> granularities = {{.grain = 1, .share = 1, .weight = 0.9},
                                            {.grain = 4, .share = 0.6, .weight = 0.1}};

  explicit MgTsdOptions(StepwiseOptions o = {.cells = 128}) : StepwiseOptions(std::move(o)) {}
  static MgTsdOptions published(const FrameOptions& frame) {
    return MgTsdOptions({.frame = frame, .cells = 128});
  }
  static MgTsdOptions small(const FrameOptions& frame) {
    return MgTsdOptions(StepwiseOptions::small(frame));
  }
};

/// MG-TSD (Fan et al. 2024): TimeGrad with GRUs, whose noise network learns coarser views of the
/// series beside the series itself, each told by a GRU that runs along that view. A coarse value is
/// what the data are to look like within the chain, so it is noised by its last steps alone: with s
/// the first of them, alpha_bar_n of view g is the product of alpha_i from s to n. Losses are
/// summed by their weights. As in the authors' program, a coarse view is known within its block,
/// and forecasts are drawn of the finest view by itself.
class MgTsd : public StepwiseMethod<MgTsdOptions, nn::Gru<float>> {
 public:
  /// Throws what FrameOptions::check does, and ArgumentError for an extent or a lag that is not
  /// positive, more sampling steps than steps, no granularity, a first one that is not the series
  /// on the whole chain, a share outside (0, 1], or a negative weight. `reach`, `lead` and `center`
  /// are chosen here.
  MgTsd(const Options& o, Rng& rng)
      : StepwiseMethod("MgTsd", checked(o), std::ssize(o.granularities), rng) {
    for (const Granularity& g : o.granularities) {
      std::vector<double> betas;
      for (Index i = o.steps - shared(g); i < o.steps; ++i) betas.push_back(schedule().beta(i));
      chains_.emplace_back(std::move(betas));
    }
  }

  /// Number of the chain's steps that a view is noised by.
  Index shared(const Granularity& g) const {
    const auto steps = static_cast<double>(options().steps);
    return std::max<Index>(1, std::lround(g.share * steps));
  }

  /// What the steps of the horizon of a window, as view g shows it, are told: [B, H, condition].
  template <class... On>
  auto conditions(const Window& view, std::size_t g, On&... tape) const {
    return StepwiseMethod::conditions(recurrent_[g], view, tape...);
  }

  /// The denoiser of steps [B, K] of view g on its part of the chain, told `condition`. The network
  /// is told the step of the whole chain. Refers to *this.
  template <Value X>
  auto view_denoiser(X condition, std::size_t g) const {
    const double share =
        static_cast<double>(chains_[g].steps()) / static_cast<double>(options().steps);
    return NetworkDenoiser(
        [this, share, condition = std::move(condition)](const auto& x, Tensor<float> time) {
          for (float& t : time) t = static_cast<float>(1 - share + share * static_cast<double>(t));
          return this->net_(x, time, condition);
        },
        predict::Epsilon{}, chains_[g]);
  }

  /// The sum over views of weight times the mean squared error of the noise of what is there in the
  /// horizon; each step of a row has a noise level of its own.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const auto of_view = [&](std::size_t g) {
      const Granularity& view = options().granularities[g];
      const Window window = coarse(Window::whole(frame), view.grain, horizon());
      const auto ahead = [&](const Tensor<float>& x) {
        return slice(x, 1, x.dim(1) - horizon(), horizon());
      };
      return steps_loss([&](const auto& condition) { return view_denoiser(condition, g); },
                        conditions(window, g, tape...), ahead(window.values), ahead(window.mask),
                        {keys.rng.stream(first_view + g), keys.draws}, tape...) *
             static_cast<float>(view.weight);
    };
    auto sum = of_view(0);
    for (std::size_t g = 1; g < chains_.size(); ++g) sum = sum + of_view(g);
    return sum;
  }

  FOGLIFT_PRIVATE_CHILDREN(recurrent, told, net);

 private:
  static constexpr std::uint64_t first_view = 4;

  static const Options& checked(const Options& o) {
    const auto& views = o.granularities;
    if (views.empty() || views[0].grain != 1 || views[0].share != 1)
      raise<ArgumentError>("MgTsd: ", views.size(),
                           " granularities; needed a first one of grain 1 and share 1");
    for (const Granularity& g : views)
      if (g.grain < 1 || !(g.share > 0 && g.share <= 1 && g.weight >= 0))
        raise<ArgumentError>("MgTsd: grain ", g.grain, ", share ", g.share, ", weight ", g.weight,
                             "; needed a positive grain, a share in (0, 1], no negative weight");
    return o;
  }

  std::vector<DiscreteSchedule> chains_;  // of views
};

}  // namespace foglift::inline v0::forecast
