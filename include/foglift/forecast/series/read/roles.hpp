#pragma once

#include "foglift/forecast/series/read/items.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// What the columns of a sheet are for.
struct Roles {
  std::vector<std::size_t> target = {}, known = {}, past = {}, statics = {}, unused = {};
};

/// What a column of numbers is like.
struct Nature {
  std::size_t column = 0, present = 0;
  bool constant = true;   ///< or without any value
  bool counts = true;     ///< the rows
  bool calendar = false;  ///< a part of the date: month, weekday, hour, ...
  bool flag = true;       ///< 0 and 1 alone
  bool id = false;        ///< by its name: a place, a code
  Time last = 0;          ///< time in UTC of the last value
};

/// Finds what is to be forecast, and what is known beside it.
class RoleFinder {
 public:
  RoleFinder(Sheet& sheet, Numbers& numbers, const DateSource& dates, const Items& items,
             const std::vector<data::Stamp>& times)
      : sheet_(sheet), numbers_(numbers), dates_(dates), items_(items), times_(times) {}

  /// Throws FormatError for names that are not there, and if nothing can be forecast.
  Roles find() {
    const ReadOptions& o = sheet_.options();
    Roles roles;
    roles.known = sheet_.find_all(o.known, "--known");
    roles.past = sheet_.find_all(o.past, "--past");
    roles.statics = sheet_.find_all(o.statics, "--static");
    for (std::size_t c = 0; c < sheet_.names().size(); ++c)
      if (free(c, roles) && numbers_.kind(c)) columns_.push_back(c);
    if (o.target == std::vector<std::string>{"all"}) {
      for (const std::size_t c : columns_)
        if (const Nature n = nature(c); !n.constant && !n.counts && !n.calendar)
          roles.target.push_back(c);
      if (roles.target.empty()) refuse();
    } else if (!o.target.empty()) {
      roles.target = sheet_.find_all(o.target, "--target");
    } else {
      roles.target = {guess()};
    }
    for (const std::size_t c : columns_)
      if (!is_in(c, roles.target)) roles.unused.push_back(c);
    return roles;
  }

  /// Those of some columns that may tell something: that vary, and are no part of the date.
  std::vector<std::size_t> covariates(const std::vector<std::size_t>& columns) {
    std::vector<std::size_t> out;
    for (const std::size_t c : columns)
      if (const Nature n = nature(c); !n.constant && !n.counts && !n.calendar) out.push_back(c);
    return out;
  }

  /// Hints of names for what is forecast; the surest first.
  static constexpr std::array<std::string_view, 12> hints{
      "value values wert valeur valor obs_value",
      "y target ziel",
      "sales umsatz ventes ventas absatz revenue",
      "units qty quantity menge anzahl count amount betrag montant",
      "demand bedarf nachfrage",
      "load last consumption verbrauch kwh mwh kw mw power leistung usage energy",
      "close kurs",
      "price preis prix precio",
      "temperature temp tmax tt temperatur",
      "passengers visitors users visits cases orders traffic rides",
      "index rate level pegel flow rainfall prcp precipitation",
      "mean avg average"};

 private:
  static bool is_in(std::size_t c, const std::vector<std::size_t>& columns) {
    return std::find(columns.begin(), columns.end(), c) != columns.end();
  }

  bool free(std::size_t c, const Roles& roles) const {
    return !sheet_.ignored(c) && !dates_.uses(c) && !is_in(c, items_.columns) &&
           !is_in(c, roles.known) && !is_in(c, roles.past) && !is_in(c, roles.statics);
  }

  Nature nature(std::size_t column) {
    Nature n{.column = column, .last = INT64_MIN};
    const auto values = numbers_.look(column);
    double low = INFINITY, high = -INFINITY, before = 0;
    bool whole = true;
    for (std::size_t row = 0; row < values.size(); ++row) {
      const double v = values[row];
      if (std::isnan(v)) {
        n.counts = false;
        continue;
      }
      if (n.present++ > 0 && v != before + 1 &&
          !(items_.of_row.size() > row && items_.of_row[row] != items_.of_row[row - 1]))
        n.counts = false;
      before = v;
      low = std::min(low, v);
      high = std::max(high, v);
      whole = whole && v == std::floor(v);
      n.flag = n.flag && (v == 0 || v == 1);
      n.last = std::max(n.last, times_[row].utc());
    }
    n.constant = !(high > low);
    n.counts = n.counts && n.present > 2;
    n.calendar = !n.constant && whole && std::abs(low) < 1e4 && std::abs(high) < 1e4 &&
                 part_of_date(values, n.flag);
    n.id =
        is_named(sheet_.names()[column],
                 "id lat lon lng latitude longitude code zip plz unnamed flag quality qn status");
    return n;
  }

  /// Whether whole numbers are a part of the date but for a number that is added (to days of the
  /// week, in a circle), or tell days of the week apart as weekends do.
  bool part_of_date(const std::vector<double>& values, bool flag) const {
    std::array<bool, 9> fits{};
    std::array<int, 9> first{};
    fits.fill(true);
    std::array<int, 7> flags{};
    flags.fill(-1);
    bool any = false, weekend = flag;
    for (std::size_t row = 0; row < values.size(); ++row) {
      if (std::isnan(values[row])) continue;
      const Time t = times_[row].seconds;
      const data::CivilTime d = data::civil_from_seconds(t);
      const int v = static_cast<int>(values[row]), weekday = data::weekday(t);
      const Time new_year = data::days_from_civil(d.year, 1, 1);
      const int day_of_year = static_cast<int>(floor_days(t) - new_year);
      const std::array<int, 9> parts{d.year,      d.month,         d.day,
                                     d.hour,      d.minute,        (d.month + 2) / 3,
                                     day_of_year, week_of_year(t), weekday};
      bool left = weekend;
      for (std::size_t p = 0; p < parts.size(); ++p) {
        int shift = v - parts[p];
        if (p == 8) shift = (v < 0 || v > 7) ? 100 : (shift + 14) % 7;
        if (!any) first[p] = shift;
        fits[p] = fits[p] && shift == first[p] && std::abs(shift) <= (p == 0 ? 2000 : 7);
        left = left || fits[p];
      }
      int& seen = flags[static_cast<std::size_t>(weekday)];
      if (seen < 0) seen = v;
      weekend = weekend && seen == v;
      any = true;
      if (!left) return false;
    }
    return any && (weekend || std::find(fits.begin(), fits.end(), true) != fits.end());
  }

  static Time floor_days(Time t) { return (t - time_of_day(t)) / day_seconds; }
  /// Of ISO 8601.
  static int week_of_year(Time t) {
    const Time thursday = floor_days(t) - data::weekday(t) + 3;
    const int year = data::civil_from_seconds(thursday * day_seconds).year;
    return static_cast<int>((thursday - data::days_from_civil(year, 1, 1)) / 7) + 1;
  }

  /// 0 for the surest name, a large number for one that says nothing.
  static std::size_t doubt(const std::string& name) {
    for (std::size_t i = 0; i < hints.size(); ++i)
      if (is_named(name, hints[i])) return i;
    return hints.size();
  }

  std::size_t guess() {
    if (columns_.empty()) refuse();
    if (columns_.size() == 1) return columns_[0];
    std::vector<Nature> all;
    for (const std::size_t c : columns_) all.push_back(nature(c));
    const auto fair = [](const Nature& n) { return !n.constant && !n.counts && !n.calendar; };
    // Where columns end a little earlier than others, those that go on are known ahead.
    Time last = INT64_MIN, first_end = INT64_MAX;
    for (const Nature& n : all)
      if (fair(n)) last = std::max(last, n.last), first_end = std::min(first_end, n.last);
    std::size_t behind = 0;
    for (const data::Stamp& t : times_) behind += t.utc() > first_end;
    const bool future = first_end < last && 3 * behind <= times_.size();
    const auto rank = [&](const Nature& n) {
      const int unfit = n.constant                     ? 5
                        : n.counts                     ? 4
                        : n.calendar                   ? 3
                        : future && n.last > first_end ? 2
                                                       : n.flag || n.id;
      return std::pair(unfit, doubt(sheet_.names()[n.column]));
    };
    const Nature& best =
        *std::min_element(all.begin(), all.end(),
                          [&](const Nature& a, const Nature& b) { return rank(a) < rank(b); });
    if (best.constant) refuse();
    say(best, all, future ? first_end : INT64_MAX);
    return best.column;
  }

  /// Says why a column was taken, if there is another one.
  void say(const Nature& best, const std::vector<Nature>& all, Time end) {
    if (all.size() < 2) return;
    std::array<std::string, 4> others;
    std::size_t rest = 0;
    for (const Nature& n : all) {
      if (n.column == best.column || n.present == 0) continue;
      const int why = n.constant ? 0 : n.counts ? 1 : n.calendar ? 2 : n.last > end ? 3 : 4;
      if (why == 4) {
        ++rest;
        continue;
      }
      std::string& list = others[static_cast<std::size_t>(why)];
      list += (list.empty() ? "'" : ", '") + sheet_.names()[n.column] + '\'';
    }
    constexpr std::array<const char*, 4> words{" without variation", " counting rows",
                                               " part of the date", " known ahead"};
    std::string reason;
    if (rest > 0)
      reason = doubt(sheet_.names()[best.column]) < hints.size() ? "by its name"
                                                                 : "the first that may be it";
    for (std::size_t i = 0; i < words.size(); ++i)
      if (!others[i].empty()) reason += (reason.empty() ? "" : "; ") + others[i] + words[i];
    if (!reason.empty())
      sheet_.say("target '" + sheet_.names()[best.column] + '\'', reason, "--target");
  }

  [[noreturn]] void refuse() const {
    raise<FormatError>(sheet_.source(),
                       ": no column of numbers that vary, to forecast; its columns begin",
                       sheet_.first_cells(),
                       "\n--target A names one, --decimal says what its commas and points are");
  }

  Sheet& sheet_;
  Numbers& numbers_;
  const DateSource& dates_;
  const Items& items_;
  const std::vector<data::Stamp>& times_;
  std::vector<std::size_t> columns_;  // of numbers, without a role
};

}  // namespace detail
}  // namespace foglift::inline v0::forecast
