#pragma once

#include "foglift/forecast/series/grid/equal_steps.hpp"

#include <cmath>
#include <optional>
#include <span>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// Which of the steps of a cycle ever hold values. `steps` counts steps of increasing stamps from a
/// beginning of the cycle. Nothing if all do, or if it may well be chance that some do not: a step
/// that holds values misses a share q of the cycles with data, so one that is open like them is
/// empty in all n of its cycles by chance q^n; the sum of those over all empty steps must be under
/// 1/20. Each closed step must have had so many cycles to hold a value in.
inline std::optional<std::vector<bool>> open_steps(std::span<const Time> steps, Time cycle,
                                                   Index fewest) {
  std::vector<Index> count(static_cast<std::size_t>(cycle), 0);
  Index cycles = 0;
  Time last = 0;
  for (const Time s : steps) {
    const Time now = floor_div(s, cycle);
    if (cycles == 0 || now != last) ++cycles, last = now;
    ++count[static_cast<std::size_t>(s - now * cycle)];
  }
  const Time first = steps.front() - floor_div(steps.front(), cycle) * cycle;
  const Time end = steps.back() - floor_div(steps.back(), cycle) * cycle;
  const auto visits = [&](Time step) { return cycles - (step < first) - (step > end); };
  Index misses = 0, all = 0;
  std::vector<bool> open(static_cast<std::size_t>(cycle), true);
  for (Time s = 0; s < cycle; ++s)
    if (const Index n = count[static_cast<std::size_t>(s)]; n > 0)
      all += visits(s), misses += visits(s) - n;
    else
      open[static_cast<std::size_t>(s)] = false;
  const double q = (static_cast<double>(misses) + 0.5) / (static_cast<double>(all) + 1);
  // That nothing happens at weekends needs half the evidence.
  const bool weekend = open == std::vector<bool>{true, true, true, true, true, false, false};
  double chance = 0;
  bool closed = false;
  for (Time s = 0; s < cycle; ++s) {
    if (open[static_cast<std::size_t>(s)]) continue;
    if (visits(s) < (weekend ? 1 : fewest)) return std::nullopt;
    chance += std::pow(q, static_cast<double>(visits(s)));
    closed = true;
  }
  return closed && chance < (weekend ? 0.1 : 0.05) ? std::optional(open) : std::nullopt;
}

/// Opens closed stretches of less than so many steps around the cycle; false if less than a
/// twenty-fourth of it stays closed.
inline bool without_short_breaks(std::vector<bool>& open, std::size_t shortest) {
  const std::size_t n = open.size();
  const auto begin =
      static_cast<std::size_t>(std::find(open.begin(), open.end(), true) - open.begin());
  std::size_t closed = 0;
  for (std::size_t i = 0; i < n;) {
    std::size_t end = i;
    while (end < n && !open[(begin + end) % n]) ++end;
    if (end - i >= shortest) closed += end - i;
    if (end - i < shortest)
      for (std::size_t k = i; k < end; ++k) open[(begin + k) % n] = true;
    i = end + 1;
  }
  return 24 * closed >= n;
}

/// A frequency of whole steps of a day with the open hours that values show: for each day of the
/// week its own or, if that would take more weeks, the same on all days that are open. `times` of
/// the values on the local clock, increasing. Nothing if no steps are closed.
inline std::optional<Frequency> with_open_hours(Frequency f, std::span<const Time> times) {
  if (f.per != 1 || f.months || day_seconds % f.seconds != 0 || times.size() < 4)
    return std::nullopt;
  const Time monday = times[0] - time_of_week(times[0]), day = day_seconds / f.seconds;
  const auto breaks = static_cast<std::size_t>(std::max<Time>(1, 3600 / f.seconds));
  std::vector<Time> steps, days;
  steps.reserve(times.size());
  for (const Time t : times) {
    steps.push_back((t - monday) / f.seconds);
    if (days.empty() || days.back() != steps.back() / day) days.push_back(steps.back() / day);
  }
  if (std::adjacent_find(steps.begin(), steps.end(), std::greater_equal<>{}) != steps.end())
    return std::nullopt;
  if (auto week = open_steps(steps, 7 * day, 2); week && without_short_breaks(*week, breaks)) {
    f.open = open_runs(*week);
    return f;
  }
  const auto open_days = open_steps(days, 7, 2);
  auto hours = open_steps(steps, day, 4);
  if (hours && !without_short_breaks(*hours, breaks)) hours.reset();
  if (!open_days && !hours) return std::nullopt;
  std::vector<bool> week;
  for (std::size_t d = 0; d < 7; ++d)
    for (std::size_t s = 0; s < static_cast<std::size_t>(day); ++s)
      week.push_back((!open_days || (*open_days)[d]) && (!hours || (*hours)[s]));
  f.open = open_runs(week);
  return f;
}

}  // namespace detail
}  // namespace foglift::inline v0::forecast
