// Covers: constant_memory core/pool parallel
#include "foglift/core/parallel.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/kernels/constant_memory.hpp"
#include "support/catch.hpp"
#include "support/counted_new.hpp"

#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#ifdef COUNTS_ALLOCATIONS

using namespace foglift;

namespace {

constexpr std::ptrdiff_t megabyte = std::ptrdiff_t{1} << 20;

/// So many tensors of a megabyte, all at once.
void use(int tensors) {
  std::vector<Tensor<float>> all;
  for (int i = 0; i < tensors; ++i) all.emplace_back(Shape{megabyte / 4});
}
/// A round of the pool, as a run of a sampler is one.
void round(int tensors) {
  const kernels::ConstantMemory promise({});
  use(tensors);
}
/// Bytes that live on the heap after f, beyond those before.
template <class F>
std::ptrdiff_t left_by(const F& f) {
  const std::ptrdiff_t before = counted::live;
  f();
  return counted::live - before;
}

}  // namespace

TEST_CASE("pool: what 16 rounds had no use for is given back", "[core][pool]") {
  std::thread([] {
    // Two times 16 rounds: the first may begin while the large request is still in memory.
    CHECK(left_by([] {
            round(20);
            for (int i = 0; i < 32; ++i) round(3);
          }) < 4 * megabyte);
    CHECK(left_by([] {
            round(20);
            for (int i = 0; i < 15; ++i) round(3);
          }) > 15 * megabyte);
  }).join();
}

TEST_CASE("pool: a loop asks the system for nothing, however many rounds it has", "[core][pool]") {
  std::thread([] {
    const auto calls = [](const auto& loop) {
      loop();
      const long before = counted::calls;
      for (int i = 0; i < 100; ++i) loop();
      return counted::calls - before;
    };
    std::vector<Tensor<float>> all;
    all.reserve(20);
    const auto use_all = [&](int n) {
      for (int i = 0; i < n; ++i) all.emplace_back(Shape{megabyte / 4});
      all.clear();
    };
    CHECK(calls([&] {
            const kernels::ConstantMemory promise({});
            use_all(5);
          }) == 0);
    // Ten small requests between two large ones.
    CHECK(calls([&] {
            for (int i = 0; i < 11; ++i) {
              const kernels::ConstantMemory promise({});
              use_all(i == 0 ? 20 : 2);
            }
          }) == 0);
    CHECK(calls([&] { use_all(7); }) == 0);  // no rounds, as a training loop
  }).join();
}

TEST_CASE("pool: workers give back what rounds of others had no use for", "[core][pool]") {
  const int before = threads();
  set_threads(2);
  std::thread([] {
    const std::ptrdiff_t left = left_by([] {
      std::atomic<int> inside{0};
      parallel_for(2, 1, [&](Index) {  // both threads, since neither ends before the other
        use(20);
        ++inside;
        while (inside < 2) std::this_thread::yield();
      });
      for (int i = 0; i < 40; ++i) {
        round(1);
        std::atomic<int> met{0};
        parallel_for(2, 1, [&](Index) {
          ++met;
          while (met < 2) std::this_thread::yield();
        });
      }
    });
    CHECK(left < 4 * megabyte);
  }).join();
  set_threads(before);
}

TEST_CASE("pool: blocks of two megabytes and more begin on a huge page", "[core][pool]") {
  // Fresh ones and used ones; what is smaller is aligned for vectors.
  for (int round = 0; round < 2; ++round)
    for (const auto& [floats, alignment] :
         {std::pair{megabyte / 4, std::ptrdiff_t{64}}, std::pair{megabyte / 2 + 1, 2 * megabyte},
          std::pair{3 * megabyte, 2 * megabyte}}) {
      const Tensor<float> one{Shape{floats}}, other{Shape{floats}};
      for (const auto* t : {&one, &other})
        CHECK(reinterpret_cast<std::uintptr_t>(t->data()) %
                  static_cast<std::uintptr_t>(alignment) ==
              0);
    }
}

TEST_CASE("release_memory: nothing is kept by the caller and the workers", "[core][pool]") {
  const int before = threads();
  set_threads(3);
  std::thread([] {
    const std::ptrdiff_t start = counted::live;
    Tensor<float> kept({megabyte / 4}, 2.f);
    std::atomic<int> inside{0};
    parallel_for(3, 1, [&](Index) {  // in each thread, since none ends before the others
      use(10);
      ++inside;
      while (inside < 3) std::this_thread::yield();
    });
    CHECK(counted::live - start >= 30 * megabyte);
    release_memory();
    CHECK(counted::live - start < 2 * megabyte);
    CHECK(kept[megabyte / 4 - 1] == 2);
    CHECK(threads() == 3);
    bool refused = false;
    parallel_for(3, 1, [&](Index i) {
      if (i != 0) return;
      try {
        release_memory();
      } catch (const ArgumentError&) {
        refused = true;
      }
    });
    CHECK(refused);
  }).join();
  set_threads(before);
}

#endif
