#pragma once

#include "foglift/forecast/series/frequency.hpp"

#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foglift::inline v0::forecast {

/// A frequency as it was asked for.
struct NamedFrequency {
  Frequency frequency;
  bool any_day = false;  ///< months were asked for, but no day of them

  /// With the first day where none is named.
  Frequency bins() const {
    Frequency f = frequency;
    if (any_day) f.days = {1};
    return f;
  }
};

namespace detail {

/// Reads words from the left, in lower case.
class FrequencyReader {
 public:
  explicit FrequencyReader(std::string_view text) : exact_(text) {
    for (const char c : text) text_ += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }

  std::optional<NamedFrequency> read() {
    if (accept("last business day")) return month_end({.months = 1, .weekend = Weekend::before});
    if (accept("first business day"))
      return month_end({.months = 1, .days = {1}, .weekend = Weekend::after});
    if (accept("business-daily") || accept("business day") || exact_ == "B") {
      if (text_ != "b") accept("s");
      return done() || exact_ == "B"
                 ? std::optional(NamedFrequency{{.seconds = day_seconds, .open = {{0, 5}}}})
                 : std::nullopt;
    }
    if (accept("month end")) return month_end({.months = 1});
    accept("every ");
    NamedFrequency out;
    if (!step(out)) return std::nullopt;
    if (out.frequency.months && accept(" on the ")) {
      if (!days(out.frequency)) return std::nullopt;
      out.any_day = false;
    } else if (out.frequency.seconds && accept(", ")) {
      if (out.frequency.per > 1 || day_seconds % out.frequency.seconds || !open(out.frequency))
        return std::nullopt;
    }
    return done() ? std::optional(out) : std::nullopt;
  }

 private:
  bool done() const { return at_ == text_.size(); }
  bool accept(std::string_view word) {
    if (text_.compare(at_, word.size(), word) != 0) return false;
    at_ += word.size();
    return true;
  }
  std::optional<NamedFrequency> month_end(Frequency f) const {
    return done() ? std::optional(NamedFrequency{std::move(f)}) : std::nullopt;
  }
  std::optional<Time> whole() {
    Time n = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), n);
    if (error != std::errc() || n < 0) return std::nullopt;
    at_ = static_cast<std::size_t>(end - text_.data());
    return n;
  }

  struct Unit {
    std::string_view name;
    Time seconds, per;
    int months;
  };

  /// A number, perhaps with a fraction, and a unit.
  bool step(NamedFrequency& out) {
    Time n = 1, parts = 1;
    if (const auto whole_part = whole()) {
      n = *whole_part;
      if (accept("/")) {
        parts = whole().value_or(0);
      } else if (accept(".")) {
        for (; !done() && text_[at_] >= '0' && text_[at_] <= '9' && parts < 1'000'000'000; ++at_)
          n = 10 * n + (text_[at_] - '0'), parts *= 10;
      }
      if (n <= 0 || parts <= 0 || n > 1'000'000'000'000) return false;
      accept(" ");
    }
    const std::string_view rest(exact_.substr(at_));
    if (accept("hz")) {  // so many a second
      const Time g = std::gcd(n, parts);
      out.frequency = {.seconds = parts / g, .per = n / g};
      return true;
    }
    // Letters of pandas that mean another unit in the other case.
    if (rest == "M" || rest == "ME" || rest == "MS") {
      at_ = text_.size();
      out = {{.months = static_cast<int>(n), .days = {rest == "MS" ? 1 : 31}}, rest == "M"};
      return n < 1000 && parts == 1;
    }
    const Unit* unit = find_unit();
    if (!unit) return false;
    if (unit->months) {
      out = {{.months = static_cast<int>(n) * unit->months}, true};
      return n < 1000 && parts == 1;
    }
    const Time p = unit->per * parts, g = std::gcd(n * unit->seconds, p);
    out.frequency = {.seconds = n * unit->seconds / g, .per = p / g};
    return out.frequency.per <= 1'000'000'000;
  }

  const Unit* find_unit() {
    static constexpr Unit units[] = {{"nanoseconds", 1, 1'000'000'000, 0},
                                     {"nanosecond", 1, 1'000'000'000, 0},
                                     {"ns", 1, 1'000'000'000, 0},
                                     {"microseconds", 1, 1'000'000, 0},
                                     {"microsecond", 1, 1'000'000, 0},
                                     {"us", 1, 1'000'000, 0},
                                     {"milliseconds", 1, 1'000, 0},
                                     {"millisecond", 1, 1'000, 0},
                                     {"ms", 1, 1'000, 0},
                                     {"secondly", 1, 1, 0},
                                     {"seconds", 1, 1, 0},
                                     {"second", 1, 1, 0},
                                     {"sec", 1, 1, 0},
                                     {"s", 1, 1, 0},
                                     {"minutely", 60, 1, 0},
                                     {"minutes", 60, 1, 0},
                                     {"minute", 60, 1, 0},
                                     {"mins", 60, 1, 0},
                                     {"min", 60, 1, 0},
                                     {"t", 60, 1, 0},
                                     {"half-hourly", 1800, 1, 0},
                                     {"half-hour", 1800, 1, 0},
                                     {"hourly", 3600, 1, 0},
                                     {"hours", 3600, 1, 0},
                                     {"hour", 3600, 1, 0},
                                     {"h", 3600, 1, 0},
                                     {"daily", day_seconds, 1, 0},
                                     {"days", day_seconds, 1, 0},
                                     {"day", day_seconds, 1, 0},
                                     {"d", day_seconds, 1, 0},
                                     {"weekly", week_seconds, 1, 0},
                                     {"weeks", week_seconds, 1, 0},
                                     {"week", week_seconds, 1, 0},
                                     {"w", week_seconds, 1, 0},
                                     {"monthly", 0, 1, 1},
                                     {"months", 0, 1, 1},
                                     {"month", 0, 1, 1},
                                     {"mo", 0, 1, 1},
                                     {"quarterly", 0, 1, 3},
                                     {"quarters", 0, 1, 3},
                                     {"quarter", 0, 1, 3},
                                     {"qs", 0, 1, 3},
                                     {"qe", 0, 1, 3},
                                     {"q", 0, 1, 3},
                                     {"yearly", 0, 1, 12},
                                     {"annual", 0, 1, 12},
                                     {"years", 0, 1, 12},
                                     {"year", 0, 1, 12},
                                     {"ys", 0, 1, 12},
                                     {"ye", 0, 1, 12},
                                     {"y", 0, 1, 12},
                                     {"a", 0, 1, 12}};
    for (const Unit& u : units)
      if (accept(u.name)) return &u;
    return nullptr;
  }

  /// "1st and 15th", "30th or last day", "last business day".
  bool days(Frequency& f) {
    f.days.clear();
    do {
      if (accept("last business day") || accept("first business day")) {
        const bool last = text_[at_ - 17] == 'l';
        f.days = {last ? 31 : 1};
        f.weekend = last ? Weekend::before : Weekend::after;
        return done();
      }
      if (accept("last day")) {
        f.days.push_back(31);
      } else if (const auto day = whole()) {
        if (*day < 1 || *day > 31) return false;
        f.days.push_back(static_cast<int>(*day));
        if (!accept("st") && !accept("nd") && !accept("rd")) accept("th");
        accept(" or last day");
      } else {
        return false;
      }
    } while (accept(", ") || accept(" and "));
    if (accept(" or the business day before")) f.weekend = Weekend::before;
    if (accept(" or the business day after")) f.weekend = Weekend::after;
    return std::is_sorted(f.days.begin(), f.days.end(), std::less_equal<>{});
  }

  std::optional<Time> weekday() {
    constexpr std::array<std::string_view, 7> names{"mon", "tue", "wed", "thu",
                                                    "fri", "sat", "sun"};
    for (std::size_t i = 0; i < names.size(); ++i)
      if (accept(names[i])) return static_cast<Time>(i);
    return std::nullopt;
  }
  /// "08:00".
  std::optional<Time> clock() {
    const auto hour = whole();
    if (!hour || !accept(":")) return std::nullopt;
    const auto minute = whole();
    if (!minute || *hour > 24 || *minute > 59) return std::nullopt;
    return *hour * 3600 + *minute * 60;
  }

  /// "Mon-Fri 08:00-12:00 and 13:00-18:00, Sat 08:00-13:00", "09:00-16:00".
  bool open(Frequency& f) {
    std::vector<bool> cells(static_cast<std::size_t>(week_seconds / f.seconds), false);
    do {
      std::vector<Time> days;
      if (const auto first = weekday()) {
        days.push_back(*first);
        while (accept("+")) days.push_back(weekday().value_or(7));
        if (accept("-"))
          for (const Time last = weekday().value_or(-1); days.back() < last;)
            days.push_back(days.back() + 1);
        accept(" ");
      } else {
        days = {0, 1, 2, 3, 4, 5, 6};
      }
      std::vector<std::pair<Time, Time>> hours;
      do {
        const auto from = clock();
        if (!from) break;
        const auto to = accept("-") ? clock() : std::nullopt;
        if (!to || *to <= *from || *to > day_seconds) return false;
        hours.emplace_back(*from, *to);
      } while (accept(" and "));
      if (hours.empty() && days.size() == 7) return false;
      if (hours.empty()) hours.emplace_back(0, day_seconds);
      for (const Time day : days)
        for (const auto& [from, to] : hours) {
          if (day > 6 || from % f.seconds || to % f.seconds) return false;
          for (Time s = from; s < to; s += f.seconds)
            cells[static_cast<std::size_t>((day * day_seconds + s) / f.seconds)] = true;
        }
    } while (accept(", "));
    f.open = open_runs(cells);
    return !f.open.empty();
  }

  std::string text_;
  std::string_view exact_;
  std::size_t at_ = 0;
};
}  // namespace detail

/// The frequency of a name: a number (2, 0.5, 1/30; 1 if left out) and a unit ("ns", "us", "ms",
/// "s", "min", "h", "day", "week", "month", "quarter", "year", "Hz", or the words and letters for
/// them, those of pandas included), "business day", "last business day", "first business day",
/// "month end", or what Frequency::name() says: "half-hourly, Mon-Fri 08:00-18:00", "monthly on the
/// 1st and 15th". Throws ArgumentError for another.
inline NamedFrequency parse_frequency(std::string_view name) {
  if (auto found = detail::FrequencyReader(name).read()) {
    found->frequency.check("--freq");
    return *found;
  }
  raise<ArgumentError>(
      "--freq '", name,
      "' is no frequency; there are 100ms, 30Hz, 1s, 15min, 1h, day, week, business day, month, "
      "month end, last business day, quarter, year, 'monthly on the 1st and 15th', "
      "'half-hourly, Mon-Fri 08:00-18:00' and the like");
}

}  // namespace foglift::inline v0::forecast
