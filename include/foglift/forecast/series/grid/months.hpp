#pragma once

#include "foglift/forecast/series/grid/equal_steps.hpp"

#include <array>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// Days of the calendar that stamps fall on, all at one time of day.
struct Dates {
  std::vector<data::CivilTime> days;
  std::vector<Time> months;  ///< month_number of each

  /// Nothing if the times of day differ.
  static std::optional<Dates> of(std::span<const data::Stamp> stamps) {
    Dates out;
    for (const data::Stamp& s : stamps) {
      if (time_of_day(s.seconds) != time_of_day(stamps[0].seconds) ||
          s.nanoseconds != stamps[0].nanoseconds)
        return std::nullopt;
      out.days.push_back(data::civil_from_seconds(s.seconds));
      out.months.push_back(Time{12} * out.days.back().year + out.days.back().month - 1);
    }
    return out;
  }

  /// Dates that are one of a rule's days of their month.
  Index hits(const Frequency& f) const {
    Index n = 0;
    for (const data::CivilTime& d : days)
      n += std::any_of(f.days.begin(), f.days.end(), [&](int day) {
        return d.day == day_of_month(d.year, d.month, day, f.weekend);
      });
    return n;
  }
};

/// A step of months that divides all gaps: the most frequent one, or else the largest that leaves
/// at most two cells in three empty; 0 if there is none.
inline int month_step(const std::vector<Time>& months) {
  std::vector<Time> gaps;
  for (std::size_t i = 1; i < months.size(); ++i) gaps.push_back(months[i] - months[i - 1]);
  const Time usual = most_frequent(gaps);
  const auto divides = [&](Time g) {
    return g > 0 && std::all_of(gaps.begin(), gaps.end(), [&](Time x) { return x % g == 0; });
  };
  Time all = 0;
  for (const Time g : gaps) all = std::gcd(all, g);
  if (divides(usual)) return static_cast<int>(usual);
  const bool full = all > 0 && (months.back() - months.front()) / all < 3 * std::ssize(months);
  return full ? static_cast<int>(all) : 0;
}

/// Rules of one day a month that dates may follow, the plainest first: the highest day that is
/// seen, the last one, business days at the ends of the month, then business days near any day.
inline std::vector<Frequency> one_a_month(const Dates& dates) {
  int highest = 1;
  for (const data::CivilTime& d : dates.days) highest = std::max(highest, d.day);
  std::vector<Frequency> rules{{.days = {highest}},
                               {.days = {31}},
                               {.days = {31}, .weekend = Weekend::before},
                               {.days = {1}, .weekend = Weekend::after}};
  if (dates.days.size() >= 6)
    for (const Weekend weekend : {Weekend::before, Weekend::after})
      for (int day = 2; day <= 28; ++day) rules.push_back({.days = {day}, .weekend = weekend});
  return rules;
}

/// Of dates at most one a month: the rule that all of them follow; or at least four in five, the
/// others being at most four days away (a holiday at the end of a month). Nothing if there is none,
/// or not every `months` of them (0: any).
inline std::optional<Frequency> monthly_rule(const Dates& dates, int months) {
  const auto n = std::ssize(dates.days);
  if (n < 2 || std::adjacent_find(dates.months.begin(), dates.months.end()) != dates.months.end())
    return std::nullopt;
  const int step = month_step(dates.months);
  if (step == 0 || (months > 0 && step % months != 0)) return std::nullopt;
  Frequency best;
  Index most = 0;
  for (Frequency& rule : one_a_month(dates))
    if (const Index hits = dates.hits(rule); hits > most) most = hits, best = std::move(rule);
  best.months = months > 0 ? months : step;
  if (most == n || (n >= 6 && 5 * most >= 4 * n)) return best;
  return std::nullopt;
}

/// Of dates several a month: the two to five days of the month that each stand in at least half of
/// the months, if all dates are among them. Nothing otherwise.
inline std::optional<Frequency> days_rule(const Dates& dates) {
  std::array<Index, 32> counts{};
  Index months = 0;
  for (std::size_t i = 0; i < dates.days.size(); ++i) {
    ++counts[static_cast<std::size_t>(dates.days[i].day)];
    months += i == 0 || dates.months[i] != dates.months[i - 1];
  }
  Frequency rule{.months = 1, .days = {}};
  for (int day = 1; day <= 31; ++day)
    if (2 * counts[static_cast<std::size_t>(day)] >= months) rule.days.push_back(day);
  const std::size_t kinds = rule.days.size();
  if (months < 2 || kinds < 2 || kinds > 5 || dates.hits(rule) != std::ssize(dates.days))
    return std::nullopt;
  return rule;
}

/// The axis of a rule from its first day of a stamp's month, at the stamp's time of day.
inline TimeAxis month_axis(const Frequency& rule, const data::Stamp& first) {
  const data::CivilTime date = data::civil_from_seconds(first.seconds);
  const int day = day_of_month(date.year, date.month, rule.days.front(), rule.weekend);
  return {.start = first.seconds + (day - date.day) * day_seconds,
          .frequency = rule,
          .nanoseconds = first.nanoseconds};
}

}  // namespace detail
}  // namespace foglift::inline v0::forecast
