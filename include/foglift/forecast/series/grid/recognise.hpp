#pragma once

#include "foglift/forecast/series/frequency_words.hpp"
#include "foglift/forecast/series/grid/equal_steps.hpp"
#include "foglift/forecast/series/grid/months.hpp"
#include "foglift/forecast/series/grid/open_hours.hpp"
#include "foglift/forecast/series/grid/ordered.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// A step of ticks as a frequency.
inline Frequency step_of(const Ticks& t, Time step) {
  const Time g = std::gcd(step, t.second);
  return {.seconds = step / g, .per = t.second / g};
}

inline std::vector<Time> gaps_of(const Ticks& t) {
  std::vector<Time> gaps(t.at.size() - 1);
  for (std::size_t i = 0; i < gaps.size(); ++i) gaps[i] = t.at[i + 1] - t.at[i];
  return gaps;
}

/// Whether a row has a value; so have all where there are no columns.
inline bool has_value(const Ordered& o, std::size_t row) {
  const auto& columns = o.rows.columns;
  return columns.empty() || std::any_of(columns.begin(), columns.end(),
                                        [&](const auto& c) { return !std::isnan(c[row]); });
}

/// Times on the local clock of the cells of rows that have a value.
inline std::vector<Time> times_with_values(const Ordered& o, const Fit& fit) {
  std::vector<Time> times;
  times.reserve(fit.cells.size());
  for (std::size_t i = 0; i < fit.cells.size(); ++i)
    if (has_value(o, i)) times.push_back(fit.axis.at(fit.cells[i]));
  return times;
}

/// Puts stamps of equal steps on the open ones of them alone; one on a closed step gets the cell
/// -1.
inline void keep_open(Fit& fit, Frequency open) {
  const Time s = open.seconds;
  std::vector<bool> is_open(static_cast<std::size_t>(week_seconds / s), false);
  std::vector<Index> before(is_open.size(), 0);  // open steps of the week before each
  Index count = 0;
  for (std::size_t i = 0, run = 0; i < is_open.size(); ++i) {
    const auto step = static_cast<Time>(i);
    before[i] = count;
    if (run < open.open.size() && step >= open.open[run].end) ++run;
    is_open[i] = run < open.open.size() && step >= open.open[run].first;
    count += is_open[i];
  }
  TimeAxis axis{
      .frequency = std::move(open), .nanoseconds = fit.axis.nanoseconds, .clock = fit.axis.clock};
  axis.clock.steps_in_utc = false;
  std::optional<Index> first;
  for (Index& cell : fit.cells) {
    const Time t = fit.axis.at(cell), week = t - time_of_week(t);
    const auto step = static_cast<std::size_t>((t - week) / s);
    if (!is_open[step]) {
      cell = -1;
      continue;
    }
    const Index ordinal = floor_div(week, week_seconds) * count + before[step];
    if (!first) first = ordinal, axis.start = t;
    cell = ordinal - *first;
  }
  fit.axis = std::move(axis);
}

/// What was tried on the stamps of rows, on the clock that suits them.
class Recognition {
 public:
  /// Reads the rows, which must outlive it.
  Recognition(const Ordered& o, Clock clock) : o_(o), clock_(std::move(clock)) {}

  /// Stamps on the cells of a frequency that was given; nothing if they do not fit it.
  std::optional<Fit> fit(const NamedFrequency& named) const {
    const auto& stamps = o_.rows.stamps;
    const Frequency& f = named.frequency;
    if (f.months) {
      Frequency rule = f;
      if (named.any_day) {
        const auto dates = Dates::of(stamps);
        const auto found = dates ? monthly_rule(*dates, f.months) : std::nullopt;
        if (!found && stamps.size() > 1) return std::nullopt;
        rule = found ? *found : monthly_rule_of_one(stamps[0], f.months);
      }
      return on_local(fit_axis(stamps, month_axis(rule, stamps[0]), most_days * day_seconds));
    }
    if (!f.open.empty()) {
      auto found = fit_steps(ticks_of(stamps, false), {.seconds = f.seconds});
      if (!found) return std::nullopt;
      keep_open(*found, f);
      Index kept = 0;
      for (std::size_t i = 0; i < stamps.size(); ++i) {
        kept += found->cells[i] != -1;
        if (found->cells[i] == -1 && has_value(o_, i)) return std::nullopt;
      }
      return kept > 0 ? on_local(std::move(found)) : std::nullopt;
    }
    for (const bool utc : clocks(f.length()))
      if (auto found = fit_steps(ticks_of(stamps, utc), f)) return on_clock(std::move(*found), utc);
    return std::nullopt;
  }

  /// Stamps on the plainest frequency that they fit; nothing if there is none. Says what it took
  /// for more than chance.
  std::optional<Fit> find(std::vector<Guess>& guesses) const {
    if (o_.size() < 2) return std::nullopt;
    if (auto found = by_month(false)) {
      say_rule(*found, guesses);
      return found;
    }
    auto found = by_steps();
    if (!found && (found = by_month(true))) say_rule(*found, guesses);
    if (!found) found = by_straying_steps();
    if (!found) found = by_common_step(guesses);
    if (!found || found->axis.frequency.months) return found;
    if (found->moved > 0) say_moved(*found, "--freq", guesses);
    if (const auto open = with_open_hours(found->axis.frequency, times_with_values(o_, *found))) {
      keep_open(*found, *open);
      guesses.push_back(
          {"cells are " + open->name(), "other times of the week never hold a value", "--freq"});
    }
    return found;
  }

  /// How far stamps were from their cells, and what overrules it.
  void say_moved(const Fit& fit, const char* option, std::vector<Guess>& guesses) const {
    guesses.push_back({std::to_string(fit.moved) + " of " + std::to_string(o_.size()) +
                           " stamps moved onto the grid, by at most " + duration_text(fit.farthest),
                       "near times that are " + fit.axis.frequency.name(), option});
  }

  /// The commonest gaps, for the message of a refusal.
  std::string gaps() const {
    const Ticks t = ticks_of(o_.rows.stamps, o_.has_offsets);
    std::vector<Time> gaps = gaps_of(t);
    std::string out;
    for (int i = 0; i < 3 && !gaps.empty(); ++i) {
      const Time usual = most_frequent(gaps);
      out += (i ? ", " : "") + duration_text(t.seconds(static_cast<double>(usual))) + " (" +
             std::to_string(std::erase(gaps, usual)) + " times)";
    }
    return out;
  }

 private:
  static constexpr double most_days = 4;  ///< that a date may lie from its rule's: over holidays

  static Frequency monthly_rule_of_one(const data::Stamp& s, int months) {
    const data::CivilTime d = data::civil_from_seconds(s.seconds);
    const bool last = d.day == data::days_in_month(d.year, d.month);
    return {.months = months, .days = {last ? 31 : d.day}};
  }
  /// Whether to try UTC first, then the other: hours last as long whatever the clock, days do not.
  std::vector<bool> clocks(double step) const {
    if (!o_.has_offsets) return {false};
    const bool days = step >= 20 * 3600;
    return {!days, days};
  }
  Fit on_clock(Fit fit, bool utc) const {
    fit.axis.clock = clock_;
    fit.axis.clock.steps_in_utc = utc;
    return fit;
  }
  std::optional<Fit> on_local(std::optional<Fit> fit) const {
    if (fit) fit->axis.clock = clock_;
    return fit;
  }

  /// One date a month, or else several (`several`).
  std::optional<Fit> by_month(bool several) const {
    const auto& stamps = o_.rows.stamps;
    if (stamps.back().seconds - stamps.front().seconds < 5 * day_seconds * (o_.size() - 1))
      return std::nullopt;
    const auto dates = Dates::of(stamps);
    if (!dates) return std::nullopt;
    const auto rule = several ? days_rule(*dates) : monthly_rule(*dates, 0);
    if (!rule) return std::nullopt;
    return on_local(fit_axis(stamps, month_axis(*rule, stamps[0]), most_days * day_seconds));
  }

  /// Steps of the most frequent gap.
  std::optional<Fit> by_steps() const {
    const Ticks first = ticks_of(o_.rows.stamps, o_.has_offsets);
    const Time usual = most_frequent(gaps_of(first));
    for (const bool utc : clocks(first.seconds(static_cast<double>(usual)))) {
      const Ticks t = utc == o_.has_offsets ? first : ticks_of(o_.rows.stamps, utc);
      auto found = fit_steps(t, step_of(t, usual));
      if (found && found->moved == 0) return on_clock(std::move(*found), utc);
    }
    return std::nullopt;
  }

  /// Steps that stamps stray from.
  std::optional<Fit> by_straying_steps() const {
    for (const bool utc : clocks(0)) {
      const Ticks t = ticks_of(o_.rows.stamps, utc);
      if (auto found = fit_steps(t, estimated_step(t))) return on_clock(std::move(*found), utc);
    }
    return std::nullopt;
  }

  /// Steps that divide all gaps, if a third of them (of days a tenth) have a row, or the others are
  /// closed hours.
  std::optional<Fit> by_common_step(std::vector<Guess>& guesses) const {
    for (const bool utc : clocks(0)) {
      const Ticks t = ticks_of(o_.rows.stamps, utc);
      Time step = 0;
      for (const Time g : gaps_of(t)) step = std::gcd(step, g);
      if (step == 0) continue;
      auto found = fit_steps(t, step_of(t, step));
      if (!found) continue;
      *found = on_clock(std::move(*found), utc);
      const Frequency& f = found->axis.frequency;
      if (with_open_hours(f, times_with_values(o_, *found))) return found;
      const Index cells = found->cells.back() + 1, rows = o_.size();
      if (cells > (f.finest() < day_seconds ? 3 : 10) * rows) continue;
      guesses.push_back({"cells are " + f.name() + ", " + std::to_string(cells - rows) + " of " +
                             std::to_string(cells) + " without a row",
                         "the longest step that makes all gaps", "--freq"});
      return found;
    }
    return std::nullopt;
  }

  void say_rule(const Fit& fit, std::vector<Guess>& guesses) const {
    const Frequency& f = fit.axis.frequency;
    const bool plain = f.weekend == Weekend::stays && (f.days == std::vector{1});
    if (plain && fit.moved == 0) return;
    guesses.push_back({"cells are " + f.name(),
                       fit.moved == 0
                           ? "all dates are"
                           : std::to_string(fit.moved) + " of " + std::to_string(o_.size()) +
                                 " dates lie up to " + duration_text(fit.farthest) + " off it",
                       "--freq"});
  }

  const Ordered& o_;
  Clock clock_;
};

}  // namespace detail
}  // namespace foglift::inline v0::forecast
