#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/file.hpp"
#include "foglift/core/utf8.hpp"
#include "foglift/data/csv_cell.hpp"
#include "foglift/data/csv_delimiter.hpp"
#include "foglift/data/csv_table.hpp"
#include "foglift/data/csv_tokens.hpp"
#include "foglift/data/date.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace foglift::inline v0::data {

enum class CsvHeader { detect, present, absent };

struct CsvOptions {
  CsvHeader header = CsvHeader::detect;
  char delimiter = '\0';                         // '\0': found out by sniff_delimiter
  char decimal = '.';                            // '.' or ','
  std::map<std::string, ColumnKind> kinds = {};  // of columns whose kind is not to be found out
  bool keep_spellings = false;  // columns with "1,040" or "12,5" become text, for find_number_form
  std::uint64_t max_file_bytes = std::uint64_t{1} << 30;
  CsvLimits limits = {};
};

/// Turns CSV text into a table, in two passes: the first finds the kind of every column and the
/// number of rows, the second converts the cells. What is wrong with cells is collected, so that
/// one message shows the first 20 problems.
class CsvReader {
 public:
  /// The text and the source must outlive the object.
  CsvReader(std::string_view text, std::string_view source, const CsvOptions& options)
      : text_(text), source_(source), options_(options) {
    if (options.decimal != '.' && options.decimal != ',')
      raise<ArgumentError>("read_csv: decimal must be '.' or ','");
    delimiter_ = options.delimiter != '\0' ? options.delimiter : sniff_delimiter(text);
    if (delimiter_ == '"' || delimiter_ == '\n' || delimiter_ == '\r')
      raise<ArgumentError>("read_csv: the delimiter can not be a quote or a line break");
  }

  /// Throws FormatError with one line "SOURCE:LINE:COLUMN: ..." for each of the first 20 problems.
  CsvTable read() {
    find_kinds();
    CsvTable table = convert();
    if (problem_count_ == 0) return table;
    std::ostringstream all;
    for (std::size_t i = 0; i < problems_.size(); ++i) all << (i ? "\n" : "") << problems_[i];
    if (problem_count_ > problems_.size())
      all << "\nand " << problem_count_ - problems_.size() << " more";
    throw FormatError(all.str());
  }

 private:
  struct Seen {  // cells of a column in the first pass
    std::size_t numbers = 0, dates = 0, present = 0;
    bool spelled = false;  // a number in another spelling
  };

  CsvTokens tokens() const { return CsvTokens(text_, delimiter_, source_, options_.limits); }

  void find_kinds() {
    CsvTokens from = tokens();
    std::vector<CsvField> record;
    if (!from.next(record)) raise<FormatError>(source_, ": the file is empty");
    has_header_ = options_.header == CsvHeader::present ||
                  (options_.header == CsvHeader::detect && looks_like_header(record));
    name_columns(from, record);
    std::vector<Seen> seen(names_.size());
    for (bool more = has_header_ ? from.next(record) : true; more; more = from.next(record)) {
      ++rows_;
      for (std::size_t i = 0; i < record.size() && i < seen.size(); ++i) {
        const std::string_view cell = trimmed(record[i].text);
        if (is_missing(cell)) continue;
        ++seen[i].present;
        const NumberCell number = parse_number(cell, options_.decimal);
        seen[i].numbers += number.resembles ? 1u : 0u;
        if (!number.ok && number.spelled) seen[i].spelled = true;
        seen[i].dates += parse_date(cell) ? 1u : 0u;
      }
    }
    if (rows_ == 0) raise<FormatError>(source_, ": a header and no rows");
    for (std::size_t i = 0; i < seen.size(); ++i) kinds_.push_back(kind_of(names_[i], seen[i]));
  }

  /// A header has a name and neither a number nor a date.
  bool looks_like_header(const std::vector<CsvField>& record) const {
    bool named = false;
    for (const CsvField& field : record) {
      const std::string_view cell = trimmed(field.text);
      if (parse_number(cell, options_.decimal).resembles || parse_date(cell)) return false;
      named = named || !is_missing(cell);
    }
    return named;
  }

  void name_columns(const CsvTokens& from, const std::vector<CsvField>& record) {
    std::unordered_map<std::string, std::size_t> taken;
    for (std::size_t i = 0; i < record.size(); ++i) {
      std::string name = has_header_ ? std::string(trimmed(record[i].text)) : std::string();
      if (name.empty()) name = "column " + std::to_string(i + 1);
      const auto [first, fresh] = taken.emplace(name, i);
      if (!fresh)
        from.fail(record[i].at, "the name \"", utf8::printable(name), "\" of column ", i + 1,
                  " is already that of column ", first->second + 1);
      names_.push_back(std::move(name));
    }
    for (const auto& [name, kind] : options_.kinds)
      if (!taken.count(name))
        raise<FormatError>(source_, ": no column \"", name, "\" to be a ", name_of(kind));
  }

  /// Most cells decide, so that a few bad ones are errors and do not make a column text.
  ColumnKind kind_of(const std::string& name, const Seen& seen) const {
    if (const auto at = options_.kinds.find(name); at != options_.kinds.end()) return at->second;
    if (seen.present == 0) return ColumnKind::number;  // all missing
    if (2 * seen.dates > seen.present) return ColumnKind::date;
    if (options_.keep_spellings && seen.spelled) return ColumnKind::text;
    if (2 * seen.numbers > seen.present) return ColumnKind::number;
    return ColumnKind::text;
  }

  CsvTable convert() {
    std::vector<std::vector<double>> numbers(names_.size());
    std::vector<std::vector<std::int64_t>> dates(names_.size());
    std::vector<std::vector<std::string>> texts(names_.size());
    std::vector<std::size_t> lines;
    lines.reserve(rows_);
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (kinds_[i] == ColumnKind::number) numbers[i].reserve(rows_);
      if (kinds_[i] == ColumnKind::date) dates[i].reserve(rows_);
      if (kinds_[i] == ColumnKind::text) texts[i].reserve(rows_);
    }
    CsvTokens from = tokens();
    std::vector<CsvField> record;
    if (has_header_) from.next(record);
    while (from.next(record)) {
      lines.push_back(from.line());
      check_width(from, record);
      for (std::size_t i = 0; i < names_.size() && i < record.size(); ++i) {
        if (kinds_[i] == ColumnKind::number) numbers[i].push_back(number(from, record[i], i));
        if (kinds_[i] == ColumnKind::date) dates[i].push_back(date(from, record[i], i));
        if (kinds_[i] == ColumnKind::text) texts[i].emplace_back(record[i].text);
      }
    }
    CsvTable table{std::string(source_)};
    if (problem_count_ > 0) return table;  // rows may be of unequal length
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (kinds_[i] == ColumnKind::number) table.add(names_[i], std::move(numbers[i]));
      if (kinds_[i] == ColumnKind::date) table.add_dates(names_[i], std::move(dates[i]));
      if (kinds_[i] == ColumnKind::text) table.add_texts(names_[i], std::move(texts[i]));
    }
    table.set_lines(std::move(lines));
    return table;
  }

  void check_width(const CsvTokens& from, const std::vector<CsvField>& record) {
    if (record.size() == names_.size()) return;
    const std::size_t at = record.size() > names_.size() ? names_.size() : record.size() - 1;
    problem(from, record[at].at, record.size(), " fields, the ",
            has_header_ ? "header" : "first row", " has ", names_.size());
  }

  double number(const CsvTokens& from, const CsvField& field, std::size_t column) {
    const std::string_view cell = trimmed(field.text);
    if (is_missing(cell)) return std::numeric_limits<double>::quiet_NaN();
    const NumberCell parsed = parse_number(cell, options_.decimal);
    if (!parsed.ok) bad_cell(from, field, column, "number", parsed.problem);
    return parsed.value;
  }

  std::int64_t date(const CsvTokens& from, const CsvField& field, std::size_t column) {
    const std::string_view cell = trimmed(field.text);
    const auto parsed = parse_date(cell);
    if (!parsed) bad_cell(from, field, column, "date", is_missing(cell) ? " (missing)" : "");
    return parsed.value_or(0);
  }

  void bad_cell(const CsvTokens& from, const CsvField& field, std::size_t column,
                std::string_view kind, std::string_view why) {
    problem(from, field.at, "column \"", utf8::printable(names_[column]), "\": cannot read \"",
            utf8::printable(trimmed(field.text)), "\" as a ", kind, why);
  }

  template <class... Parts>
  void problem(const CsvTokens& from, std::size_t offset, const Parts&... parts) {
    if (++problem_count_ > max_problems) return;
    const TextPosition where = from.place(offset);
    std::ostringstream line;
    line << source_ << ':' << where.line << ':' << where.column << ": ";
    (line << ... << parts);
    problems_.push_back(line.str());
  }

  static constexpr std::size_t max_problems = 20;

  std::string_view text_;
  std::string_view source_;
  const CsvOptions& options_;
  char delimiter_ = ',';
  bool has_header_ = false;
  std::size_t rows_ = 0;
  std::vector<std::string> names_;
  std::vector<ColumnKind> kinds_;
  std::vector<std::string> problems_;
  std::size_t problem_count_ = 0;
};

/// Parses CSV text; errors begin with `source`. See read_csv.
inline CsvTable parse_csv(std::string_view text, const CsvOptions& options = {},
                          std::string_view source = "csv") {
  return CsvReader(text, source, options).read();
}

/// Reads a CSV file: ',' ';' or tab between cells (found out), quotes, a header or none (found out:
/// a header has no number and no date), UTF-8 with or without byte order mark, any line ends.
/// A column is one of dates (see parse_date) or of numbers if most of its cells are, else of text.
/// Missing numbers (see is_missing) become NaN; a missing date is an error. Rows stay in file
/// order; CsvTable::sorted_by orders them and refuses a date that comes twice. Throws FormatError
/// with one line "FILE:LINE:COLUMN: ..." for each of the first 20 problems: unreadable cells,
/// infinite numbers and those beyond the largest double (below the smallest they are 0), rows with
/// more or fewer cells than the first.
/// Costs memory of at most 13 times the file where all columns are numbers or dates, and 34 times
/// where they are text (an empty cell is one byte in the file and a std::string in the table),
/// beside 1 KiB for each column and 1 MiB.
inline CsvTable read_csv(const std::string& path, const CsvOptions& options = {}) {
  const std::string text = read_file(path, options.max_file_bytes);
  return parse_csv(text, options, path);
}

}  // namespace foglift::inline v0::data
