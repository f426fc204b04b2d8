#pragma once

#include "foglift/core/file.hpp"
#include "foglift/data/csv_cells.hpp"
#include "foglift/data/encoding.hpp"
#include "foglift/forecast/series/read/options.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// The columns of a file, and of a second one whose rows are ahead of it, as cells. Columns may be
/// unfolded: P of them become one, a row becomes P, and a column has the names they had.
class Sheet {
 public:
  /// The text must outlive the object. Throws FormatError with the option that mends it.
  Sheet(std::string_view text, std::string_view source, const ReadOptions& options)
      : source_(source), options_(&options) {
    if (options.skip < 0)
      raise<ArgumentError>("read_panel: skip ", options.skip, ", needed 0 or more");
    now_ = cells_of(text, text_, source);
    names_ = now_.names();
    for (std::size_t c = 0; c < names_.size(); ++c) places_.push_back(c);
    ignored_.resize(names_.size());
    for (const std::size_t c : find_all(options.ignore, "--ignore")) ignored_[c] = true;
    drop_totals();
  }
  Sheet(const Sheet&) = delete;
  Sheet& operator=(const Sheet&) = delete;

  const std::string& source() const { return source_; }
  const ReadOptions& options() const { return *options_; }
  std::size_t rows() const {
    if (!kept_.empty()) return kept_.size();
    return parts_.empty() ? records() : records() * parts_.size();
  }
  const std::vector<std::string>& names() const { return names_; }
  std::vector<Guess>& guesses() { return guesses_; }
  char delimiter() const { return now_.layout().delimiter; }

  void say(std::string text, std::string reason = {}, std::string option = {}) {
    guesses_.push_back({std::move(text), std::move(reason), std::move(option)});
  }

  /// The cells of a column, top to bottom.
  struct Column {
    const Sheet* sheet;
    std::size_t index, count;
    std::size_t size() const { return count; }
    std::string_view operator[](std::size_t row) const { return sheet->cell(row, index); }
  };
  Column column(std::size_t index) const { return {this, index, rows()}; }

  std::string_view cell(std::size_t row, std::size_t column) const {
    const std::size_t place = places_[column];
    if (parts_.empty()) return record_cell(row, place);
    if (!kept_.empty()) row = kept_[row];
    return record_cell(row / parts_.size(),
                       place == part_values ? parts_[row % parts_.size()] : place);
  }

  /// "file:12", where a row stands.
  std::string place(std::size_t row) const {
    if (!kept_.empty()) row = kept_[row];
    const std::size_t record = parts_.empty() ? row : row / parts_.size();
    if (record < now_.rows()) return source_ + ':' + std::to_string(now_.line(record));
    return options_->future + ':' + std::to_string(ahead_.line(record - now_.rows()));
  }

  /// The column of a name, which an option asked for. Throws FormatError naming those there are.
  std::size_t find(std::string_view name, const char* option) const {
    for (std::size_t c = 0; c < names_.size(); ++c)
      if (names_[c] == name) return c;
    std::string all;
    for (const std::string& n : names_)
      all += (all.empty() ? "\"" : ", \"") + utf8::printable(n) + '"';
    raise<FormatError>(source_, ": ", option, ": no column \"", utf8::printable(name),
                       "\"; there are ", all);
  }

  /// The columns of an option: names, or several of them in one word, as "a,b" and "date + time".
  std::vector<std::size_t> find_all(const std::vector<std::string>& asked,
                                    const char* option) const {
    std::vector<std::size_t> out;
    const auto is_name = [&](std::string_view name) {
      return std::find(names_.begin(), names_.end(), name) != names_.end();
    };
    for (const std::string& word : asked) {
      std::string_view rest = word;
      while (!is_name(rest) && rest.find_first_of(",+") != rest.npos) {
        const std::size_t end = rest.find_first_of(",+");
        out.push_back(find(data::trimmed(rest.substr(0, end)), option));
        rest = data::trimmed(rest.substr(end + 1));
      }
      out.push_back(find(rest, option));
    }
    return out;
  }

  bool ignored(std::size_t column) const { return ignored_[column]; }

  /// The first cells of each column, for the message of a refusal.
  std::string first_cells() const {
    std::string out;
    for (std::size_t c = 0; c < std::min<std::size_t>(names_.size(), 12); ++c) {
      out += "\n  \"" + utf8::printable(names_[c]) + "\":";
      for (std::size_t r = 0; r < std::min<std::size_t>(3, rows()); ++r)
        out += (r ? ", " : " ") + utf8::printable(cell(r, c), 30);
    }
    if (names_.size() > 12) out += "\n  and " + std::to_string(names_.size() - 12) + " more";
    return out;
  }

  /// Makes rows of columns: each row becomes one for each of them, with a column "value" more.
  void unfold(const std::vector<std::size_t>& columns) {
    for (const std::size_t c : columns) {
      parts_.push_back(places_[c]);
      ignored_[c] = true;
    }
    std::string name = "value";
    while (std::find(names_.begin(), names_.end(), name) != names_.end()) name += '_';
    names_.push_back(name);
    ignored_.push_back(false);
    places_.push_back(part_values);
  }
  bool unfolded() const { return !parts_.empty(); }

  /// Leaves only some rows, in increasing order.
  void keep(std::vector<std::size_t> rows) { kept_ = std::move(rows); }

  /// Puts the rows of the file of --future behind those of the first. Throws FormatError for a
  /// column that the first does not have.
  void add_future() {
    if (options_->future.empty()) return;
    future_file_ = read_file(options_->future, std::uint64_t{1} << 40);
    ahead_ = cells_of(future_file_, future_text_, options_->future);
    ahead_column_.assign(now_.columns(), missing);
    for (std::size_t c = 0; c < ahead_.columns(); ++c) {
      const auto at = std::find(now_.names().begin(), now_.names().end(), ahead_.names()[c]);
      if (at == now_.names().end())
        raise<FormatError>(options_->future, ": column \"", utf8::printable(ahead_.names()[c]),
                           "\" is not one of ", source_,
                           "; --future takes rows of the same columns");
      ahead_column_[static_cast<std::size_t>(at - now_.names().begin())] = c;
    }
  }

 private:
  static constexpr std::size_t part_names = SIZE_MAX, part_values = SIZE_MAX - 1,
                               missing = SIZE_MAX;

  std::size_t records() const { return now_.rows() + ahead_.rows(); }

  std::string_view record_cell(std::size_t record, std::size_t column) const {
    if (record < now_.rows()) return now_(record, column);
    const std::size_t at = ahead_column_[column];
    return at == missing ? std::string_view() : ahead_(record - now_.rows(), at);
  }

  /// Decodes text into `storage` if it is not UTF-8, and finds its cells.
  data::CsvCells cells_of(std::string_view text, std::string& storage, std::string_view source) {
    data::Decoded decoded = data::decode(text);
    if (!decoded.from.empty()) {
      storage = std::move(decoded.text);
      text = storage;
      say("text read as " + std::string(decoded.from), "it is not UTF-8", "");
    }
    try {
      const auto skip = static_cast<std::size_t>(options_->skip);
      data::CsvCells cells(text, source,
                           data::find_layout(text, source, options_->delimiter, skip));
      for (const data::SkippedLines& s : cells.layout().skipped)
        say((s.first == s.last ? "line " : "lines ") + std::to_string(s.first) +
                (s.first == s.last ? "" : '-' + std::to_string(s.last)) + " skipped",
            s.what);
      return cells;
    } catch (const FormatError& error) {
      raise<FormatError>(
          error.what(),
          "; --skip N leaves out lines at the top, --delimiter says what parts cells");
    }
  }

  /// Leaves out the last rows if they are totals.
  void drop_totals() {
    const auto is_total = [&](std::size_t row) {
      constexpr std::array<std::string_view, 15> words{
          "total",          "sum",          "summe",       "gesamt",  "insgesamt",
          "gesamtergebnis", "gesamtsumme",  "grand total", "average", "mean",
          "mittelwert",     "durchschnitt", "ergebnis",    "moyenne", "totals"};
      for (std::size_t c = 0; c < now_.columns(); ++c) {
        std::string_view cell = now_(row, c);
        if (cell.empty()) continue;
        if (cell.ends_with(':')) cell.remove_suffix(1);
        return std::any_of(words.begin(), words.end(),
                           [&](std::string_view word) { return data::same_letters(cell, word); });
      }
      return false;
    };
    std::size_t rows = now_.rows();
    while (rows > 1 && is_total(rows - 1)) --rows;
    if (rows < now_.rows()) drop_from(rows, "a total");
  }

 public:
  /// Leaves out the rows from one on.
  void drop_from(std::size_t row, const char* why) {
    for (std::size_t r = row; r < now_.rows(); ++r)
      say("line " + std::to_string(now_.line(r)) + " skipped", why);
    now_.resize(row);
  }

 private:
  std::string source_;
  const ReadOptions* options_;
  std::string text_, future_file_, future_text_;  // what is not the caller's
  data::CsvCells now_, ahead_;
  std::vector<std::size_t> ahead_column_;  // of a column of now_
  std::vector<std::string> names_;
  std::vector<bool> ignored_;
  std::vector<std::size_t> places_;  // of columns, in the file
  std::vector<std::size_t> parts_;   // columns that are unfolded
  std::vector<std::size_t> kept_;    // rows; empty: all
  std::vector<Guess> guesses_;
};

}  // namespace detail
}  // namespace foglift::inline v0::forecast
