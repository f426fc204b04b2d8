#include "sums.hpp"

#include "console.hpp"
#include "foglift/forecast/totals.hpp"
#include "tables.hpp"

#include <cstdio>

namespace tool {

namespace {

/// Rows of several sums below each other.
Tensor<double> stacked(const std::vector<Tensor<double>>& parts) {
  Index rows = 0;
  for (const Tensor<double>& part : parts) rows += part.dim(0);
  if (rows == 0) return {};
  Tensor<double> out(parts.front().shape().with(0, rows));
  double* to = out.data();
  for (const Tensor<double>& part : parts) to = std::copy(part.begin(), part.end(), to);
  return out;
}

}  // namespace

Sums sums_of(const Input& in, const Backtest* past, const Future* future, Index season) {
  constexpr std::size_t most = 20;
  Sums out;
  std::vector<Tensor<double>> ahead, before;
  std::vector<forecast::Total> totals = forecast::totals_of(in.series());
  if (totals.size() > most) {
    out.notes.push_back("of " + std::to_string(totals.size() - 1) +
                        " groups the sum over all alone is told");
    totals.erase(totals.begin(), totals.end() - 1);
  }
  for (const forecast::Total& total : totals) {
    const auto index = static_cast<Index>(out.series.size());
    forecast::Series sum;
    try {
      sum = forecast::sum_of(in.series(), total);
    } catch (const foglift::ArgumentError&) {
      out.notes.push_back("no sum of " + total.name + ": its series have no time in common");
      continue;
    }
    forecast::SummedPaths next, judged;
    if (future) next = sum_paths(in.series(), total, sum, future->origins, future->paths);
    if (past && !past->origins.empty())
      judged = sum_paths(in.series(), total, sum, past->origins, past->paths);
    if (next.origins.empty() && judged.origins.empty()) {
      out.notes.push_back("no sum of " + total.name + ": its series end at different times");
      continue;
    }
    out.past.of_series.emplace_back();
    if (!judged.origins.empty())
      out.past.of_series.back().push_back(
          forecast::score(total.name, judged.paths, std::vector{sum}, judged.origins, season));
    for (const forecast::Origin& o : next.origins) out.future.origins.push_back({index, o.at});
    for (const forecast::Origin& o : judged.origins) out.past.origins.push_back({index, o.at});
    if (!next.origins.empty()) ahead.push_back(std::move(next.paths));
    if (!judged.origins.empty()) before.push_back(std::move(judged.paths));
    out.series.push_back(std::move(sum));
    out.members.push_back(std::ssize(total.members));
  }
  if (!ahead.empty()) out.future.paths = stacked(ahead);
  if (!before.empty()) {
    out.past.paths = stacked(before);
    out.past.actual = forecast::actual_values(out.series, out.past.origins, out.past.paths.dim(2));
  }
  return out;
}

void print(const Sums& sums) {
  std::vector<forecast::Score> rows;
  for (const auto& scores : sums.past.of_series)
    rows.insert(rows.end(), scores.begin(), scores.end());
  if (!rows.empty()) {
    print_table(rows, "sums of series");
    std::printf("\n");
  }
  for (const std::string& note : sums.notes) std::printf("  - %s\n", note.c_str());
}

Json json(const Sums& sums) {
  Json out = Json::array();
  for (std::size_t k = 0; k < sums.series.size(); ++k)
    out.push_back({{"name", sums.series[k].name},
                   {"series", sums.members[k]},
                   {"scores", json(sums.past.of_series[k])}});
  return out;
}

}  // namespace tool
