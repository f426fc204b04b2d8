#include "imputing.hpp"

#include "foglift/forecast/bounds.hpp"
#include "foglift/forecast/impute/imputer.hpp"
#include "foglift/train/interrupt.hpp"
#include "support/progress.hpp"
#include "support/text.hpp"

namespace tool {

namespace {

/// Two seasons, or three of the longest gap, within what trains in a minute.
Index window_of(const ImputeRequest& r) {
  Index longest = 1, cells = 4;
  for (const forecast::Series& s : r.whole) {
    for (const forecast::Gap& gap : forecast::find_gaps(s.values))
      longest = std::max(longest, gap.length);
    cells = std::max(cells, s.size());
  }
  return std::min(cells, std::clamp<Index>(std::max(2 * r.season, 3 * longest), 32, 96));
}

Drawn draw(const forecast::Imputer& imputer, const std::vector<forecast::Series>& series,
           const Options& o, const char* task) {
  Progress bar(task, o.quiet);
  Drawn out;
  const Index n = std::ssize(series), each = 100;
  for (Index s = 0; s < n; ++s) {
    const auto show = [&](Index done, Index all) {
      bar.update(s * each + each * done / all, n * each,
                 n == 1 ? "" : "series " + std::to_string(s + 1) + " of " + std::to_string(n));
    };
    out.push_back(imputer.paths(series, s, o.samples, show));
    forecast::propose_bounds(series[static_cast<std::size_t>(s)].values).apply(out.back());
  }
  return out;
}

}  // namespace

Imputed impute_by_model(const ImputeRequest& r) {
  const forecast::Series& first = r.whole.front();
  forecast::Imputer imputer({.window = window_of(r),
                             .season = r.season,
                             .calendar = forecast::Calendar::of(first.time.frequency, first.size()),
                             .columns = forecast::Columns::of(first),
                             .steps = r.o.steps,
                             .seed = r.o.seed});
  {
    const foglift::train::Interrupt interrupt;
    Progress bar("training", r.o.quiet);
    const auto show = [&](const foglift::train::FitProgress& p) {
      bar.update(p.step, p.steps, text("loss %.4f", p.smoothed_loss));
    };
    if (imputer.fit(r.hidden, show, interrupt) == foglift::train::FitEnd::stopped)
      return {.signal = interrupt.signal()};
  }
  Imputed out;
  out.hidden = draw(imputer, r.hidden, r.o, "judging");
  out.whole = draw(imputer, r.whole, r.o, "filling");
  return out;
}

}  // namespace tool
