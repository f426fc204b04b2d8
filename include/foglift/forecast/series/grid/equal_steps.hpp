#pragma once

#include "foglift/forecast/series/grid/ordered.hpp"

#include <cmath>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// How far a stamp may lie from its cell, in steps and in seconds: half a day.
inline constexpr double jitter_steps = 0.05, jitter_seconds = 43'200;

/// Increasing stamps as whole numbers of ticks behind the first one, on one clock.
struct Ticks {
  data::Stamp zero;     ///< the first one; its seconds on the clock that is taken
  Time second = 1;      ///< ticks of a second: 1, or 10^9 if some stamp has a fraction
  Time resolution = 1;  ///< ticks that all stamps are written in multiples of; at most a second
  std::vector<Time> at;

  double seconds(double ticks) const { return ticks / static_cast<double>(second); }
};

/// Throws ArgumentError for stamps with fractions of a second over more than 290 years.
inline Ticks ticks_of(std::span<const data::Stamp> stamps, bool in_utc) {
  const auto seconds = [&](const data::Stamp& s) { return in_utc ? s.utc() : s.seconds; };
  Ticks t{{seconds(stamps[0]), stamps[0].nanoseconds, {}}, 1, 1, {}};
  int unit = 1'000'000'000;  // the largest power of ten that divides all fractions
  for (const data::Stamp& s : stamps)
    while (s.nanoseconds % unit != 0) unit /= 10;
  if (unit < 1'000'000'000) t.second = 1'000'000'000, t.resolution = unit;
  if (t.second > 1 && seconds(stamps.back()) - t.zero.seconds > Time{9'100'000'000})
    raise<ArgumentError>("on_grid: fractions of a second from ", stamp_text(stamps.front()), " to ",
                         stamp_text(stamps.back()), ", over more than 290 years");
  t.at.reserve(stamps.size());
  for (const data::Stamp& s : stamps)
    t.at.push_back(t.second == 1 ? seconds(s) - t.zero.seconds
                                 : (seconds(s) - t.zero.seconds) * t.second + s.nanoseconds -
                                       t.zero.nanoseconds);
  return t;
}

/// Stamps on cells.
struct Fit {
  TimeAxis axis = {};
  std::vector<Index> cells = {};  ///< of each stamp
  Index moved = 0;                ///< stamps that do not stand on their cell
  double farthest = 0;            ///< of them, in seconds
};

/// The simplest fraction of an interval of positive numbers, by its continued fraction.
inline std::pair<Time, Time> simplest_fraction(double low, double high) {
  const double whole = std::floor(low);
  if (whole == low) return {static_cast<Time>(whole), 1};
  if (whole + 1 <= high) return {static_cast<Time>(whole) + 1, 1};
  const auto [p, q] = simplest_fraction(1 / (high - whole), 1 / (low - whole));
  return {static_cast<Time>(whole) * p + q, p};
}

/// The roundest number of seconds of an interval: a multiple of the largest unit of time, or else a
/// fraction of the roundest number of times a second, or else the simplest fraction.
inline Frequency roundest_step(double low, double high) {
  for (const Time unit : {week_seconds, day_seconds, Time{3600}, Time{1800}, Time{900}, Time{600},
                          Time{300}, Time{60}, Time{30}, Time{10}, Time{5}, Time{1}}) {
    const double n = std::ceil(low / static_cast<double>(unit));
    if (n * static_cast<double>(unit) <= high) return {.seconds = static_cast<Time>(n) * unit};
  }
  for (const double unit : {1000., 100., 50., 10., 5., 1.})
    if (const double n = std::ceil(1 / high / unit) * unit; n <= 1 / low)
      return {.seconds = 1, .per = static_cast<Time>(n)};
  const auto [p, q] = simplest_fraction(low, high);
  if (p > Frequency::most_parts || q > Frequency::most_parts)
    return {.seconds = std::max<Time>(1, std::llround(low))};
  return {.seconds = p, .per = q};
}

/// The roundest step of stamps that stray from a grid. The mean of the gaps near the median counts
/// the cells, first and last stamp say the step, and twice the farthest distance of a stamp from
/// the grid between them what that leaves uncertain over the whole series.
inline Frequency estimated_step(const Ticks& t) {
  const std::size_t n = t.at.size();
  std::vector<double> gaps;
  gaps.reserve(n);
  for (std::size_t i = 1; i < n; ++i) gaps.push_back(static_cast<double>(t.at[i] - t.at[i - 1]));
  std::vector<double> sorted = gaps;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  double sum = 0, near = 0;
  for (const double g : gaps)
    if (g > 0.6 * *middle && g < 1.6 * *middle) sum += g, ++near;
  double step = sum / near;
  std::vector<double> cell(n, 0);
  for (int pass = 0; pass < 2; ++pass) {
    for (std::size_t i = 1; i < n; ++i)
      cell[i] = cell[i - 1] + std::max(1.0, std::nearbyint(gaps[i - 1] / step));
    step = static_cast<double>(t.at.back()) / cell.back();
  }
  double low = 0, high = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double off = static_cast<double>(t.at[i]) - cell[i] * step;
    low = std::min(low, off);
    high = std::max(high, off);
  }
  const double stray = std::max((high - low) / cell.back(), 1e-12 * step);
  return roundest_step(t.seconds(std::max(step - stray, step / 2)), t.seconds(step + stray));
}

/// The roundest moment of those from `low` to `high` ticks behind zero.
inline data::Stamp roundest_start(const Ticks& t, const Frequency& f, double low, double high) {
  const double zero = t.second > 1 ? t.zero.nanoseconds * 1e-9 : 0;
  const double from = t.seconds(low) + zero, to = t.seconds(high) + zero;  // behind zero's second
  for (const Time unit : {f.per == 1 && day_seconds % f.seconds == 0 ? f.seconds : day_seconds,
                          Time{3600}, Time{900}, Time{60}, Time{10}, Time{1}}) {
    const double shift =
        static_cast<double>(t.zero.seconds - floor_div(t.zero.seconds, unit) * unit);
    const double n = std::ceil((from + shift) / static_cast<double>(unit) - 1e-9);
    const double at = n * static_cast<double>(unit) - shift;
    if (at <= to + 1e-9) return {t.zero.seconds + std::llround(at), 0, {}};
  }
  double at = (from + to) / 2;
  for (const double unit :
       {static_cast<double>(f.seconds) / static_cast<double>(f.per), 1e-3, 1e-6})
    if (const double n = std::ceil(from / unit - 1e-9); n * unit <= to + 1e-9) {
      at = n * unit;
      break;
    }
  const double whole = std::floor(at);
  const auto ns = std::min<std::int64_t>(std::llround((at - whole) * 1e9), 999'999'999);
  return {t.zero.seconds + static_cast<Time>(whole), static_cast<int>(ns), {}};
}

/// Stamps on a grid of equal steps: each on its cell, or within jitter of it, or as far as
/// rounding to fractions of a second or whole ones moves them. Nothing if one is farther, or two
/// share a cell.
inline std::optional<Fit> fit_steps(const Ticks& t, const Frequency& f) {
  Fit fit{{t.zero.seconds, f, t.zero.nanoseconds, {}}, {}, 0, 0};
  const std::size_t n = t.at.size();
  fit.cells.resize(n);
  const Time ticks = f.seconds * t.second;
  if (ticks % f.per == 0) {
    const Time step = ticks / f.per;
    std::size_t i = 0;
    for (; i < n && t.at[i] % step == 0; ++i) fit.cells[i] = t.at[i] / step;
    if (i == n) return fit;
  }
  const double step = static_cast<double>(ticks) / static_cast<double>(f.per);
  const double half = static_cast<double>(t.resolution) / 2;
  const double stray =
      std::min(jitter_steps * step, jitter_seconds * static_cast<double>(t.second));
  const double most = half < step / 4 ? std::max(stray, half) : stray;
  double low = 0, high = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double place = static_cast<double>(t.at[i]) / step, cell = std::nearbyint(place);
    fit.cells[i] = static_cast<Index>(cell);
    if (i > 0 && fit.cells[i] == fit.cells[i - 1]) return std::nullopt;
    low = std::min(low, (place - cell) * step);
    high = std::max(high, (place - cell) * step);
    if (high - low > 2 * most * (1 + 1e-9)) return std::nullopt;
  }
  const data::Stamp start = roundest_start(t, f, high - most, low + most);
  fit.axis.start = start.seconds;
  fit.axis.nanoseconds = start.nanoseconds;
  const double shift = static_cast<double>((start.seconds - t.zero.seconds) * t.second) +
                       (t.second > 1 ? start.nanoseconds - t.zero.nanoseconds : 0);
  for (std::size_t i = 0; i < n; ++i) {
    const double place = static_cast<double>(t.at[i]) / step;
    const double off = t.seconds(std::abs((place - std::nearbyint(place)) * step - shift));
    if (off > 1e-9) ++fit.moved, fit.farthest = std::max(fit.farthest, off);
  }
  return fit;
}

/// Stamps on the cells of an axis that steps on the local clock, each at most `most` seconds from
/// its own. Nothing if one is farther.
inline std::optional<Fit> fit_axis(std::span<const data::Stamp> stamps, const TimeAxis& axis,
                                   double most) {
  Fit fit{axis, {}, 0, 0};
  fit.cells.reserve(stamps.size());
  for (const data::Stamp& s : stamps) {
    const auto off = [&](Index i) {
      const data::Stamp at = axis.stamp(i);
      return std::abs(static_cast<double>(s.seconds - at.seconds) +
                      1e-9 * (s.nanoseconds - at.nanoseconds));
    };
    Index cell = axis.cell(s);
    double distance = off(cell);
    if (distance > 0 && off(cell + 1) < distance) distance = off(++cell);
    if (distance > most) return std::nullopt;
    if (distance > 0) ++fit.moved, fit.farthest = std::max(fit.farthest, distance);
    fit.cells.push_back(cell);
  }
  return fit;
}

}  // namespace detail
}  // namespace foglift::inline v0::forecast
