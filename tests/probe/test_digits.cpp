#include "examples/support/digits.hpp"
#include "foglift/core/atomic_file.hpp"
#include "foglift/core/file.hpp"
#include "foglift/probe/metric/accuracy.hpp"
#include "foglift/probe/probes/logistic.hpp"
#include "foglift/probe/probes/ridge.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <filesystem>

using namespace foglift;

namespace {
const std::string digits_path = std::string(FOGLIFT_SOURCE_DIR) + "/examples/data/digits.csv";

const Digits& digits() {
  static const auto data = read_digits(digits_path);
  return data;
}
}  // namespace

TEST_CASE("digits: as many of each as UCI publishes", "[probe][digits]") {
  CHECK(digits().images.shape() == Shape{1797, 8, 8, 1});
  std::vector<Index> counts(10);
  for (const Index label : digits().labels) ++counts[static_cast<std::size_t>(label)];
  CHECK(counts == std::vector<Index>{178, 182, 177, 183, 181, 182, 181, 179, 174, 180});
}

TEST_CASE("digits: pixels are in their places and in their range", "[probe][digits]") {
  // The first image of the source, a zero, row by row.
  const std::vector<float> first = {0, 0, 5,  13, 9,  1,  0, 0, 0, 0, 13, 15, 10, 15, 5, 0,
                                    0, 3, 15, 2,  0,  11, 8, 0, 0, 4, 12, 0,  0,  8,  8, 0,
                                    0, 5, 8,  0,  0,  9,  8, 0, 0, 4, 11, 0,  1,  12, 7, 0,
                                    0, 2, 14, 5,  10, 12, 0, 0, 0, 0, 6,  13, 10, 0,  0, 0};
  CHECK(digits().labels[0] == 0);
  for (Index i = 0; i < 64; ++i)
    CHECK((digits().images[i] + 1) * 8 == first[static_cast<std::size_t>(i)]);
  const auto [low, high] = std::minmax_element(digits().images.begin(), digits().images.end());
  CHECK(*low == -1);
  CHECK(*high == 1);
}

TEST_CASE("digits: a wrong label or pixel is refused with its line", "[probe][digits]") {
  const std::string good = read_file(digits_path, 1 << 20);
  const std::string header = good.substr(0, good.find('\n') + 1);
  const std::string row =
      good.substr(header.size(), good.find('\n', header.size()) - header.size() + 1);
  const auto path = (std::filesystem::temp_directory_path() / "foglift-test-digits.csv").string();
  const auto refuse = [&](const std::string& second) {
    write_file(path, header + row + second);
    return ContainsSubstring(path + ":3: ");
  };
  const auto wrong_label = refuse("10" + row.substr(1));
  CHECK_THROWS_WITH(read_digits(path), wrong_label && ContainsSubstring("\"label\" is 10"));
  const auto wrong_pixel = refuse("1,17" + row.substr(3));
  CHECK_THROWS_WITH(read_digits(path), wrong_pixel && ContainsSubstring("\"p00\" is 17"));
  const auto missing = refuse("1,2.5" + row.substr(3));
  CHECK_THROWS_AS(read_digits(path), FormatError);
  std::filesystem::remove(path);
}

TEST_CASE("digits: linear probes of raw pixels reach the accuracy they are known for",
          "[probe][digits]") {
  // Least squares on these pixels is right on 93 to 95 % of held-out digits, logistic regression on
  // 95 to 98 % (scikit-learn's RidgeClassifierCV and LogisticRegression); 359 test digits have a
  // standard error of 1.3 %.
  const auto pixels = digits().images.reshaped({1797, 64});
  const auto split = probe::stratified_split(digits().labels, Rng(0));
  CHECK(split.train.size() + split.validation.size() + split.test.size() == 1797);
  const auto x = probe::gather(pixels, split.train), x_test = probe::gather(pixels, split.test);
  const auto y = probe::gather(digits().labels, split.train),
             y_test = probe::gather(digits().labels, split.test);
  const auto ridge = probe::ridge_probe(x, y, 10);
  const double by_ridge = probe::accuracy(ridge.probe.predict(x_test), y_test);
  CHECK(by_ridge > 0.89);
  CHECK(by_ridge < 0.98);
  const auto logistic = probe::logistic_probe(x, y, 10);
  CHECK(probe::accuracy(logistic.probe.predict(x_test), y_test) > 0.93);
}
