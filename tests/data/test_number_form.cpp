// Covers: number_form
#include "foglift/data/csv.hpp"
#include "foglift/data/number_form.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

using namespace foglift;

namespace {
using Cells = std::vector<std::string>;

/// A number of cents with marks, by counting digits from the right.
std::string written(long cents, char decimal, char group) {
  std::string whole = std::to_string(cents / 100);
  for (std::size_t at = whole.size(); at > 3;) whole.insert(at -= 3, 1, group);
  const long rest = cents % 100;
  return whole + decimal + (rest < 10 ? "0" : "") + std::to_string(rest);
}
}  // namespace

TEST_CASE("number_form: numbers of every form read back", "[data][csv]") {
  const data::NumberForm forms[] = {{'.', ','}, {'.', ' '}, {'.', '\''}, {',', '.'}, {',', ' '}};
  for (const data::NumberForm& form : forms)
    for (const std::string around : {"", "$", "\u20AC", "%"}) {
      Cells cells;
      std::vector<double> expected;
      for (long cents = 1; cents < 400'000'000; cents = cents * 3 + 7) {
        const std::string text = written(cents, form.decimal, form.group);
        cells.push_back(around == "%" ? text + " %" : around + text);
        expected.push_back(std::stod(std::to_string(cents) + "e-2"));
        cells.push_back("-" + cells.back());
        expected.push_back(-expected.back());
      }
      const auto found = data::find_number_form(cells);
      INFO(cells.front());
      REQUIRE(found);
      CHECK(found->decimal == form.decimal);
      CHECK(found->group == form.group);
      CHECK(found->marked == !around.empty());
      CHECK_FALSE(found->ambiguous);
      CHECK(data::read_numbers(cells, *found) == expected);
    }
}

TEST_CASE("number_form: the column decides what 1,040 is", "[data][csv]") {
  const auto first = [](const Cells& cells, char decimal = '\0') {
    const auto form = data::find_number_form(cells, decimal);
    return form ? data::read_numbers(cells, *form)[0] : -1;
  };
  CHECK(first({"1,040", "959"}) == 1040);
  CHECK(data::find_number_form(Cells{"1,040", "959"})->ambiguous);
  CHECK(first({"1,040", "1,5"}) == 1.04);
  CHECK(first({"1,040", "1040"}) == 1.04);   // thousands are set off in all cells or in none
  CHECK(first({"1,040", "0,125"}) == 1.04);  // no thousands behind a zero
  CHECK(first({"1,040", "1,040.5"}) == 1040);
  CHECK(first({"1,040", "959"}, ',') == 1.04);
  CHECK(first({"1.040", "959"}, ',') == 1040);
  CHECK(first({"1,040", "12,34.5"}) == -1);
  CHECK(first({"1,040", "x"}) == -1);
  CHECK(first({"", "NA"}) == -1);
  CHECK(first({"1,04,0", "1"}) == -1);
  const Cells gaps{"1,040", "", "n.a."};
  CHECK(std::isnan(data::read_numbers(gaps, *data::find_number_form(gaps))[2]));
}

TEST_CASE("number_form: a reader keeps columns of other spellings as text", "[data][csv]") {
  const char* text = "a;b;c\n1,5;1.5;x\n2,5;2.5;y\n";
  CHECK_THROWS_AS(data::parse_csv(text), FormatError);
  data::CsvTable table = data::parse_csv(text, {.keep_spellings = true});
  CHECK(table.texts("a") == Cells{"1,5", "2,5"});
  CHECK(table.numbers("b") == std::vector<double>{1.5, 2.5});
  table.set_numbers("a", {1.5, 2.5});
  CHECK(table.numbers("a") == std::vector<double>{1.5, 2.5});
  CHECK_THROWS_AS(table.set_numbers("a", {1}), ArgumentError);
  CHECK_THROWS_AS(table.set_dates("d", {1, 2}), FormatError);
}
