#pragma once

#include "foglift/data/csv_cell.hpp"
#include "foglift/data/csv_delimiter.hpp"
#include "foglift/data/csv_tokens.hpp"
#include "foglift/data/date_form.hpp"
#include "foglift/data/number_form.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace foglift::inline v0::data {

/// Lines of a file that are no rows of its table, and what they are.
struct SkippedLines {
  std::size_t first = 1, last = 1;
  std::string what;
};

/// Where the table of a file stands, and what its columns are called.
struct CsvLayout {
  char delimiter = ',';
  std::vector<std::string> names;     ///< "column 3" where there is none
  std::size_t header = 0;             ///< line of the names; 0: there are none
  std::size_t begin = 0;              ///< offset of the first row
  bool comments = true;               ///< lines that begin with '#' or '//' are none of the table
  std::vector<SkippedLines> skipped;  ///< above the first row, but for comments
};

namespace detail {
/// Whether a trimmed cell is a number or a date, and so no name.
inline bool is_valued(std::string_view cell) {
  if (cell.find_first_of("0123456789") == cell.npos) return false;
  const std::array<std::string_view, 1> one{cell};
  return parse_number(cell).resembles || find_number_form(one) ||
         std::any_of(date_formats().begin(), date_formats().end(),
                     [&](const StampCells& form) { return form(cell).has_value(); });
}

/// Whether a cell is empty, or a line is drawn in it.
inline bool is_rule(std::string_view cell) {
  return cell.empty() || (cell.size() > 2 && cell.find_first_not_of("-=+:_") == cell.npos);
}

/// Finds the layout of text from its first records.
class LayoutFinder {
 public:
  LayoutFinder(std::string_view text, std::string_view source, char delimiter, std::size_t skip)
      : text_(text), source_(source) {
    for (std::size_t line = 0; line < skip; ++line) {
      const std::size_t end = text_.find('\n', begin_);
      if (end == text_.npos)
        raise<FormatError>(source_, ": ", line + 1, " lines, ", skip, " to be skipped");
      begin_ = end + 1;
    }
    if (skip > 0) found_.skipped.push_back({1, skip, "as asked"});
    found_.delimiter = delimiter;
    named_delimiter();
    if (found_.delimiter == '\0') found_.delimiter = sniff_delimiter(text_.substr(begin_));
  }

  CsvLayout find() {
    read_sample();
    if (records_.empty()) raise<FormatError>(source_, ": the file is empty");
    choose_width();
    choose_header();
    return found_;
  }

 private:
  struct Record {
    std::size_t line, offset;
    std::vector<std::string> cells;  // trimmed
  };

  /// "sep=;" in the first line, for spreadsheets.
  void named_delimiter() {
    std::string_view line = text_.substr(begin_, text_.find_first_of("\r\n", begin_) - begin_);
    if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    if (line.size() != 5 || !line.starts_with("sep=")) return;
    if (found_.delimiter == '\0') found_.delimiter = line.back();
    begin_ = std::min(text_.find('\n', begin_), text_.size() - 1) + 1;
    found_.skipped.push_back({1, 1, "the separator's name"});
  }

  void read_sample() {
    constexpr std::size_t most = 200;
    std::vector<CsvField> fields;
    std::vector<std::size_t> comments;
    for (const bool skip : {true, false}) {
      CsvTokens tokens(text_, found_.delimiter, source_);
      if (begin_ > 0) tokens.skip_to(begin_);
      if (skip) tokens.skip_comments(comments);
      found_.comments = skip;
      records_.clear();
      while (records_.size() < most && tokens.next(fields)) {
        Record record{tokens.line(), tokens.offset(), {}};
        for (const CsvField& field : fields) record.cells.emplace_back(trimmed(field.text));
        records_.push_back(std::move(record));
      }
      if (comments.size() <= records_.size() || records_.size() >= most / 2)
        break;  // else no comments
    }
    comments_ = std::move(comments);
    if (!comments_.empty()) comment_above(comments_);
  }

  /// The comment in the line above the first record, which names the columns in files of loggers.
  void comment_above(const std::vector<std::size_t>& comments) {
    if (records_.empty() || !found_.comments) return;
    const std::size_t end = records_[0].offset;
    if (std::find(comments.begin(), comments.end(), records_[0].line - 1) == comments.end()) return;
    std::size_t first = end - 1;
    while (first > 0 && text_[first - 1] != '\n') --first;
    const std::string_view line = text_.substr(first, end - first);
    const std::size_t name = std::min(line.find_first_not_of("#/; \t"), line.size());
    CsvTokens tokens(line.substr(name), found_.delimiter, source_);
    std::vector<CsvField> fields;
    if (!tokens.next(fields)) return;
    comment_ = {records_[0].line - 1, first, {}};
    for (const CsvField& field : fields) comment_.cells.emplace_back(trimmed(field.text));
  }

  /// The number of cells of most records with at least two; of the later ones if several are equal.
  void choose_width() {
    std::map<std::size_t, std::size_t> counts;
    std::size_t most = 0;
    for (const Record& r : records_) {
      if (r.cells.size() < 2 && counts.empty()) width_ = 1;
      if (r.cells.size() < 2) continue;
      const std::size_t n = ++counts[r.cells.size()];
      if (n >= most) most = n, width_ = r.cells.size();
    }
  }

  bool wide(const Record& r) const { return r.cells.size() == width_; }

  /// Columns that hold numbers or dates in the later half of the sample.
  std::vector<bool> valued_columns() const {
    constexpr std::size_t most = 24;
    std::vector<std::size_t> present(width_), valued(width_);
    std::size_t looked = 0;
    for (std::size_t i = records_.size(); i-- > records_.size() / 2 && looked < most;) {
      if (!wide(records_[i])) continue;
      ++looked;
      for (std::size_t c = 0; c < width_; ++c) {
        if (is_missing(records_[i].cells[c])) continue;
        ++present[c];
        valued[c] += is_valued(records_[i].cells[c]);
      }
    }
    std::vector<bool> out(width_);
    for (std::size_t c = 0; c < width_; ++c) out[c] = 2 * valued[c] > present[c];
    return out;
  }

  /// Whether words stand where later records have numbers and dates. Names may be numbers that
  /// count: hours, days, years.
  static bool names_columns(const std::vector<std::string>& cells,
                            const std::vector<bool>& valued) {
    std::size_t words = 0, beside = 0, dates = 0;
    std::vector<double> values;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (is_missing(cells[c])) continue;
      if (!valued[c] || !is_valued(cells[c])) {
        ++(valued[c] ? words : beside);
        continue;
      }
      const std::array<std::string_view, 1> one{cells[c]};
      const NumberCell number = parse_number(cells[c]);
      dates += !number.ok;
      const auto forms = number.ok ? std::vector<DateForm>() : date_forms(one);
      const auto times =
          forms.empty() ? std::vector<std::int64_t>() : stamps_of(one, StampCells(forms[0].format));
      values.push_back(times.empty() ? number.value : static_cast<double>(times[0]));
    }
    if (words > 0 && words >= values.size()) return true;
    if (values.size() < 4 || words + beside == 0) return false;
    bool up = true, even = true;
    for (std::size_t i = 1; i < values.size(); ++i) {
      up = up && values[i] > values[i - 1];
      even = even && values[i] - values[i - 1] == values[1] - values[0];
    }
    return up && (even || dates == values.size());
  }

  static std::size_t distinct(const std::vector<std::string>& cells) {
    std::set<std::string_view> seen;
    for (const std::string& cell : cells)
      if (!is_rule(cell)) seen.insert(cell);
    return seen.size();
  }

  void choose_header() {
    const std::vector<bool> valued = valued_columns();
    const bool values = std::find(valued.begin(), valued.end(), true) != valued.end();
    std::size_t first = 0;  // row
    const Record* header = nullptr;
    if (!values) {  // words alone: the first record of that width
      while (!wide(records_[first])) ++first;
      header = &records_[first++];
    }
    for (; values && first < records_.size(); ++first) {
      const Record& r = records_[first];
      if (!wide(r) || distinct(r.cells) == 0) continue;
      if (!names_columns(r.cells, valued)) break;
      if (!header || distinct(r.cells) > distinct(header->cells)) header = &r;
    }
    if (first == records_.size()) raise<FormatError>(source_, ": a header and no rows");
    std::vector<std::string> names = header ? header->cells : std::vector<std::string>(width_);
    if (!header && first > 0 && records_[first - 1].cells.size() + 1 == width_) {
      header = &records_[first - 1];  // one name too few
      names = header->cells;
      const bool ended =
          std::all_of(records_.begin() + static_cast<std::ptrdiff_t>(first), records_.end(),
                      [&](const Record& r) { return !wide(r) || r.cells.back().empty(); });
      names.insert(ended ? names.end() : names.begin(),
                   "");  // behind a last separator; of R's rows
    }
    if (!header && comment_.cells.size() == width_) {
      header = &comment_;
      names = comment_.cells;
    }
    found_.header = header ? header->line : 0;
    found_.begin = records_[first].offset;
    const std::size_t above = header ? header->line : records_[first].line;
    const auto skip = [&](std::size_t from, std::size_t to, const char* what) {
      if (from <= to) found_.skipped.push_back({from, to, what});
    };
    for (const std::size_t line : comments_)
      if (found_.comments && line < records_[first].line && line != above)
        skip(line, line, "a comment");
    std::vector<std::size_t> before, below;
    for (std::size_t i = 0; i < first; ++i) {
      if (records_[i].line < above) before.push_back(records_[i].line);
      if (records_[i].line > above) below.push_back(records_[i].line);
    }
    if (!before.empty()) skip(before.front(), before.back(), "above the table");
    if (!below.empty()) skip(below.front(), below.back(), "units, under the names");
    name_columns(names);
  }

  void name_columns(const std::vector<std::string>& given) {
    std::set<std::string> taken;
    for (std::size_t i = 0; i < given.size(); ++i) {
      const std::string name = given[i].empty() ? "column " + std::to_string(i + 1) : given[i];
      std::string free = name;
      for (int n = 2; !taken.insert(free).second; ++n) free = name + " (" + std::to_string(n) + ')';
      found_.names.push_back(free);
    }
  }

  std::string_view text_, source_;
  std::size_t begin_ = 0, width_ = 1;
  std::vector<Record> records_;
  std::vector<std::size_t> comments_;  // their lines
  Record comment_{};
  CsvLayout found_;
};
}  // namespace detail

/// Finds the table in text: the delimiter (if it is '\0'; "sep=;" in the first line names it), the
/// lines above the header, the header (words above numbers and dates; a comment line just above the
/// table may be it) and lines of units under it. Names that come twice get a number. Throws
/// FormatError for text without a row.
inline CsvLayout find_layout(std::string_view text, std::string_view source, char delimiter = '\0',
                             std::size_t skip = 0) {
  return detail::LayoutFinder(text, source, delimiter, skip).find();
}

}  // namespace foglift::inline v0::data
