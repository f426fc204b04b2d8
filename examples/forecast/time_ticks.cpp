#include "time_ticks.hpp"

namespace tool {

int roundness(const foglift::forecast::TimeAxis& axis, foglift::Index cell) {
  const auto stamp = axis.stamp(cell);
  const auto t = foglift::data::civil_from_seconds(stamp.seconds);
  if (axis.frequency.months > 0)
    return t.month > 1 ? (t.month % 3 == 1 ? 7 : 6) : t.year % 5 == 0 ? 9 : 8;
  if (!axis.closed_before(cell)) {
    if (stamp.nanoseconds != 0) return 0;
    if (t.second != 0) return 1;
    if (t.minute != 0) return t.minute % 15 == 0 ? 3 : t.minute % 5 == 0 ? 2 : 1;
    if (t.hour != 0) return t.hour % 6 == 0 ? 5 : 4;
  }
  if (t.day == 1) return t.month == 1 ? 9 : 8;
  return foglift::data::weekday(stamp.seconds) == 0 ? 7 : 6;
}

std::string tick_label(const foglift::forecast::TimeAxis& axis, foglift::Index cell) {
  constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto stamp = axis.stamp(cell);
  const auto t = foglift::data::civil_from_seconds(stamp.seconds);
  const char* month = months[t.month - 1];
  if (axis.frequency.months % 12 == 0 && axis.frequency.months > 0) return text("%d", t.year);
  if (axis.frequency.months > 0 && axis.frequency.days.size() == 1)
    return text("%s %d", month, t.year);
  if (axis.closed_before(cell) ||
      (t.hour == 0 && t.minute == 0 && t.second == 0 && stamp.nanoseconds == 0))
    return t.day == 1 && t.month == 1 ? text("%d Jan %d", t.day, t.year)
                                      : text("%d %s", t.day, month);
  if (axis.frequency.months > 0 || axis.frequency.seconds >= foglift::forecast::day_seconds)
    return text("%d %s", t.day, month);
  if (stamp.nanoseconds != 0)
    return text("%02d:%02d:%02d.%d", t.hour, t.minute, t.second, stamp.nanoseconds / 100'000'000);
  return t.second != 0 ? text("%02d:%02d:%02d", t.hour, t.minute, t.second)
                       : text("%02d:%02d", t.hour, t.minute);
}

std::vector<foglift::Index> time_ticks(const foglift::forecast::TimeAxis& axis,
                                       foglift::Index first, foglift::Index last,
                                       double characters) {
  using foglift::Index;
  const double each =
      static_cast<double>(std::max<foglift::forecast::Time>(1, last - first)) / characters;
  const auto width = [&](Index i) {
    return (static_cast<double>(tick_label(axis, i).size()) + 2) * each;
  };
  std::vector<int> round;
  for (Index i = first; i <= last; ++i) round.push_back(roundness(axis, i));
  std::vector<Index> at;
  for (int k = 9; k >= 0; --k)
    for (Index i = first; i <= last; ++i) {
      if (round[static_cast<std::size_t>(i - first)] != k) continue;
      const double x = static_cast<double>(i), half = width(i) / 2;
      if (x - half < static_cast<double>(first) || x + half > static_cast<double>(last)) continue;
      if (std::all_of(at.begin(), at.end(), [&](Index j) {
            return std::abs(x - static_cast<double>(j)) >= half + width(j) / 2;
          }))
        at.push_back(i);
    }
  return at;
}

}  // namespace tool
