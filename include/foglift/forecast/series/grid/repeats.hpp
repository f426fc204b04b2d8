#pragma once

#include "foglift/forecast/series/grid/ordered.hpp"

#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// Rows of one time, from the first to before the end.
struct Repeat {
  std::size_t first = 0, end = 0;
};

inline std::vector<Repeat> repeats(const Ordered& o) {
  std::vector<Repeat> out;
  const auto& at = o.rows.stamps;
  for (std::size_t i = 0, end = 0; i < at.size(); i = end) {
    for (end = i + 1; end < at.size() && same_time(at[i], at[end]);) ++end;
    if (end > i + 1) out.push_back({i, end});
  }
  return out;
}

inline bool equal_rows(const TimedRows& rows, const Repeat& r) {
  for (const auto& column : rows.columns)
    for (std::size_t i = r.first + 1; i < r.end; ++i)
      if (column[i] != column[r.first] && !(std::isnan(column[i]) && std::isnan(column[r.first])))
        return false;
  return true;
}

/// Whether a time is one at which clocks are changed: a Sunday of spring or autumn before 4:00.
inline bool clocks_change(Time t) {
  const data::CivilTime c = data::civil_from_seconds(t);
  return data::weekday(t) == 6 && c.hour < 4 &&
         ((c.month >= 3 && c.month <= 4) || (c.month >= 9 && c.month <= 11));
}

/// Whether a repeat is of the hour that a local clock without offset shows twice when it is set
/// back: a stamp of steps of at most an hour that stands just twice, on a day on which none but
/// those of the same hour do.
inline bool set_back(const Ordered& o, const Repeat& r, const std::vector<Repeat>& all,
                     Time usual_gap) {
  const Time t = o.rows.stamps[r.first].seconds;
  if (o.has_offsets || usual_gap > 3600 || r.end - r.first != 2 || !clocks_change(t)) return false;
  return std::none_of(all.begin(), all.end(), [&](const Repeat& other) {
    const Time u = o.rows.stamps[other.first].seconds;
    return floor_div(u, day_seconds) == floor_div(t, day_seconds) &&
           (std::abs(u - t) >= 3600 || other.end - other.first != 2);
  });
}

/// Makes one row of each repeat, in place.
inline void combine(Ordered& o, const std::vector<Repeat>& all, Combine how) {
  std::size_t to = 0, from = 0;
  const auto keep = [&](std::size_t end) {
    for (; from < end; ++from, ++to) {
      o.rows.stamps[to] = o.rows.stamps[from];
      o.row[to] = o.row[from];
      for (auto& column : o.rows.columns) column[to] = column[from];
    }
  };
  for (const Repeat& r : all) {
    for (auto& column : o.rows.columns)
      column[r.first] = combined(how, std::span(column).subspan(r.first, r.end - r.first));
    keep(r.first + 1);
    from = r.end;
  }
  keep(o.rows.stamps.size());
  o.rows.stamps.resize(to);
  o.row.resize(to);
  for (auto& column : o.rows.columns) column.resize(to);
}

/// The hours that a local clock skips when it is set forward: where the stamps do, by one hour.
inline std::string set_forward(const Ordered& o, Time usual_gap) {
  std::string out;
  for (std::size_t i = 1; i < o.rows.stamps.size(); ++i) {
    const Time t = o.rows.stamps[i - 1].seconds + usual_gap;
    if (o.rows.stamps[i].seconds - t == 3600 && clocks_change(t))
      out += (out.empty() ? "" : ", ") + stamp_text({t, 0, {}});
  }
  return out;
}

/// Leaves one row of each time. Without a way to combine, rows that are equal are taken once and
/// those of an hour that a clock shows twice averaged. Throws ArgumentError, naming them, if there
/// are others.
inline void resolve_repeats(Ordered& o, Combine how, std::vector<Guess>& guesses) {
  const std::vector<Repeat> all = repeats(o);
  if (all.empty()) return;
  if (how != Combine::refuse) return combine(o, all, how);
  std::vector<Time> gaps;
  for (std::size_t i = 1; i < o.rows.stamps.size(); ++i)
    if (const Time g = o.rows.stamps[i].seconds - o.rows.stamps[i - 1].seconds; g > 0)
      gaps.push_back(g);
  const Time usual = gaps.empty() ? day_seconds : most_frequent(gaps);
  std::string change, others;
  Index equal = 0, bad = 0, twice = 0;
  for (const Repeat& r : all) {
    if (set_back(o, r, all, usual)) {
      if (++twice == 1) change = stamp_text(o.rows.stamps[r.first]);
    } else if (equal_rows(o.rows, r)) {
      ++equal;
    } else if (++bad <= 3) {
      others += (bad == 1 ? "" : ", ") + stamp_text(o.rows.stamps[r.first]) + " (rows " +
                std::to_string(o.row[r.first] + 1) + " and " +
                std::to_string(o.row[r.first + 1] + 1);
      if (r.end - r.first > 2) others += " and " + std::to_string(r.end - r.first - 2) + " more";
      others += ')';
    }
  }
  if (bad > 0)
    raise<ArgumentError>("on_grid: ", bad, bad == 1 ? " time stands" : " times stand",
                         " in several rows: ", others, bad > 3 ? ", ..." : "",
                         "; needed one row a time: --duplicates mean, sum, first or last combines "
                         "them, --id names the column that tells several series apart");
  if (twice > 0) {
    const std::string skipped = set_forward(o, usual);
    guesses.push_back({"the clock was set back: " +
                           (twice == 1 ? change + " stands twice and is averaged"
                                       : std::to_string(twice) + " times from " + change +
                                             " stand twice and are averaged") +
                           (skipped.empty() ? "" : "; " + skipped + " was skipped and is missing"),
                       "a local clock without offsets", "--duplicates"});
  }
  if (equal > 0)
    guesses.push_back({std::to_string(equal) +
                           (equal == 1 ? " row that stands" : " rows that stand") +
                           " several times taken once",
                       "they are equal", "--duplicates"});
  combine(o, all, Combine::mean);
}

}  // namespace detail
}  // namespace foglift::inline v0::forecast
