#pragma once

#include "foglift/forecast/series/calendar.hpp"
#include "input.hpp"
#include "words.hpp"

#include <algorithm>
#include <limits>

namespace tool {

/// How series are split and modelled. Three parts in order: training, validation (chooses the
/// weights), backtest (judges them).
struct Plan {
  std::string method;
  Index horizon = 0, windows = 0, context = 0, steps = 0;
  std::vector<Index> seasons = {};  ///< the main one first; at most two
  bool non_negative = false;
  std::uint64_t seed = 1;
  forecast::Columns columns = {};
  forecast::Calendar calendar = {};

  Index season() const { return seasons.empty() ? 1 : seasons.front(); }
  /// Cells of the backtest; as many before them are for the validation.
  Index held_out() const { return windows * horizon; }
};

/// Chooses what the options leave open, and says so among the guesses. Throws ArgumentError, saying
/// how much is needed, for a series too short.
inline void choose(Input& in, Options& o) {
  const Index n = in.shortest();
  const auto say = [&](const std::string& what, const std::string& why, const char* option) {
    in.read.guesses.push_back({what, why, option});
  };
  const bool found = o.season.empty();
  if (found) o.season = in.seasons;
  o.season.resize(std::min<std::size_t>(o.season.size(), 2));
  const auto [shortest, longest] = std::minmax_element(o.season.begin(), o.season.end());
  std::string seasons;
  for (const Index s : o.season) seasons += (seasons.empty() ? "" : ", ") + span(in.step(), s);
  say(seasons.empty() ? "no season" : "season " + seasons, found ? "as the values show" : "",
      "--season");

  const bool asked = o.horizon > 0;
  if (!asked) {  // two of the shortest season
    const Index wanted = o.season.empty() ? 24 : std::clamp<Index>(2 * *shortest, 8, 96);
    o.horizon = std::clamp<Index>(n / 20, std::min<Index>(wanted, 4), wanted);
  }
  const Index H = o.horizon;
  say("horizon " + span(in.step(), H),
      asked                                     ? ""
      : !o.season.empty() && H == 2 * *shortest ? "two of the shortest season"
                                                : "as the length of the series allows",
      "--horizon");
  // A fifth of the series, at most 14 windows, for the backtest; as much for the validation.
  if (o.windows == 0) o.windows = std::clamp<Index>(n / (5 * H), 1, 14);
  const Index season = o.season.empty() ? 1 : o.season.front(), held_out = o.windows * H;
  const Index least = 2 * held_out + 2 * std::max(season, H) + 2 * H;
  if (n < least)
    foglift::raise<foglift::ArgumentError>(
        in.path(), ": ", n, " values are too few for a horizon of ", H, ", a season of ", season,
        " and ", counted(o.windows, "window"), "; at least ", least,
        " are needed, or a smaller --horizon, --season or --windows");
  say(text("train %td, validate %td, backtest %s of %s", n - 2 * held_out, held_out,
           counted(o.windows, "window").c_str(), span(in.step(), H).c_str()),
      "a fifth of the series judges", "--windows");

  if (o.context == 0) o.context = std::clamp<Index>(o.season.empty() ? 2 * H : *longest, H, 4 * H);
  if (!o.non_negative.empty()) return;
  const auto learned = [&](const forecast::Series& s) {
    return std::none_of(s.values.begin(), s.values.end() - held_out,
                        [](double v) { return v < 0; });
  };
  o.non_negative = std::all_of(in.series().begin(), in.series().end(), learned) ? "yes" : "no";
  if (o.non_negative == "yes") say("no forecast below 0", "as no value is", "--non-negative");
}

/// The plan of options that leave nothing open.
inline Plan make_plan(const Options& o, const forecast::Columns& columns,
                      const forecast::Calendar& calendar) {
  return {.method = o.method,
          .horizon = o.horizon,
          .windows = o.windows,
          .context = o.context,
          .steps = o.steps,
          .seasons = o.season,
          .non_negative = o.non_negative == "yes",
          .seed = o.seed,
          .columns = columns,
          .calendar = calendar};
}

}  // namespace tool
