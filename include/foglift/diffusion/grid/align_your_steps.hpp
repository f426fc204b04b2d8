#pragma once

#include "foglift/diffusion/grid/ratios.hpp"

#include <array>

namespace foglift::inline v0::grid {

/// Models that Align Your Steps published optimal ratios for.
enum class AysModel { stable_diffusion_1_5, stable_diffusion_xl, stable_video_diffusion };

/// The ratios sigma / alpha for ten steps (Sabour et al. 2024, "Align Your Steps"), noisiest first.
inline const std::array<double, 11>& ays_table(AysModel model) {
  static constexpr std::array<double, 11> sd15{14.615, 6.475, 3.861, 2.697, 1.886, 1.396,
                                               0.963,  0.652, 0.399, 0.152, 0.029};
  static constexpr std::array<double, 11> sdxl{14.615, 6.315, 3.771, 2.181, 1.342, 0.862,
                                               0.555,  0.380, 0.234, 0.113, 0.029};
  static constexpr std::array<double, 11> svd{700.00, 54.5,  15.886, 7.977, 4.248, 1.789,
                                              0.981,  0.403, 0.173,  0.034, 0.002};
  return model == AysModel::stable_diffusion_1_5  ? sd15
         : model == AysModel::stable_diffusion_xl ? sdxl
                                                  : svd;
}

/// ln(sigma / alpha) interpolated in straight lines between the entries of a table of ratios,
/// noisiest first, for any number of steps. Throws ArgumentError for fewer than 2 entries, or if
/// they do not fall to a positive one.
template <NoiseSchedule S>
TimeGrid resampled(const S& schedule, Index steps, std::span<const double> table,
                   Last end = Last::zero) {
  detail::check_steps(steps, "grid::resampled");
  bool falls = table.size() >= 2 && std::isfinite(table[0]) && table.back() > 0;
  for (std::size_t i = 1; i < table.size(); ++i) falls = falls && table[i] < table[i - 1];
  if (!falls)
    raise<ArgumentError>("grid::resampled: ", table.size(),
                         " ratios, needed 2 or more that fall to a positive one");
  const auto cells = static_cast<double>(table.size() - 1);
  return detail::build(steps, end, [&](double u) {
    const auto i = std::min(static_cast<std::size_t>(u * cells), table.size() - 2);
    const double part = u * cells - static_cast<double>(i);
    const double first = -std::log(table[i]), last = -std::log(table[i + 1]);
    return detail::level_at(schedule, part == 0 ? first : first + part * (last - first));
  });
}

/// The published ratios of a model, as they are for ten steps with Last::keep, else resampled: with
/// Last::zero clean data follow the table's last ratio. Clean data in its place, as diffusers and
/// others have it, are
///
///   TimeGrid g = grid::align_your_steps(schedule, 10, grid::AysModel::stable_diffusion_xl,
///                                        grid::Last::keep);
///   g.back() = grid::clean;
template <NoiseSchedule S>
TimeGrid align_your_steps(const S& schedule, Index steps, AysModel model, Last end = Last::zero) {
  return resampled(schedule, steps, ays_table(model), end);
}

}  // namespace foglift::inline v0::grid
