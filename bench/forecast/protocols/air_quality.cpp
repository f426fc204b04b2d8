#include "air_quality.hpp"

#include "protocol.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>

using namespace foglift;
using namespace foglift::forecast;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// An hour of all stations, "2014/05/01 01:00:00,138,,...": NaN where a cell is empty.
struct Hour {
  int month = 0;
  std::vector<double> values = {};
};

std::vector<Hour> hours(const std::string& path) {
  std::ifstream in(path);
  if (!in) raise<FormatError>(path, ": can not be opened");
  std::vector<Hour> out;
  std::string line;
  std::getline(in, line);  // names
  while (std::getline(in, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    std::size_t at = line.find(',');
    if (at == line.npos || at < 7) raise<FormatError>(path, ": '", line, "', needed a date first");
    Hour hour{.month = std::stoi(line.substr(5, 2))};
    while (at < line.size()) {
      const std::size_t end = std::min(line.find(',', at + 1), line.size());
      double v = missing;
      std::from_chars(line.data() + at + 1, line.data() + end, v);
      hour.values.push_back(v);
      at = end;
    }
    out.push_back(std::move(hour));
  }
  return out;
}

/// Hours [first, end) as a series in units of the stations.
Series series(const AirQuality& a, const std::vector<Hour>& hours, Index first, Index end) {
  Series out{.name = "from hour " + std::to_string(first),
             .time = {0, {.seconds = 3600}},
             .channels = a.stations()};
  for (Index t = first; t < end; ++t)
    for (Index k = 0; k < a.stations(); ++k)
      out.values.push_back(
          (hours[static_cast<std::size_t>(t)].values[static_cast<std::size_t>(k)] - a.mean[k]) /
          a.deviation[k]);
  return out;
}

/// The columns as tensors.
Tensor<double> column(const std::vector<std::vector<double>>& lines, std::size_t i) {
  Tensor<double> out({std::ssize(lines)});
  for (Index k = 0; k < out.size(); ++k) out[k] = lines[static_cast<std::size_t>(k)].at(i);
  return out;
}

/// [hours, stations] straight lines between known values, level before the first and behind the
/// last.
Tensor<double> straight(const std::vector<Hour>& hours, Index stations) {
  Tensor<double> out({std::ssize(hours), stations});
  for (Index k = 0; k < stations; ++k) {
    std::vector<double> x;
    for (const Hour& h : hours) x.push_back(h.values[static_cast<std::size_t>(k)]);
    x = straight_lines(x);
    double last = missing;
    for (const double v : x)
      if (std::isnan(last)) last = v;  // the first known one
    for (Index t = 0; t < std::ssize(x); ++t) {
      const double v = x[static_cast<std::size_t>(t)];
      last = std::isnan(v) ? last : v;
      out(t, k) = last;
    }
  }
  return out;
}

}  // namespace

AirQuality air_quality(const std::string& folder) {
  const std::string data = folder + "/pm25_aqi36/pm25_";
  const std::vector<Hour> ground = hours(data + "ground.txt"), known = hours(data + "missing.txt");
  AirQuality out;
  const auto numbers = number_lines(data + "meanstd.csv"),
             places = number_lines(data + "latlng.txt");
  out.mean = column(numbers, 1), out.deviation = column(numbers, 2);
  out.latitude = column(places, 1), out.longitude = column(places, 2);
  const Index stations = out.stations();
  const auto fits = [&](const std::vector<Hour>& h) {
    return h.size() == ground.size() && std::all_of(h.begin(), h.end(), [&](const Hour& hour) {
             return std::ssize(hour.values) == stations;
           });
  };
  if (!fits(ground) || !fits(known) || std::ssize(places) != stations)
    raise<FormatError>(data, "*: ", ground.size(), " and ", known.size(), " hours, ", stations,
                       " stations, ", places.size(), " places; all must be of the same");
  const Tensor<double> lines = straight(known, stations);
  for (Index first = 0, end; first < std::ssize(known); first = end) {
    const int month = known[static_cast<std::size_t>(first)].month;
    end = first;
    while (end < std::ssize(known) && known[static_cast<std::size_t>(end)].month == month) ++end;
    if (month % 3 == 0) {
      out.test.push_back(series(out, known, first, end));
      Tensor<double> hidden({end - first, stations}, missing), line({end - first, stations});
      for (Index t = first; t < end; ++t)
        for (Index k = 0; k < stations; ++k) {
          const auto value = [&](const std::vector<Hour>& h) {
            return h[static_cast<std::size_t>(t)].values[static_cast<std::size_t>(k)];
          };
          if (std::isnan(value(known))) hidden(t - first, k) = value(ground);
          line(t - first, k) = lines(t, k);
        }
      out.hidden.push_back(std::move(hidden));
      out.lines.push_back(std::move(line));
      continue;
    }
    const bool second = month % 3 == 2;
    const Index last = second ? end - (end - first) / 10 : end;
    out.train.push_back(series(out, known, first, last));
    if (!second) continue;
    out.patterns.push_back(out.train.back());
    out.held_out.push_back(series(out, known, last, end));
  }
  return out;
}
