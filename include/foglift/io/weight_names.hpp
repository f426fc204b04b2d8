#pragma once

#include "foglift/core/error.hpp"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foglift::inline v0::io {

/// Whose order the axes of a stored tensor are in.
enum class Layout {
  pytorch,  ///< [out, in], [out, in, k] and [out, in, kh, kw], which become [in, out], [k, in, out]
            ///< and [kh, kw, in, out]
  foglift   ///< as it is: tables of embeddings and positions, and our own files
};

/// Where a parameter's values stand: one tensor of a file, or several, joined along their last axis
/// once that is ours (query, key and value of an attention, say).
struct WeightSource {
  std::vector<std::string> names;
  Layout layout = Layout::pytorch;
};

/// Names of another library for the parameters of a network, as a table of patterns: a * stands for
/// one piece of a dotted name, and the n-th * of their patterns for the same piece as the n-th of
/// ours.
///
///   const io::WeightNames names{{"fc.*.weight", {"layers.*.w"}},
///                               {"qkv.*", {"q.*", "k.*", "v.*"}},
///                               {"table", {"wte.weight"}, io::Layout::foglift}};
///
/// A name may match several rows: the first whose tensors the file has counts.
class WeightNames {
 public:
  struct Row {
    std::string ours;
    std::vector<std::string> theirs;
    Layout layout = Layout::pytorch;
  };

  /// Throws ArgumentError for a row without their names, or with other numbers of * in them.
  WeightNames(std::initializer_list<Row> rows) : WeightNames(std::vector<Row>(rows)) {}
  explicit WeightNames(std::vector<Row> rows) : rows_(std::move(rows)) {
    for (const Row& row : rows_) {
      if (row.theirs.empty()) raise<ArgumentError>("WeightNames: \"", row.ours, "\" has no names");
      for (const std::string& theirs : row.theirs)
        if (stars(theirs) != stars(row.ours))
          raise<ArgumentError>("WeightNames: \"", row.ours, "\" and \"", theirs,
                               "\" have different numbers of *");
    }
  }

  const std::vector<Row>& rows() const { return rows_; }

  /// What the rows that match a name say, in their order; nothing if none does.
  std::vector<WeightSource> operator()(std::string_view name) const {
    std::vector<WeightSource> sources;
    for (const Row& row : rows_) {
      const auto pieces = matched(row.ours, name);
      if (!pieces) continue;
      WeightSource& source = sources.emplace_back(WeightSource{{}, row.layout});
      for (const std::string& theirs : row.theirs) source.names.push_back(filled(theirs, *pieces));
    }
    return sources;
  }

 private:
  using Pieces = std::vector<std::string_view>;

  static std::ptrdiff_t stars(std::string_view pattern) {
    return std::count(pattern.begin(), pattern.end(), '*');
  }

  /// What the * of a pattern stand for in a name; nothing if it does not match. Piece by piece, so
  /// that there is one way to match.
  static std::optional<Pieces> matched(std::string_view pattern, std::string_view name) {
    Pieces pieces;
    for (;;) {
      const std::size_t p = pattern.find('.'), n = name.find('.');
      const std::string_view wanted = pattern.substr(0, p), found = name.substr(0, n);
      if (wanted == "*")
        pieces.push_back(found);
      else if (wanted != found)
        return std::nullopt;
      if ((p == std::string_view::npos) != (n == std::string_view::npos)) return std::nullopt;
      if (p == std::string_view::npos) return pieces;
      pattern.remove_prefix(p + 1);
      name.remove_prefix(n + 1);
    }
  }

  static std::string filled(std::string_view pattern, const Pieces& pieces) {
    std::string text;
    std::size_t next = 0;
    for (const char c : pattern) {
      if (c == '*')
        text += pieces[next++];
      else
        text += c;
    }
    return text;
  }

  std::vector<Row> rows_;
};

}  // namespace foglift::inline v0::io
