#pragma once

#include "foglift/forecast/series/grid.hpp"
#include "foglift/forecast/series/read/checks.hpp"
#include "foglift/forecast/series/read/roles.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// Makes series of the rows of a sheet.
class SeriesBuilder {
 public:
  SeriesBuilder(Sheet& sheet, Numbers& numbers, Roles roles, const Items& items,
                std::vector<data::Stamp>& times)
      : sheet_(sheet), numbers_(numbers), roles_(std::move(roles)), items_(items), times_(times) {}

  /// Appends a series for each item and target. Throws FormatError, saying which series and what
  /// mends it, if rows make none, or nothing varies.
  void build(RoleFinder& finder, Reading& r) {
    for (const std::size_t c : roles_.target) {
      targets_.push_back(numbers_.read(c));
      check_size(c, targets_.back());
    }
    group_rows();
    find_ends();
    choose_future(finder);
    add_columns(roles_.known, "--known", known_);
    add_columns(roles_.past, "--past", past_);
    r.target = names(roles_.target);
    r.id = names(items_.columns);
    r.known = names(roles_.known);
    r.covariates = known_.names;
    r.past = names(roles_.past);
    r.statics = names(roles_.statics);
    r.unused = names(roles_.unused);
    const std::vector<std::vector<double>> statics = static_numbers(roles_.statics);
    GridOptions grid = sheet_.options().grid;
    for (const std::size_t item : longest_first())
      for (std::size_t k = 0; k < targets_.size(); ++k) {
        if (ends_[k][item].present == 0) continue;
        Series s = one(item, k, grid, r);
        if (!statics.empty()) s.statics = statics[item];
        r.series.push_back(std::move(s));
      }
    order(r);
    say_grids();
    check_before_training(sheet_, r);
  }

 private:
  /// Where the values of a target are, in time.
  struct Ends {
    std::size_t present = 0, rows = 0, behind = 0;  ///< `behind` the last value
    Time first = INT64_MAX, last = INT64_MIN;
  };

  std::vector<std::string> names(const std::vector<std::size_t>& columns) const {
    std::vector<std::string> out;
    for (const std::size_t c : columns) out.push_back(sheet_.names()[c]);
    return out;
  }

  std::size_t item_of(std::size_t row) const {
    return items_.of_row.empty() ? 0 : items_.of_row[row];
  }
  std::size_t items() const { return std::max<std::size_t>(1, items_.names.size()); }

  /// Rows of each item one behind another, as `place_` says.
  void group_rows() {
    if (items_.of_row.empty()) return;
    place_.assign(items() + 1, 0);
    for (const std::uint32_t item : items_.of_row) ++place_[item + 1];
    for (std::size_t i = 0; i < items(); ++i) place_[i + 1] += place_[i];
    grouped_.resize(items_.of_row.size());
    std::vector<std::size_t> at = place_;
    for (std::size_t row = 0; row < items_.of_row.size(); ++row)
      grouped_[at[items_.of_row[row]]++] = static_cast<std::uint32_t>(row);
  }

  void check_size(std::size_t column, const std::vector<double>& values) const {
    for (std::size_t row = 0; row < values.size(); ++row)
      if (!usable(values[row]))
        raise<FormatError>(sheet_.place(row), ": column \"",
                           utf8::printable(sheet_.names()[column]), "\": ", values[row],
                           " is too large, at most ", largest_value,
                           " in size; --missing takes such a cell for a missing one");
  }

  void find_ends() {
    for (const auto& values : targets_) {
      std::vector<Ends> ends(items());
      for (std::size_t row = 0; row < values.size(); ++row) {
        Ends& e = ends[item_of(row)];
        ++e.rows;
        if (std::isnan(values[row])) continue;
        ++e.present;
        e.first = std::min(e.first, times_[row].utc());
        e.last = std::max(e.last, times_[row].utc());
      }
      for (std::size_t row = 0; row < values.size(); ++row)
        ends[item_of(row)].behind += times_[row].utc() > ends[item_of(row)].last;
      ends_.push_back(std::move(ends));
    }
  }

  bool is_behind(std::size_t row) const { return times_[row].utc() > ends_[0][item_of(row)].last; }

  /// Rows behind the last value of the target are the future, where other columns go on or there
  /// are few of them.
  void choose_future(RoleFinder& finder) {
    std::size_t behind = 0;
    for (const Ends& e : ends_[0]) behind += e.present > 0 ? e.behind : 0;
    if (behind == 0 || sheet_.unfolded()) {  // where columns are rows, some at the end are empty
      if (!roles_.known.empty())
        raise<FormatError>(sheet_.source(), ": no rows behind the last value of '",
                           sheet_.names()[roles_.target[0]],
                           "' say what --known columns are ahead; append such rows, give them by "
                           "--future FILE, or take --past");
      return;
    }
    if (roles_.known.empty()) {
      for (const std::size_t c : finder.covariates(roles_.unused))
        if (goes_on(c, behind)) roles_.known.push_back(c);
      std::erase_if(roles_.unused, [&](std::size_t c) {
        return std::find(roles_.known.begin(), roles_.known.end(), c) != roles_.known.end();
      });
    }
    const std::size_t share = roles_.known.empty() && sheet_.options().future.empty() ? 5 : 2;
    if (share * behind > targets_[0].size()) {
      if (sheet_.options().known.empty()) roles_.known.clear();
      return;
    }
    future_ = true;
    std::string list;
    for (const std::size_t c : roles_.known)
      list += (list.empty() ? "'" : ", '") + sheet_.names()[c] + '\'';
    const std::size_t each =
        behind / std::max<std::size_t>(1, static_cast<std::size_t>(std::count_if(
                                              ends_[0].begin(), ends_[0].end(),
                                              [](const Ends& e) { return e.behind > 0; })));
    sheet_.say(std::to_string(each) + (each == 1 ? " row" : " rows") +
                   " behind the last value of '" + sheet_.names()[roles_.target[0]] +
                   (items() > 1 ? "' (of each series)" : "'") + " to be forecast",
               list.empty() ? "" : list + " known there", list.empty() ? "--horizon" : "--known");
  }

  /// Whether nearly all rows behind the last value have one in a column, and half of the others.
  bool goes_on(std::size_t column, std::size_t behind) {
    const auto values = numbers_.look(column);
    std::size_t there = 0, before = 0;
    for (std::size_t row = 0; row < values.size(); ++row)
      if (!std::isnan(values[row])) ++(is_behind(row) ? there : before);
    return 10 * there >= 9 * behind && 2 * before >= values.size() - behind;
  }

  struct Covariates {
    std::vector<std::string> names = {};
    std::vector<std::vector<double>> values = {};
  };

  /// Numbers as they are, words as a column of 0 and 1 for each.
  void add_columns(const std::vector<std::size_t>& columns, const char* option, Covariates& out) {
    constexpr std::size_t most = 8;
    for (const std::size_t c : columns) {
      const std::string& name = sheet_.names()[c];
      if (numbers_.kind(c)) {
        out.names.push_back(name);
        out.values.push_back(numbers_.read(c));
        continue;
      }
      std::map<std::string_view, std::size_t> levels;
      const Sheet::Column cells = sheet_.column(c);
      for (std::size_t row = 0; row < cells.size() && levels.size() <= most; ++row)
        if (!data::is_missing(cells[row])) levels.emplace(cells[row], 0);
      if (levels.size() > most)
        raise<FormatError>(sheet_.source(), ": ", option, ": column \"", utf8::printable(name),
                           "\" holds more than ", most, " different words, like ",
                           utf8::printable(cells[0]));
      std::string list;
      for (auto& [word, place] : levels) {
        place = out.values.size();
        out.names.push_back(name + " = " + std::string(word));
        out.values.emplace_back(cells.size());
        list += (list.empty() ? "" : ", ") + std::string(word);
      }
      for (std::size_t row = 0; row < cells.size(); ++row)
        if (const auto at = levels.find(cells[row]); at != levels.end())
          out.values[at->second][row] = 1;
      sheet_.say("'" + name + "' read as a column of 0 and 1 for each of its words", list, option);
    }
  }

  /// The number of each item in columns that do not vary within one.
  std::vector<std::vector<double>> static_numbers(const std::vector<std::size_t>& columns) {
    if (columns.empty()) return {};
    std::vector<std::vector<double>> out(items(), std::vector<double>(columns.size(), NAN));
    for (std::size_t k = 0; k < columns.size(); ++k) {
      const auto values = numbers_.read(columns[k]);
      for (std::size_t row = 0; row < values.size(); ++row) {
        double& known = out[item_of(row)][k];
        if (std::isnan(values[row]) || values[row] == known) continue;
        if (!std::isnan(known))
          raise<FormatError>(
              sheet_.place(row), ": --static: column \"",
              utf8::printable(sheet_.names()[columns[k]]), "\" is ", values[row], " here and ",
              known, " before in the same series; --known or --past takes columns that vary");
        known = values[row];
      }
    }
    return out;
  }

  std::vector<std::size_t> longest_first() const {
    std::vector<std::size_t> out(items());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = i;
    std::stable_sort(out.begin(), out.end(), [&](std::size_t a, std::size_t b) {
      return ends_[0][a].present > ends_[0][b].present;
    });
    return out;
  }

  /// The rows of an item from the first value of a target on.
  TimedRows rows_of(std::size_t item, std::size_t k) {
    const Ends& e = ends_[k][item];
    TimedRows out;
    std::vector<const std::vector<double>*> columns{&targets_[k]};
    out.names = {target_name(k)};
    for (const Covariates* some : {&known_, &past_})
      for (std::size_t c = 0; c < some->values.size(); ++c) {
        columns.push_back(&some->values[c]);
        out.names.push_back(some->names[c]);
      }
    bool all = items_.of_row.empty();
    for (std::size_t row = 0; all && row < times_.size(); ++row)
      all = times_[row].utc() >= e.first && (!sheet_.unfolded() || times_[row].utc() <= e.last);
    if (all && targets_.size() == 1 && columns.size() == 1) {  // nothing has to be kept for others
      out.stamps = std::move(times_);
      out.columns.push_back(std::move(targets_[k]));
      return out;
    }
    const bool keep_behind = future_ || (sheet_.options().future.empty() && !sheet_.unfolded());
    out.columns.resize(columns.size());
    const std::size_t first = place_.empty() ? 0 : place_[item],
                      last = place_.empty() ? times_.size() : place_[item + 1];
    for (std::size_t i = first; i < last; ++i) {
      const std::size_t row = place_.empty() ? i : grouped_[i];
      if (times_[row].utc() < e.first || (!keep_behind && times_[row].utc() > e.last)) continue;
      out.stamps.push_back(times_[row]);
      for (std::size_t c = 0; c < columns.size(); ++c) out.columns[c].push_back((*columns[c])[row]);
    }
    return out;
  }

  const std::string& target_name(std::size_t k) const { return sheet_.names()[roles_.target[k]]; }

  Series one(std::size_t item, std::size_t k, GridOptions& options, Reading& r) {
    const TimedRows rows = rows_of(item, k);
    const std::string name = items_.names.empty()   ? target_name(k)
                             : targets_.size() == 1 ? items_.names[item]
                                                    : items_.names[item] + " / " + target_name(k);
    Grid grid;
    try {
      grid = on_grid(rows, options);
    } catch (const ArgumentError& error) {
      raise<FormatError>(
          sheet_.source(), ": column \"", utf8::printable(r.date), '"',
          items_.names.empty() ? "" : ", series \"" + utf8::printable(name) + '"', ": ",
          error.what(),
          items_.names.empty()
              ? "; --id names a column that tells several series apart, --date another one of dates"
              : "");
    }
    if (!options.like) options.like = grid.time.frequency;
    for (const Guess& guess : grid.guesses)
      ++grid_guesses_[guess.line()], grid_said_.push_back(guess);
    Series s{.name = name, .time = grid.time, .values = std::move(grid.columns[0])};
    const Index cells = std::ssize(s.values);
    Index end = cells;
    while (end > 0 && std::isnan(s.values[static_cast<std::size_t>(end - 1)])) --end;
    if (future_) s.values.resize(static_cast<std::size_t>(end));
    if (future_) r.future = std::max(r.future, cells - end);
    const auto table = [&](std::size_t first, std::size_t count, Index height) {
      if (count == 0) return Tensor<double>();
      Tensor<double> out({height, static_cast<Index>(count)});
      for (Index t = 0; t < height; ++t)
        for (std::size_t c = 0; c < count; ++c)
          out(t, static_cast<Index>(c)) = grid.columns[1 + first + c][static_cast<std::size_t>(t)];
      return out;
    };
    s.known = table(0, known_.values.size(), cells);
    s.past = table(known_.values.size(), past_.values.size(), s.size());
    return s;
  }

  /// Series in the order of the file: they were made from the longest on.
  void order(Reading& r) const {
    if (items() == 1) return;
    std::map<std::string_view, std::size_t> place;
    for (std::size_t i = 0; i < items_.names.size(); ++i) place.emplace(items_.names[i], i);
    const auto at = [&](const Series& s) {
      const auto found = place.find(s.name);
      return found != place.end()
                 ? found->second
                 : place.at(std::string_view(s.name).substr(0, s.name.rfind(" / ")));
    };
    std::stable_sort(r.series.begin(), r.series.end(),
                     [&](const Series& a, const Series& b) { return at(a) < at(b); });
  }

  /// What was said of several series is said once.
  void say_grids() {
    for (const Guess& guess : grid_said_)
      if (std::size_t& n = grid_guesses_[guess.line()]; n > 0) {
        sheet_.say(guess.text + (n > 1 ? " (in " + std::to_string(n) + " series)" : ""),
                   guess.reason, guess.option);
        n = 0;
      }
  }

  Sheet& sheet_;
  Numbers& numbers_;
  Roles roles_;
  const Items& items_;
  std::vector<data::Stamp>& times_;
  std::vector<std::vector<double>> targets_;
  std::vector<std::vector<Ends>> ends_;  // of each target and item
  std::vector<std::size_t> place_;       // of each item's rows in grouped_; empty for one item
  std::vector<std::uint32_t> grouped_;   // rows
  Covariates known_, past_;
  bool future_ = false;
  std::map<std::string, std::size_t> grid_guesses_;
  std::vector<Guess> grid_said_;
};

}  // namespace detail
}  // namespace foglift::inline v0::forecast
