#include "html_components.hpp"

#include "foglift/forecast/baselines/mstl.hpp"
#include "html_chart.hpp"
#include "words.hpp"

#include <algorithm>

namespace tool::html {

namespace {

struct Parts {
  Index first = 0;  ///< cell of the first value
  std::vector<double> values;
  std::vector<std::pair<std::string, std::vector<double>>> parts;
};

/// MSTL of the last dozen of the longest season, or 600 values, whichever is more; without a season
/// the trend is a line by loess.
Parts split(const forecast::Series& s, const std::vector<Index>& seasons) {
  const Index longest = seasons.empty() ? 1 : *std::max_element(seasons.begin(), seasons.end());
  const auto recent = forecast::detail::recent_values(s.values, std::max<Index>(600, 12 * longest));
  const forecast::Filled filled = forecast::filled(recent, longest, 6, "components");
  Parts out;
  out.values = filled.values;
  const Index n = std::ssize(out.values);
  out.first = s.size() - filled.after - n;
  const std::vector<Index> periods = forecast::detail::shown_twice(seasons, n);
  std::vector<double> rest = out.values;
  const auto take = [&](const std::string& name, const std::vector<double>& part) {
    for (std::size_t t = 0; t < rest.size(); ++t) rest[t] -= part[t];
    out.parts.emplace_back(name, part);
  };
  if (periods.empty()) {
    const Index length = std::max<Index>(3, n / 4) | 1;
    take("trend", forecast::detail::Loess(out.values, length).smooth(std::max<Index>(1, n / 200)));
  } else {
    const auto parts = forecast::mstl(out.values, periods, {.seasonal = 21, .sparse = true});
    take("trend", parts.trend);
    for (std::size_t k = 0; k < periods.size(); ++k)
      take("season of " + span(s.time.frequency, periods[k]), parts.seasons[k]);
  }
  out.parts.emplace_back("remainder", rest);
  return out;
}

}  // namespace

std::string components(const forecast::Series& s, const std::vector<Index>& seasons) {
  Parts all;
  try {
    all = split(s, seasons);
  } catch (const foglift::Error&) {  // too few values
    return {};
  }
  std::string out = strip(s.time, all.first, all.values, "values", false);
  for (const auto& [name, part] : all.parts)
    out += strip(s.time, all.first, part, name, name == "remainder");
  return out +
         "<p class=\"dim\">By MSTL, on the same axis of time, each with a scale of its own.</p>\n";
}

}  // namespace tool::html
