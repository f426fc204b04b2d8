#include "foglift/forecast/series/events.hpp"
#include "input.hpp"

namespace tool {

std::vector<std::string> add_holidays(Input& in, const Options& o, Index ahead,
                                      const std::vector<std::string>& columns) {
  if (o.holidays.empty()) {
    if (!o.region.empty()) throw command_line::Wrong("--region is one of --holidays; give both");
    return {};
  }
  const std::string text = foglift::read_file(o.holidays, std::uint64_t{1} << 30);
  forecast::Events events = forecast::parse_events(text, o.region, o.holidays);
  if (!columns.empty()) events.take_columns(columns);
  for (forecast::Series& s : in.read.series) events.add_to(s, ahead);
  std::string names;
  for (const std::string& name : events.columns()) {
    names += (names.empty() ? "" : ", ") + name;
    in.read.covariates.push_back(name);
  }
  in.read.guesses.push_back({"days known ahead: " + names,
                             o.region.empty() ? "" : "of region " + o.region, "--holidays"});
  return events.columns();
}

}  // namespace tool
