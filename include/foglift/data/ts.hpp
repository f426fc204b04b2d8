#pragma once

#include "foglift/core/file.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/data/tagged_text.hpp"

#include <algorithm>
#include <map>
#include <span>

namespace foglift::inline v0::data {

/// Series that a class or a number belongs to: a data set of the UCR and UEA archives.
struct LabelledSeries {
  std::string name = {};
  std::vector<std::string> classes = {};    ///< names; empty where numbers are to be told
  std::vector<Tensor<double>> series = {};  ///< [length, channels] each; NaN where one is missing
  std::vector<Index> labels = {};           ///< indices of classes
  std::vector<double> targets = {};         ///< numbers, of files for regression
};

/// Series of one length as a tensor [n, length, channels]. Throws ShapeError if they are of
/// several.
template <Scalar T = float>
Tensor<T> stacked(std::span<const Tensor<double>> series) {
  if (series.empty()) raise<ShapeError>("stacked: no series");
  const Shape& one = series[0].shape();
  Tensor<T> out({std::ssize(series), one[0], one[1]});
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (series[i].shape() != one)
      raise<ShapeError>("stacked: series ", i, " is ", series[i].shape(), ", the first is ", one);
    std::transform(series[i].begin(), series[i].end(),
                   out.data() + static_cast<Index>(i) * out.row_size(),
                   [](double v) { return static_cast<T>(v); });
  }
  return out;
}

/// Reads the text of a .ts file, as sktime and aeon have it: one series a line, channels parted by
/// ':', values by ',', and the class or number behind the last ':'. Throws FormatError, with the
/// line and what was needed, for time stamps (not supported), channels of several lengths, a class
/// that @classLabel does not name, or what can not be read.
inline LabelledSeries parse_ts(std::string_view text, const std::string& source = "ts") {
  LabelledSeries out;
  detail::TaggedText lines(text, source);
  bool labelled = false, numbered = false;
  lines.tags([&](const std::string& tag, std::string_view words) {
    const auto list = detail::words_of(words);
    const auto first = [&] { return list.empty() ? std::string_view() : list.front(); };
    if (tag == "problemname") out.name = words;
    if (tag == "timestamps" && lines.truth(tag, first()))
      lines.refuse("@timeStamps true: values with time stamps are not supported");
    if (tag == "targetlabel") numbered = lines.truth(tag, first());
    if (tag != "classlabel" || !lines.truth(tag, first())) return;
    labelled = true;
    out.classes.assign(list.begin() + 1, list.end());
    if (out.classes.empty()) lines.refuse("@classLabel true, and no names of classes");
  });
  for (std::string_view line; lines.next(line);) {
    std::vector<std::vector<double>> channels;
    const std::size_t last = labelled || numbered ? line.rfind(':') : line.size();
    if (last == line.npos) lines.refuse("no ':' between the values and their class or number");
    for (std::size_t from = 0; from <= last;) {
      const std::size_t end = std::min(line.find(':', from), last);
      channels.push_back(lines.numbers(trimmed(line.substr(from, end - from)), ','));
      if (channels.back().size() != channels.front().size())
        lines.refuse("channel ", channels.size(), " has ", channels.back().size(),
                     " values, the first one ", channels.front().size());
      from = end + 1;
    }
    if (!out.series.empty() && std::ssize(channels) != out.series.front().dim(1))
      lines.refuse(channels.size(), " channels, the first series has ", out.series.front().dim(1));
    Tensor<double> series({std::ssize(channels.front()), std::ssize(channels)});
    for (Index t = 0; t < series.dim(0); ++t)
      for (Index c = 0; c < series.dim(1); ++c)
        series(t, c) = channels[static_cast<std::size_t>(c)][static_cast<std::size_t>(t)];
    out.series.push_back(std::move(series));
    if (!labelled && !numbered) continue;
    const std::string_view label = trimmed(line.substr(last + 1));
    if (numbered) {
      out.targets.push_back(lines.number(label));
      continue;
    }
    const auto found = std::find(out.classes.begin(), out.classes.end(), label);
    if (found == out.classes.end())
      lines.refuse("class ", lines.quoted(label), " is not among those of @classLabel");
    out.labels.push_back(found - out.classes.begin());
  }
  if (out.series.empty()) raise<FormatError>(source, ": no series behind @data");
  return out;
}

/// Reads the text of a .tsv file of the UCR archive of 2018: a series a line, parted by tabs, its
/// class first. Series that are shorter than others end in NaN, which is cut off; NaN before that
/// is a missing value. Classes are numbered in the order of their numbers, or letters.
inline LabelledSeries parse_ucr(std::string_view text, const std::string& source = "tsv") {
  LabelledSeries out;
  detail::TaggedText lines(text, source);
  std::vector<std::string> labels;
  for (std::string_view line; lines.next(line);) {
    const std::size_t tab = line.find('\t');
    if (tab == line.npos) lines.refuse("no tab between a class and its values");
    labels.emplace_back(trimmed(line.substr(0, tab)));
    std::vector<double> values = lines.numbers(line.substr(tab + 1), '\t');
    while (!values.empty() && std::isnan(values.back())) values.pop_back();
    if (values.empty()) lines.refuse("a series without a value");
    const Index length = std::ssize(values);
    out.series.push_back(Tensor<double>({length, 1}, std::move(values)));
  }
  if (out.series.empty()) raise<FormatError>(source, ": no series");
  const auto number = [](const std::string& label) {
    const NumberCell cell = parse_number(label);
    return cell.ok ? cell.value : std::numeric_limits<double>::infinity();
  };
  out.classes = labels;
  std::sort(out.classes.begin(), out.classes.end(), [&](const auto& a, const auto& b) {
    return std::pair(number(a), a) < std::pair(number(b), b);
  });
  out.classes.erase(std::unique(out.classes.begin(), out.classes.end()), out.classes.end());
  std::map<std::string, Index> places;
  for (std::size_t i = 0; i < out.classes.size(); ++i)
    places[out.classes[i]] = static_cast<Index>(i);
  for (const std::string& label : labels) out.labels.push_back(places.at(label));
  return out;
}

/// parse_ts and parse_ucr of a file.
inline LabelledSeries read_ts(const std::string& path) {
  return parse_ts(read_file(path, std::uint64_t{1} << 40), path);
}
inline LabelledSeries read_ucr(const std::string& path) {
  return parse_ucr(read_file(path, std::uint64_t{1} << 40), path);
}

}  // namespace foglift::inline v0::data
