#include "plan.hpp"

#include "foglift/forecast/ensemble/windows.hpp"
#include "words.hpp"

#include <algorithm>
#include <functional>
#include <limits>

namespace tool {

namespace {

using Say =
    std::function<void(const std::string& what, const std::string& why, const char* option)>;

void choose_seasons(const Input& in, Options& o, const Say& say) {
  const bool found = o.season.empty();
  if (found) o.season = in.seasons;
  o.season.resize(std::min<std::size_t>(o.season.size(), 2));
  std::string names;
  for (const Index s : o.season) {
    if (2 * s > in.longest())
      foglift::raise<foglift::ArgumentError>("--season ", s, ": ", in.path(), " has ", in.longest(),
                                             " values, too few for two seasons");
    names += (names.empty() ? "" : " and ") + span(in.step(), s);
  }
  say(names.empty() ? "no season" : "season " + names, found ? "as the values show" : "",
      "--season");
}

void choose_horizon(const Input& in, Options& o, const Say& say) {
  std::string why;
  if (o.horizon == 0 && in.read.future > 0) {
    o.horizon = in.read.future;
    why = "rows of the file that wait for values";
  } else if (o.horizon == 0) {  // two of the shortest season, if the series is long enough
    const Index shortest =
        o.season.empty() ? 12 : *std::min_element(o.season.begin(), o.season.end());
    const Index wanted = o.season.empty() ? 24 : std::clamp<Index>(2 * shortest, 8, 96);
    o.horizon = std::clamp<Index>(in.longest() / 20, std::min<Index>(wanted, 4), wanted);
    const bool whole = !o.season.empty() && 4 * o.horizon >= 3 * shortest;  // or nearly
    const Index seasons = std::max<Index>(1, o.horizon / shortest);
    if (whole) o.horizon = seasons * shortest;
    why = !whole         ? "as the length of the series allows"
          : seasons == 1 ? "the shortest season"
                         : std::to_string(seasons) + " of the shortest season";
  }
  say("horizon " + span(in.step(), o.horizon), why, "--horizon");
}

/// The bounds that the values before the backtest suggest, of all series.
void choose_bounds(const Input& in, Options& o, const std::vector<Index>& cut, const Say& say) {
  forecast::Bounds all{.non_negative = true, .integer = true};
  for (std::size_t s = 0; s < in.series().size(); ++s) {
    const auto& x = in.series()[s].values;
    const auto own = forecast::propose_bounds(
        std::span(x).first(std::min(x.size(), static_cast<std::size_t>(cut[s]))));
    all.non_negative = all.non_negative && own.non_negative;
    all.integer = all.integer && own.integer;
    all.cap = s == 0 || all.cap == own.cap ? own.cap : std::numeric_limits<double>::infinity();
  }
  const auto decide = [&](std::string& option, bool found, const char* what, const char* why,
                          const char* name) {
    if (!option.empty()) return;
    option = found ? "yes" : "no";
    if (found) say(what, why, name);
  };
  decide(o.non_negative, all.non_negative, "no forecast below 0", "as no value is",
         "--non-negative");
  decide(o.integer, all.integer, "forecasts are whole numbers", "as all values are", "--integer");
  if (o.cap == 0 && std::isfinite(all.cap)) {
    o.cap = all.cap;
    say(text("no forecast above %g", all.cap), "as many values are that and none is more", "--cap");
  }
}

}  // namespace

void choose(Input& in, Options& o) {
  const Say say = [&](const std::string& what, const std::string& why, const char* option) {
    in.read.guesses.push_back({what, why, option});
  };
  choose_seasons(in, o, say);
  choose_horizon(in, o, say);
  const forecast::TrimmedPanel known(in.series());
  const auto windows = forecast::Windows::of(known, o.horizon, o.windows);
  o.windows = windows.each;
  const Index H = o.horizon, judged = std::ssize(windows.backtest);
  Index learned = 0, validated = 0;
  std::vector<Index> cut;
  for (Index s = 0; s < known.size(); ++s) {
    const Index before = windows.cut[static_cast<std::size_t>(s)];
    const Index held = std::min(windows.each * H, before / 2);
    learned += before - held;
    validated += held;
    cut.push_back(known.there({s, before}).at);
  }
  say(text("train %td, validate %td, backtest %s of %s", learned, validated,
           counted(judged, "window").c_str(), span(in.step(), H).c_str()),
      judged > 0 ? "a fifth of the series judges" : "too few values to judge by", "--windows");
  if (o.context == 0) {
    const Index longest =
        o.season.empty() ? 2 * H : *std::max_element(o.season.begin(), o.season.end());
    o.context = std::clamp<Index>(longest, H, 4 * H);
  }
  choose_bounds(in, o, cut, say);
  if (o.outliers == "keep") return;
  for (const forecast::Series& s : in.series())
    for (const forecast::Outlier& bad : forecast::find_outliers(s.values))
      say(text("%g at %s is taken for missing", bad.value, s.time.text(bad.cell).c_str()),
          "far from all others", "--outliers keep");
}

Plan make_plan(const Options& o, const forecast::Columns& columns,
               const forecast::Calendar& calendar) {
  return {.method = o.method,
          .horizon = o.horizon,
          .windows = o.windows,
          .context = o.context,
          .steps = o.steps,
          .samples = o.samples,
          .seasons = o.season,
          .bounds = {.non_negative = o.non_negative == "yes",
                     .integer = o.integer == "yes",
                     .cap = o.cap == 0 ? std::numeric_limits<double>::infinity() : o.cap},
          .mask_outliers = o.outliers != "keep",
          .seed = o.seed,
          .columns = columns,
          .calendar = calendar};
}

}  // namespace tool
