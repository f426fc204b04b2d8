#pragma once

#include "foglift/forecast/series/grid/bins.hpp"
#include "foglift/forecast/series/grid/options.hpp"
#include "foglift/forecast/series/grid/recognise.hpp"
#include "foglift/forecast/series/grid/repeats.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::forecast {

/// The most cells that on_grid makes of so many rows. A wrong date (year 20112), or stamps that
/// follow no frequency, would ask for more memory than there is.
constexpr Index most_cells(Index rows) { return 32 * rows + 1000; }

namespace detail {

/// The offsets that stamps say, from where each begins. Stamps of many clocks become ones in UTC.
inline Clock clock_of(Ordered& o, std::vector<Guess>& guesses) {
  Clock clock;
  if (!o.has_offsets) return clock;
  for (const data::Stamp& s : o.rows.stamps)
    if (clock.offsets.empty() || clock.offsets.back().seconds != *s.offset)
      clock.offsets.push_back({s.utc(), *s.offset});
  const double years = static_cast<double>(o.rows.stamps.back().utc() - clock.offsets[0].from) /
                       (365.25 * day_seconds);
  const Index changes = std::ssize(clock.offsets) - 1;
  if (static_cast<double>(changes) > 4 * (years + 1)) {
    clock.offsets = {{clock.offsets[0].from, 0}};
    for (data::Stamp& s : o.rows.stamps) s = {s.utc(), s.nanoseconds, 0};
    guesses.push_back({"times are in UTC",
                       "offsets change " + std::to_string(changes) + " times, as no clock does"});
  } else if (changes > 0) {
    const Time last = clock.offsets.back().from;
    const std::string since =
        stamp_text({last + clock.offsets.back().seconds, 0, clock.offsets.back().seconds});
    guesses.push_back(
        {"times are of the local clock, which changes " +
             (changes == 1 ? std::string() : std::to_string(changes) + " times, last ") + "at " +
             since + "; that offset goes on",
         "as the stamps say"});
  }
  return clock;
}

/// Refuses more cells than rows are worth. Throws ArgumentError.
inline void require_cells(const Ordered& o, const TimeAxis& axis, Index cells) {
  const Index most = most_cells(o.size());
  if (cells <= most) return;
  raise<ArgumentError>("on_grid: ", o.size(), " rows from ", o.text(0), " to ",
                       o.text(o.rows.stamps.size() - 1), " leave a series of ", cells, ' ',
                       axis.frequency.name(), " cells almost empty, at most ", most,
                       " are accepted; check the dates, or give the frequency by --freq, with "
                       "--resample mean, sum or last");
}

inline std::vector<std::vector<double>> empty_columns(const Ordered& o, Index cells) {
  return std::vector(o.rows.columns.size(),
                     std::vector<double>(static_cast<std::size_t>(cells),
                                         std::numeric_limits<double>::quiet_NaN()));
}

/// Makes a cell of an axis its first one.
inline void start_at(TimeAxis& axis, Index cell) {
  const data::Stamp start = axis.stamp(cell);
  axis.start = axis.clock.steps_in_utc ? start.utc() : start.seconds;
  axis.nanoseconds = start.nanoseconds;
}

/// Rows on cells of their own.
inline void place(const Ordered& o, Fit fit, Grid& grid) {
  Index first = std::numeric_limits<Index>::max(), last = -1;
  std::size_t before = 0;
  for (std::size_t i = 0; i < fit.cells.size(); ++i) {
    if (fit.cells[i] == -1 && !fit.axis.frequency.open.empty()) continue;
    if (last >= first && fit.cells[i] <= last)
      raise<ArgumentError>("on_grid: ", o.text(before), " and ", o.text(i),
                           " are of one cell of a series that is ", fit.axis.frequency.name(),
                           "; give a shorter --freq, or --resample mean, sum or last");
    first = std::min(first, fit.cells[i]);
    last = fit.cells[i];
    before = i;
  }
  grid.time = fit.axis;
  require_cells(o, grid.time, last - first + 1);
  if (first != 0) start_at(grid.time, first);
  grid.columns = empty_columns(o, last - first + 1);
  for (std::size_t c = 0; c < grid.columns.size(); ++c)
    for (std::size_t i = 0; i < fit.cells.size(); ++i)
      if (fit.cells[i] >= first)
        grid.columns[c][static_cast<std::size_t>(fit.cells[i] - first)] = o.rows.columns[c][i];
}

/// Rows from each cell to the next as one.
inline void resample(const Ordered& o, const Frequency& f, Combine how, const Clock& clock,
                     Grid& grid) {
  const auto& stamps = o.rows.stamps;
  grid.time = bin_axis(f, stamps.front(), o.has_offsets && f.finest() < 20 * 3600);
  const bool in_utc = grid.time.clock.steps_in_utc;
  grid.time.clock = clock;
  grid.time.clock.steps_in_utc = in_utc;
  Index cells = grid.time.cell(stamps.back()) + 1;
  require_cells(o, grid.time, cells);
  // Other rows would come a step before and behind, and the outer bins are whole if those are
  // beyond them.
  Ordered once{{.stamps = stamps}, o.row, o.has_offsets};
  combine(once, repeats(once), Combine::first);
  std::vector<Guess> unsaid;
  const auto input = once.size() > 1 ? Recognition(once, clock).find(unsaid) : std::nullopt;
  const data::Stamp next =
      input ? input->axis.stamp(input->axis.cell(stamps.back()) + 1) : stamps.back();
  if (cells > 1 && grid.time.cell(next) < cells) {
    --cells;
    grid.guesses.push_back(
        {"the last step, from " + grid.time.text(cells) + ", is left out", "rows end within it"});
  }
  std::size_t at = 0;
  const data::Stamp second = grid.time.stamp(1);
  if (cells > 1 && input && how != Combine::last &&
      grid.time.cell(input->axis.stamp(input->axis.cell(stamps.front()) - 1)) >= 0) {
    grid.guesses.push_back(
        {"the first step, from " + grid.time.text(0) + ", is left out", "rows begin within it"});
    while (before_on(grid.time.clock, stamps[at], second)) ++at;
    start_at(grid.time, 1);
    --cells;
  }
  grid.columns = empty_columns(o, cells);
  for (Index cell = 0; cell < cells && at < stamps.size(); ++cell) {
    const data::Stamp end = grid.time.stamp(cell + 1);
    const std::size_t first = at;
    while (at < stamps.size() && before_on(grid.time.clock, stamps[at], end)) ++at;
    for (std::size_t c = 0; c < grid.columns.size(); ++c)
      grid.columns[c][static_cast<std::size_t>(cell)] =
          combined(how, std::span(o.rows.columns[c]).subspan(first, at - first));
  }
}
}  // namespace detail

/// The regular series that rows make, from the first stamp to the last. Recognised are, on the
/// local clock or in UTC: equal steps, also of fractions of a second, that stamps stray from by at
/// most a twentieth; open hours of the week or of the day; days of the month, every month or every
/// few; business days at its ends. Throws ArgumentError, naming the stamps and the option that
/// would mend it, if there is no such rule, if rows that differ have one time, or for more than
/// most_cells.
inline Grid on_grid(const TimedRows& rows, const GridOptions& options = {}) {
  detail::Ordered o = detail::in_order(rows);
  std::optional<NamedFrequency> named;
  if (!options.frequency.empty()) named = parse_frequency(options.frequency);
  const auto require_rows = [&] {
    const bool known = named || options.like;
    if (o.size() < (known ? 1 : 2))
      raise<ArgumentError>("on_grid: ", o.size(), o.size() == 1 ? " time" : " times", ", at least ",
                           known ? "1 is" : "2 are", " needed",
                           o.size() == 1 ? ", or the frequency by --freq" : "");
  };
  require_rows();
  Grid grid;
  if (options.resample == Combine::refuse || options.duplicates != Combine::refuse)
    detail::resolve_repeats(o, options.duplicates, grid.guesses);
  require_rows();
  const Clock clock = detail::clock_of(o, grid.guesses);
  const detail::Recognition recognition(o, clock);
  if (options.resample != Combine::refuse) {
    if (!named && !options.like)
      raise<ArgumentError>("on_grid: --resample needs the steps to resample to: --freq");
    detail::resample(o, named ? named->bins() : *options.like, options.resample, clock, grid);
    return grid;
  }
  std::optional<detail::Fit> fit;
  if (named || options.like) {
    fit = recognition.fit(named ? *named : NamedFrequency{*options.like});
    if (fit && fit->moved > 0) recognition.say_moved(*fit, "--resample", grid.guesses);
  }
  if (!fit && named)
    raise<ArgumentError>("on_grid: ", o.size(), " rows from ", o.text(0), " do not fit --freq '",
                         options.frequency, "'; their commonest gaps are ", recognition.gaps(),
                         "; --resample mean, sum or last makes one of the rows of each step");
  if (!fit) fit = recognition.find(grid.guesses);
  if (!fit)
    raise<ArgumentError>(
        "on_grid: ", o.size(), " rows from ", o.text(0), " to ", o.text(o.rows.stamps.size() - 1),
        " follow no frequency; their commonest gaps are ", recognition.gaps(),
        "; needed equal steps or days of the calendar: check the dates, or give "
        "--freq day, 1h, ..., with --resample mean, sum or last for rows that share a step");
  detail::place(o, std::move(*fit), grid);
  return grid;
}

}  // namespace foglift::inline v0::forecast
