// What reading a file may cost: the most bytes on the heap, beside what the readers promise.
#include "foglift/data/csv.hpp"
#include "foglift/data/npy.hpp"
#include "support/catch.hpp"
#include "support/counted_new.hpp"

#include <cmath>
#include <filesystem>
#include <functional>

using namespace foglift;
using namespace std::string_literals;

namespace {

/// A file that goes with the test.
struct File {
  std::string path;
  File(const char* name, const std::string& bytes)
      : path((std::filesystem::temp_directory_path() / ("foglift-cost-"s + name)).string()) {
    write_file(path, bytes);
  }
  ~File() { std::filesystem::remove(path); }
};

std::string repeated(const std::string& text, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += text;
  return out;
}

/// Peak of read_csv beyond what its promise leaves for columns, over the size of the file.
double csv_share(const std::string& text, double columns) {
  const File file("table.csv", text);
  const auto peak = counted::peak_of([&] {
    try {
      data::read_csv(file.path);
    } catch (const FormatError&) {
    }
  });
  const double fixed = 1024 * columns + (1 << 20);
  return (static_cast<double>(peak) - fixed) / static_cast<double>(text.size());
}

std::string row_of(const std::string& cell, int count) {
  std::string row = cell;
  for (int i = 1; i < count; ++i) row += "," + cell;
  return row + "\n";
}

}  // namespace

TEST_CASE("cost: tables of numbers and dates", "[data][cost]") {
  const std::size_t size = 4 << 20;
  CHECK(csv_share(repeated("1\n", size), 1) <= 13);
  CHECK(csv_share(repeated("1,2\n", size), 2) <= 13);
  CHECK(csv_share("1,2\n" + repeated(",\n", size), 2) <= 13);
  CHECK(csv_share(repeated(row_of("", 100), size), 100) <= 13);
  CHECK(csv_share(repeated(row_of("7", 1000), size), 1000) <= 13);
  CHECK(csv_share(repeated("2020-01-01\n", size), 1) <= 13);
  CHECK(csv_share(repeated("\n", size) + "1\n", 1) <= 13);
}

TEST_CASE("cost: tables of text, of one cell, and of names", "[data][cost]") {
  const std::size_t size = 4 << 20;
  CHECK(csv_share(repeated("a\n", size), 1) <= 34);
  CHECK(csv_share(row_of("a", 100) + repeated(row_of("", 100), size), 100) <= 34);
  CHECK(csv_share(repeated(std::string(16, 'a') + "\n", size), 1) <= 34);
  CHECK(csv_share(repeated("\"\"\n", size) + "a\n", 1) <= 34);
  CHECK(csv_share(std::string(1 << 20, 'a') + "\n" + std::string(1 << 20, 'b') + "\n", 1) <= 34);
  std::string names, values;
  for (int i = 0; i < 10'000; ++i) {
    names += (i ? ",c" : "c") + std::to_string(i);
    values += i ? ",1" : "1";
  }
  CHECK(csv_share(names + "\n" + values + "\n", 10'000) <= 13);
  CHECK(csv_share(names + "\n" + row_of("a", 10'000), 10'000) <= 34);
}

TEST_CASE("cost: tables that are refused", "[data][cost]") {
  const std::size_t size = 4 << 20;
  CHECK(csv_share(repeated("1,2\n", size) + "1\n", 2) <= 13);
  CHECK(csv_share(repeated("1\n", size) + repeated("1.2.3\n", size / 4), 1) <= 13);
  CHECK(csv_share(repeated("1\n", size) + "\"" + std::string(1000, 'a'), 1) <= 13);
  // Twenty bad cells of the largest size, of characters that messages have to spell out.
  std::string bad = repeated("1\n", 100);
  for (int i = 0; i < 25; ++i) bad += std::string((1 << 20) - 4, '\1') + "\n";
  CHECK(csv_share(bad, 1) <= 34);
}

TEST_CASE("cost: NumPy arrays are their tensor and nothing else", "[data][cost]") {
  // Sizes that no block of the pool is left from.
  for (const auto& [side, turned] :
       {std::pair<Index, const char*>{1024, "False"}, {800, "True "}}) {
    const std::string extent = std::to_string(side),
                      n_bytes(static_cast<std::size_t>(side * side), '\7');
    const std::string header = "{'descr': '|u1', 'fortran_order': "s + turned + ", 'shape': (" +
                               extent + ", " + extent + "), }\n";
    const File file("array.npy",
                    "\x93NUMPY\1\0"s + static_cast<char>(header.size()) + '\0' + header + n_bytes);
    const Index n = side * side;
    const auto as_double = counted::peak_of([&] { data::read_npy<double>(file.path); });
    const auto as_float = counted::peak_of([&] { data::read_npy<float>(file.path); });
    CHECK(as_double >= (counted::counting() ? 8 * n : 0));
    CHECK(as_float >= (counted::counting() ? 4 * n : 0));
    // The pool's blocks come in four sizes a doubling.
    CHECK(as_double <= 8 * n * 5 / 4 + (64 << 10));
    CHECK(as_float <= 4 * n * 5 / 4 + (64 << 10));
  }
}
