// Covers: parallel
#include "foglift/core/parallel.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace foglift;

TEST_CASE("parallel_for: visits every index once for any number of threads", "[core][parallel]") {
  const int before = threads();
  for (int n : {1, 2, 3, 4}) {
    set_threads(n);
    for (Index size : {0, 1, 2, 5, 100}) {
      std::vector<int> visits(static_cast<std::size_t>(size));
      parallel_for(size, 1, [&](Index i) { ++visits[static_cast<std::size_t>(i)]; });
      CHECK(std::accumulate(visits.begin(), visits.end(), Index{0}) == size);
      CHECK(std::all_of(visits.begin(), visits.end(), [](int v) { return v == 1; }));
    }
  }
  set_threads(before);
}

TEST_CASE("parallel_for: nests, and carries an exception out", "[core][parallel]") {
  std::vector<int> visits(64);
  parallel_for(8, 1, [&](Index i) {
    parallel_for(8, 1, [&](Index j) { ++visits[static_cast<std::size_t>(8 * i + j)]; });
  });
  CHECK(std::all_of(visits.begin(), visits.end(), [](int v) { return v == 1; }));
  CHECK_THROWS_AS(parallel_for(8, 1,
                               [](Index i) {
                                 if (i == 7) throw std::logic_error("seven");
                               }),
                  std::logic_error);
  parallel_for(8, 1,
               [&](Index i) { visits[static_cast<std::size_t>(i)] = 2; });  // the pool still works
  CHECK(visits[7] == 2);
  CHECK_THROWS_AS(set_threads(0), ArgumentError);
}

TEST_CASE("parallel_for: two threads may call it at once", "[core][parallel]") {
  std::vector<long> sums(2);
  {
    std::vector<std::jthread> callers;
    for (std::size_t c = 0; c < 2; ++c)
      callers.emplace_back([&sums, c] {
        for (int round = 0; round < 200; ++round) {
          std::vector<long> v(50);
          parallel_for(50, 1, [&](Index i) { v[static_cast<std::size_t>(i)] = i; });
          sums[c] += std::accumulate(v.begin(), v.end(), 0L);
        }
      });
  }
  CHECK(sums == std::vector<long>{200 * 1225, 200 * 1225});
}

TEST_CASE("parallel_for: visits every index once while another thread changes the pool",
          "[core][parallel]") {
  const int before = threads();
  std::atomic<bool> done{false};
  int wrong = 0;
  {
    std::jthread changes([&] {
      for (int n = 1; !done; n = n % 4 + 1) set_threads(n);
    });
    for (int round = 0; round < 2000; ++round) {
      std::vector<int> visits(16);
      parallel_for(16, 1, [&](Index i) { ++visits[static_cast<std::size_t>(i)]; });
      wrong += visits != std::vector<int>(16, 1);
    }
    done = true;
  }
  CHECK(wrong == 0);
  set_threads(before);
}

TEST_CASE("set_threads: is refused where it would wait for itself", "[core][parallel]") {
  const int before = threads();
  set_threads(3);
  CHECK_THROWS_AS(parallel_for(8, 1, [](Index) { set_threads(2); }), ArgumentError);
  CHECK(threads() == 3);
  set_threads(before);
}

TEST_CASE("tree_reduce: adds in the fixed binary order", "[core][parallel]") {
  std::vector<std::string> v = {"a", "b", "c", "d", "e"};
  tree_reduce(v, 5, [](std::string& a, const std::string& b) { a = "(" + a + b + ")"; });
  CHECK(v[0] == "(((ab)(cd))e)");
}

TEST_CASE("parallel_for: workers round as the caller does, and not after it", "[core][parallel]") {
  const int before = threads();
  set_threads(4);
  const auto modes = [] {
    std::vector<int> out(4);
    parallel_for(4, 1, [&](Index i) { out[static_cast<std::size_t>(i)] = std::fegetround(); });
    return out;
  };
  std::fesetround(FE_UPWARD);
  const auto upward = modes();
  std::fesetround(FE_TONEAREST);
  CHECK(upward == std::vector<int>(4, FE_UPWARD));
  CHECK(modes() == std::vector<int>(4, FE_TONEAREST));
  set_threads(before);
}

TEST_CASE("parallel_for: many short loops in a row, watched and slept through, miss no index",
          "[core][parallel]") {
  const int before = threads();
  for (int n : {2, 3}) {
    set_threads(n);
    Index wrong = 0;
    for (int round = 0; round < 5000; ++round) {
      std::array<int, 7> visits{};
      parallel_for(7, 1, [&](Index i) { ++visits[static_cast<std::size_t>(i)]; });
      for (const int v : visits) wrong += v != 1;
      if (round % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    CHECK(wrong == 0);
  }
  set_threads(before);
}

TEST_CASE("parallel_for: an exception of every part leaves one to catch and none behind",
          "[core][parallel]") {
  const int before = threads();
  set_threads(3);
  for (int round = 0; round < 300; ++round)
    CHECK_THROWS_AS(
        parallel_for(3, 1, [](Index i) { throw std::runtime_error(std::to_string(i)); }),
        std::runtime_error);
  CHECK_NOTHROW(parallel_for(3, 1, [](Index) {}));
  set_threads(before);
}
