#pragma once

#include "foglift/forecast/series/read/date_parts.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// How well the times of rows make an index of series: the share of rows with a time of their own,
/// by that of the most frequent step between different times.
inline double index_fitness(const std::vector<data::Stamp>& times) {
  const bool fine = std::any_of(times.begin(), times.end(),
                                [](const data::Stamp& t) { return t.nanoseconds != 0; });
  std::vector<Time> sorted;
  sorted.reserve(times.size());
  for (const data::Stamp& t : times)
    sorted.push_back(fine ? t.utc() * 1000 + t.nanoseconds / 1'000'000 : t.utc());
  std::sort(sorted.begin(), sorted.end());
  const auto last = std::unique(sorted.begin(), sorted.end());
  const auto distinct = static_cast<std::size_t>(last - sorted.begin());
  const std::size_t head = std::min<std::size_t>(distinct, 4096);
  return static_cast<double>(distinct) / static_cast<double>(sorted.size()) *
         data::detail::regularity(std::span(sorted).first(head));
}

/// Finds the columns of the dates.
class DateFinder {
 public:
  explicit DateFinder(Sheet& sheet, std::vector<std::size_t> not_these = {})
      : sheet_(sheet), not_these_(std::move(not_these)) {}

  DateSource source;
  std::vector<data::Stamp> times;

  /// Throws FormatError with the first cells of each column, or with the line of a date that is
  /// none. May leave out last rows.
  void find() {
    if (!sheet_.options().date.empty()) return find_named();
    std::vector<Candidate> found = single_columns();
    std::vector<Candidate> joined = joined_columns(found);
    const bool unique = !found.empty() && best_of(found).fitness > 0.999;
    for (Candidate& c : joined)
      if (!unique) found.push_back(std::move(c));
    if (found.empty()) refuse();
    take(best_of(found), found);
  }

  /// Like find; false if there is no column of dates.
  bool find_if_any() {
    std::vector<Candidate> found = single_columns();
    if (!found.empty()) take(best_of(found), found);
    return !found.empty();
  }

  /// A column that names months, as "Jan", or numbers them, as its name says.
  std::optional<DatePart> month_column() const {
    for (std::size_t c = 0; c < sheet_.names().size(); ++c)
      if (free(c) && !data::parse_number(sheet_.column(c)[0]).ok)
        if (const auto p = part_of_date(sheet_, c, DateRole::month)) return p;
    return named(DateRole::month, month_words, {});
  }

  [[noreturn]] void refuse_rows(const DateSource& from) const {
    std::vector<data::Stamp> some;
    const auto bad = from.read_all(sheet_, some, 5);
    std::string all;
    for (const std::size_t row : bad) {
      std::string cells;
      for (const DatePart& p : from.parts())
        cells += (cells.empty() ? "" : " ") + utf8::printable(sheet_.cell(row, p.column));
      all += (all.empty() ? "" : "\n") + sheet_.place(row) + ": column \"" + from.name(sheet_) +
             "\": ";
      all += data::is_missing(cells) ? "the date is missing" : '"' + cells + "\" is no date";
      if (const std::string& format = from.parts()[0].form.format(); !format.empty())
        all += ", as others are by " + format;
    }
    raise<FormatError>(
        all, "\ncorrect or remove such lines, give --date-format, or another column by --date");
  }

 private:
  struct Candidate {
    DateSource source;
    std::string reason = {};  ///< of its form
    std::vector<data::Stamp> times = {};
    double fitness = -1;
    std::string said = {};  ///< why it is joined
  };

  bool free(std::size_t column) const {
    return !sheet_.ignored(column) &&
           std::find(not_these_.begin(), not_these_.end(), column) == not_these_.end();
  }

  std::vector<data::DateForm> forms_of(std::size_t column) const {
    if (const std::string& format = sheet_.options().date_format; !format.empty()) {
      const Sheet::Column cells = sheet_.column(column);
      std::size_t row = 0;
      while (row < cells.size() && data::is_missing(cells[row])) ++row;
      if (row < cells.size() && data::StampCells(format)(cells[row])) return {{format, {}}};
      return {};
    }
    auto forms = data::date_forms(without_tail(sheet_, column, 0));
    return forms.empty() ? data::date_forms(without_tail(sheet_, column, 3)) : forms;
  }

  /// Numbers are dates only where the name says so, or (but for days of spreadsheets) they increase
  /// or decrease by even steps.
  bool plausible(std::size_t column, const std::string& format) const {
    if (!sheet_.options().date_format.empty() || !sheet_.options().date.empty()) return true;
    if (format == "%E")  // any five digits: the name alone tells
      return is_named(sheet_.names()[column],
                      "date dates datum day datetime timestamp time fecha tag zeit ds");
    const Sheet::Column cells = without_tail(sheet_, column, 3);
    const data::StampCells read(format);
    std::vector<std::int64_t> head;
    bool numbers = true, year_alone = format == "%Y";
    for (std::size_t row = 0; row < std::min<std::size_t>(cells.size(), 1024); ++row) {
      if (data::is_missing(cells[row])) continue;
      numbers = numbers && data::parse_number(cells[row]).ok;
      if (const auto stamp = read(cells[row])) head.push_back(stamp->seconds);
    }
    if (!numbers) return true;
    if (head.size() < 2) return is_named(sheet_.names()[column], date_words);
    for (const Time t : head)
      if (t < -14'831'769'600 || t > 7'258'118'400) return false;  // 1500, 2200
    const bool up = std::is_sorted(head.begin(), head.end(), std::less_equal<>());
    const bool down = std::is_sorted(head.begin(), head.end(), std::greater_equal<>());
    const bool steps = up || down;
    if (is_named(sheet_.names()[column], date_words)) {
      std::sort(head.begin(), head.end());
      head.erase(std::unique(head.begin(), head.end()), head.end());
      return head.size() > 1 && (!year_alone || data::detail::regularity(head) > 0.5);
    }
    return steps && std::adjacent_find(head.begin(), head.end()) == head.end() &&
           data::detail::regularity(head) > 0.8;
  }

  static constexpr std::string_view date_words =
      "date dates datum day time timestamp datetime ts ds year jahr annee ann\u00E9e yyyy yyyymm "
      "yyyymmdd "
      "yearmonth month monat mois period periode zeit zeitstempel mess messdatum fecha data tag "
      "epoch unix "
      "index yr t when";

  static constexpr std::string_view month_words = "month mon monat mois mes mm mo mnth";

  std::vector<Candidate> single_columns() {
    std::vector<Candidate> found;
    for (std::size_t c = 0; c < sheet_.names().size(); ++c) {
      if (!free(c)) continue;
      for (const data::DateForm& form : forms_of(c)) {
        if (!plausible(c, form.format)) continue;
        Candidate one{DateSource({{.column = c, .form = data::StampCells(form.format)}}),
                      form.reason};
        if (!read(one)) continue;
        found.push_back(std::move(one));
        break;
      }
    }
    return found;
  }

  /// Reads all rows; false if one has no date but the last few, which are left out where words
  /// stand for it.
  bool read(Candidate& c) const {
    constexpr std::size_t most = 6;
    const auto bad = c.source.read_all(sheet_, c.times, most);
    for (std::size_t i = 0; i < bad.size(); ++i) {
      const std::string_view cell = sheet_.cell(bad[i], c.source.parts()[0].column);
      if (!cell.empty() && cell[0] >= '0' && cell[0] <= '9') return false;
      if (bad[i] + (bad.size() - i) != sheet_.rows()) return false;
    }
    return bad.size() < std::min(most, sheet_.rows());
  }

  void score(Candidate& c) const {
    if (c.fitness < 0) c.fitness = index_fitness(c.times);
  }

  Candidate& best_of(std::vector<Candidate>& all) const {
    if (all.size() == 1 && all[0].fitness < 0) {
      // Alone; no need to sort where rows follow each other.
      const auto& t = all[0].times;
      if (std::is_sorted(t.begin(), t.end(),
                         [](const auto& a, const auto& b) { return a.utc() <= b.utc(); }))
        all[0].fitness = 1;
    }
    for (Candidate& c : all) score(c);
    return *std::max_element(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
      return a.fitness < b.fitness;
    });
  }

  void take(Candidate& best, const std::vector<Candidate>& all) {
    source = best.source;
    times = std::move(best.times);
    const DatePart& first = source.parts().front();
    if (!best.said.empty())
      sheet_.say("dates from '" + source.name(sheet_) + '\'', best.said, "--date");
    if (best.said.empty() && all.size() > 1) {
      std::string others;
      for (const Candidate& c : all)
        if (&c != &best && c.said.empty())
          others += (others.empty() ? "'" : "', '") + c.source.name(sheet_);
      if (!others.empty())
        sheet_.say("dates in '" + source.name(sheet_) + '\'',
                   std::string(best.fitness > 0.999 ? "unique and regular" : "more regular") +
                       ", before " + others + '\'',
                   "--date");
    }
    if (first.role == DateRole::stamp) {
      const std::string& format = first.form.format();
      if (!plain_format(format) || !best.reason.empty())
        sheet_.say("dates read by '" + format + '\'', best.reason, "--date-format");
    }
    leave_out_tail();
  }

  static bool plain_format(const std::string& format) {
    return format.starts_with("%Y-%m-%d") && format.find("%I") == format.npos &&
           format.find("%Z") == format.npos;
  }

  /// Drops last rows that have no date.
  void leave_out_tail() {
    std::size_t rows = sheet_.rows();
    while (rows > 0 && !source.read(sheet_, rows - 1)) --rows;
    if (rows == sheet_.rows()) return;
    sheet_.drop_from(rows, "no date");
    times.resize(rows);
  }

  std::optional<DatePart> named(DateRole role, std::string_view words,
                                const DateSource& but) const {
    for (std::size_t c = 0; c < sheet_.names().size(); ++c)
      if (free(c) && !but.uses(c) && is_named(sheet_.names()[c], words))
        if (const auto p = part_of_date(sheet_, c, role)) return p;
    return std::nullopt;
  }

  /// Days with a time of day beside them, and years with months and days, as the names say.
  std::vector<Candidate> joined_columns(const std::vector<Candidate>& singles) {
    std::vector<Candidate> found;
    const auto add = [&](const DateSource& from, const std::string& reason, const char* why) {
      Candidate c{from, reason, {}, -1, why};
      if (read(c)) found.push_back(std::move(c));
    };
    for (const Candidate& day : singles) {
      if (!std::all_of(day.times.begin(), day.times.end(),
                       [](const data::Stamp& t) { return t.seconds % day_seconds == 0; }))
        continue;
      for (std::size_t c = 0; c < sheet_.names().size(); ++c) {
        if (!free(c) || day.source.uses(c) || data::parse_number(sheet_.column(c)[0]).ok) continue;
        const auto clock = part_of_date(sheet_, c, DateRole::clock);
        if (clock)
          add(DateSource({day.source.parts()[0], *clock}), day.reason,
              "the dates repeat, and times of day stand beside them");
      }
      if (const auto hour = clock_parts(day.source); !hour.empty()) {
        std::vector<DatePart> all{day.source.parts()[0]};
        all.insert(all.end(), hour.begin(), hour.end());
        add(DateSource(all), day.reason, "the dates repeat, and hours stand beside them");
      }
    }
    const auto year =
        named(DateRole::year, "year yr jahr annee ann\u00E9e anno ano a\u00F1o yyyy", {});
    if (!year) return found;
    std::vector<DatePart> parts{*year};
    if (auto month = named(DateRole::month, month_words, DateSource(parts))) {
      parts.push_back(*month);
      if (auto day = named(DateRole::day, "day tag jour dia dd dy dom", DateSource(parts))) {
        parts.push_back(*day);
        for (const DatePart& p : clock_parts(DateSource(parts))) parts.push_back(p);
      }
    } else if (auto quarter =
                   named(DateRole::quarter, "quarter qtr quartal trimestre q", DateSource(parts))) {
      parts.push_back(*quarter);
    }
    if (parts.size() > 1)
      add(DateSource(parts), {}, "the years repeat, and their parts stand beside them");
    return found;
  }

  std::vector<DatePart> clock_parts(const DateSource& but) const {
    std::vector<DatePart> out;
    if (auto hour = named(DateRole::hour, "hour hr hours stunde heure hora hh he h", but)) {
      out.push_back(*hour);
      if (auto minute = named(DateRole::minute, "minute min minutes mn mi", but))
        out.push_back(*minute);
    } else if (auto period =
                   named(DateRole::period, "period interval sp settlementperiod block slot", but)) {
      out.push_back(*period);
    } else if (auto clock = named(DateRole::clock, "time hour zeit uhrzeit heure hora hhmm", but)) {
      out.push_back(*clock);
    }
    return out;
  }

  /// The columns of --date: the first a stamp or a year, the others by what they hold.
  void find_named() {
    std::vector<DatePart> parts;
    std::string reason;
    bool has_day = false;
    for (const std::size_t c : sheet_.find_all(sheet_.options().date, "--date")) {
      if (parts.empty()) {
        const auto forms = forms_of(c);
        if (forms.empty()) refuse_column(c);
        parts.push_back({.column = c, .form = data::StampCells(forms[0].format)});
        reason = forms[0].reason;
        has_day = forms[0].format.find("%d") != std::string::npos ||
                  forms[0].format.find("%u") != std::string::npos;
        continue;
      }
      std::optional<DatePart> p;
      const bool month = parts.size() == 1 && parts[0].form.format() == "%Y";
      if (month)
        p = part_of_date(sheet_, c, DateRole::month);
      else if (!has_day && (p = part_of_date(sheet_, c, DateRole::day)))
        has_day = true;
      else if (auto clock = part_of_date(sheet_, c, DateRole::hour))
        p = clock;
      else if (auto text = part_of_date(sheet_, c, DateRole::clock))
        p = text;
      if (!p) refuse_column(c);
      if (month && parts[0].role == DateRole::stamp)
        parts[0] = {.column = parts[0].column, .role = DateRole::year};
      parts.push_back(*p);
    }
    Candidate one{DateSource(parts), reason};
    for (const auto& form :
         parts.size() == 1 ? forms_of(parts[0].column) : std::vector<data::DateForm>{}) {
      one = {DateSource({{.column = parts[0].column, .form = data::StampCells(form.format)}}),
             form.reason};
      if (read(one)) return take(one, {});
    }
    if (parts.size() == 1 || !read(one)) refuse_rows(one.source);
    take(one, {});
  }

  [[noreturn]] void refuse_column(std::size_t c) const {
    const std::string& format = sheet_.options().date_format;
    if (const auto almost = mostly(c)) refuse_rows(*almost);
    raise<FormatError>(sheet_.source(), ": column \"", utf8::printable(sheet_.names()[c]),
                       "\" holds no dates", format.empty() ? "" : " of the form " + format,
                       "; its columns begin", sheet_.first_cells(),
                       "\ngive their form, like --date-format '%d.%m.%Y %H:%M'");
  }

  /// The form that four fifths of a column have.
  std::optional<DateSource> mostly(std::size_t column) const {
    const auto cells = sample_of(sheet_.column(column));
    for (const std::size_t from : {std::size_t{0}, cells.size() / 2}) {
      if (cells.size() < 5) break;
      const std::string& asked = sheet_.options().date_format;
      const std::vector<data::StampCells> one{data::StampCells(asked)};
      for (const data::StampCells& read : asked.empty() ? data::detail::date_formats() : one) {
        if (!read(cells[from]) || !plausible(column, read.format())) continue;
        const auto fit = std::count_if(cells.begin(), cells.end(),
                                       [&](std::string_view c) { return read(c).has_value(); });
        if (10 * static_cast<std::size_t>(fit) >= 8 * cells.size())
          return DateSource({{.column = column, .form = read}});
      }
    }
    return std::nullopt;
  }

  [[noreturn]] void refuse() const {
    for (std::size_t c = 0; c < sheet_.names().size(); ++c)
      if (free(c))
        if (const auto almost = mostly(c)) refuse_rows(*almost);
    const std::string& format = sheet_.options().date_format;
    raise<FormatError>(
        sheet_.source(), ": no column of dates", format.empty() ? "" : " of the form " + format,
        "; its columns begin", sheet_.first_cells(),
        "\ngive their column and form, like --date A --date-format '%d.%m.%Y %H:%M'");
  }

  Sheet& sheet_;
  std::vector<std::size_t> not_these_;
};

}  // namespace detail
}  // namespace foglift::inline v0::forecast
