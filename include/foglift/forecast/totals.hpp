#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/forecast/series/panel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace foglift::inline v0::forecast {

/// Series of a panel that are added up.
struct Total {
  std::string name;
  std::vector<Index> members;
};

/// The sums of series that their names call for: of each group, what stands before the last '/' of
/// a name ("north/7" and "north / 8" are of "north"), with two members or more where there are two
/// groups, and of all, "all series", last. None of a single series.
inline std::vector<Total> totals_of(std::span<const Series> series) {
  std::vector<Total> out;
  std::map<std::string_view, std::size_t> place;
  Total all{"all series", {}};
  for (std::size_t s = 0; s < series.size(); ++s) {
    all.members.push_back(static_cast<Index>(s));
    const std::string_view name = series[s].name;
    const std::size_t slash = name.rfind('/');
    if (slash == name.npos) continue;
    std::string_view group = name.substr(0, slash);
    while (group.ends_with(' ')) group.remove_suffix(1);
    const auto [at, fresh] = place.emplace(group, out.size());
    if (fresh) out.push_back({std::string(group), {}});
    out[at->second].members.push_back(static_cast<Index>(s));
  }
  if (out.size() < 2) out.clear();
  std::erase_if(out, [](const Total& t) { return t.members.size() < 2; });
  if (series.size() > 1) out.push_back(std::move(all));
  return out;
}

/// The sum of members of a panel, in the cells that all have; NaN where one is missing. Throws
/// ArgumentError if they have no cell in common, or other steps.
inline Series sum_of(const Panel& panel, const Total& total) {
  if (total.members.empty()) raise<ArgumentError>("sum_of: no members");
  const Series& first = panel[total.members.front()];
  Index begin = 0, end = first.size();
  std::vector<Index> offsets;  // of a member's cells in those of the first
  for (const Index m : total.members) {
    const Series& s = panel[m];
    if (!(s.time.frequency == first.time.frequency) || s.channels != 1)
      raise<ArgumentError>("sum_of: \"", s.name, "\" has other steps or channels than \"",
                           first.name, '"');
    offsets.push_back(first.time.cell(s.time.stamp(0)));
    begin = std::max(begin, offsets.back());
    end = std::min(end, offsets.back() + s.size());
  }
  if (begin >= end)
    raise<ArgumentError>("sum_of: the series of \"", total.name, "\" have no time in common");
  Series out{.name = total.name, .time = first.time};
  const data::Stamp start = first.time.stamp(begin);
  out.time.start = first.time.clock.steps_in_utc ? start.utc() : start.seconds;
  out.time.nanoseconds = start.nanoseconds;
  for (Index t = begin; t < end; ++t) {
    double sum = 0;
    for (std::size_t k = 0; k < offsets.size(); ++k)
      sum += panel[total.members[k]].value(t - offsets[k]);
    out.values.push_back(sum);
  }
  return out;
}

/// Sample paths of a sum at the moments at which all members have an origin.
struct SummedPaths {
  std::vector<Origin> origins;  ///< of series 0: the sum
  Tensor<double> paths;         ///< [moments, paths, horizon]
};

/// Adds path p of every member, paths [origins, paths, horizon] of a panel, to path p of their sum,
/// a series of sum_of(): so the forecasts of members and sum agree path by path. Series that were
/// drawn independently have independent errors in it.
inline SummedPaths sum_paths(const Panel& panel, const Total& total, const Series& sum,
                             std::span<const Origin> origins, const Tensor<double>& paths) {
  if (paths.rank() != 3 || paths.dim(0) != std::ssize(origins))
    raise<ShapeError>("sum_paths: ", origins.size(), " origins and paths ", paths.shape());
  std::map<Index, std::vector<Index>> rows;  // of a moment, one of each member
  for (std::size_t w = 0; w < origins.size(); ++w)
    if (std::find(total.members.begin(), total.members.end(), origins[w].series) !=
        total.members.end()) {
      const data::Stamp at = panel[origins[w].series].time.stamp(origins[w].at);
      rows[sum.time.cell(at)].push_back(static_cast<Index>(w));
    }
  std::erase_if(rows, [&](const auto& moment) {
    return moment.second.size() != total.members.size() || moment.first < 0 ||
           moment.first > sum.size();
  });
  SummedPaths out{{}, Tensor<double>({std::ssize(rows), paths.dim(1), paths.dim(2)})};
  double* to = out.paths.data();
  for (const auto& [cell, members] : rows) {
    out.origins.push_back({0, cell});
    for (const Index w : members) {
      const double* from = paths.data() + w * paths.row_size();
      for (Index i = 0; i < paths.row_size(); ++i) to[i] += from[i];
    }
    to += paths.row_size();
  }
  return out;
}

}  // namespace foglift::inline v0::forecast
