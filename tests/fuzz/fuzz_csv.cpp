#include "foglift/data/csv.hpp"

#include <cmath>
#include <cstdlib>

// CSV text is a table or a FormatError; a table that was written reads back with the same rows.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size) {
  using namespace foglift;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  for (const char decimal : {'.', ','}) {
    try {
      data::CsvOptions options;
      options.decimal = decimal;
      const data::CsvTable table = data::parse_csv(text, options);
      data::CsvOptions same;
      same.header = data::CsvHeader::present;
      same.delimiter = ',';
      for (const auto& column : table.columns()) {
        if (column.name != data::trimmed(column.name)) std::abort();
        same.kinds[column.name] = column.kind;
      }
      const data::CsvTable back = data::parse_csv(data::csv_text(table), same);
      if (back.rows() != table.rows() || back.columns().size() != table.columns().size())
        std::abort();
      for (std::size_t c = 0; c < table.columns().size(); ++c) {
        const auto& a = table.columns()[c];
        const auto& b = back.columns()[c];
        if (a.name != b.name || a.dates != b.dates || a.texts != b.texts) std::abort();
        for (std::size_t i = 0; i < a.numbers.size(); ++i)
          if (a.numbers[i] != b.numbers[i] && !std::isnan(a.numbers[i])) std::abort();
      }
    } catch (const FormatError&) {
    }
  }
  return 0;
}
