// Covers: core/gather core/pool element kernels/gather probe/pool scalar shape tensor
#include "foglift/core/gather.hpp"
#include "foglift/core/tensor.hpp"
#include "support/catch.hpp"

#include <cstdint>
#include <limits>
#include <new>
#include <numeric>
#include <sstream>
#include <thread>
#include <vector>

using namespace foglift;

TEST_CASE("shape: size, equality, negative axes and printing", "[core][shape]") {
  const Shape s{2, 3, 4};
  CHECK(s.size() == 24);
  CHECK(s.dim(-1) == 4);
  CHECK(Shape{}.size() == 1);
  CHECK(s == Shape{2, 3, 4});
  CHECK_FALSE(s == Shape{2, 3});
  CHECK(s.with(1, 7) == Shape{2, 7, 4});
  CHECK(s.slice(1, 3) == Shape{3, 4});
  std::ostringstream out;
  out << s;
  CHECK(out.str() == "[2, 3, 4]");
}

TEST_CASE("shape: refuses what can not be addressed", "[core][shape]") {
  CHECK_THROWS_AS((Shape{1, -1}), ShapeError);
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1}), ShapeError);
  CHECK_THROWS_AS((Shape{Index{1} << 40, Index{1} << 40}), ShapeError);
  CHECK_THROWS_AS((Shape{2, 3}.dim(2)), ArgumentError);
}

TEST_CASE("tensor: a copy is a copy", "[core][tensor]") {
  Tensor<float> a({2, 3}, {1, 2, 3, 4, 5, 6});
  Tensor<float> b = a;
  b(1, 2) = 60;
  CHECK(a(1, 2) == 6);
  a = b;
  CHECK(a == b);
  Tensor<float> c = std::move(b);
  CHECK(c == a);
  CHECK(b.empty());  // NOLINT: the moved-from state is documented as empty
}

TEST_CASE("tensor: memory is 64-byte aligned and reused", "[core][tensor]") {
  const void* first = nullptr;
  for (int i = 0; i < 4; ++i) {
    const Tensor<double> t({5, 7});
    CHECK(reinterpret_cast<std::uintptr_t>(t.data()) % 64 == 0);
    if (pool::reuse && i > 1) CHECK(t.data() == first);
    first = t.data();
  }
}

TEST_CASE("pool: a block holds what was asked for and at most a quarter more", "[core][pool]") {
  std::size_t last = 0;
  for (std::size_t bytes = 1; bytes < 100'000; ++bytes) {
    const std::size_t c = pool::size_class(bytes), size = pool::block_size(c);
    if (size < bytes || (bytes > 64 && 4 * size > 5 * bytes + 4) || c < last ||
        c >= std::size(pool::FreeLists().lists))
      FAIL(bytes << " bytes, class " << c << " of " << size);
    last = c;
  }
  CHECK(pool::block_size(pool::size_class(1)) == 64);
  CHECK(pool::size_class(std::size_t{1} << 62) < std::size(pool::free_lists().lists));
}

namespace {
/// Makes a tensor of one block when its thread ends, beside `held`, a block of the same size.
struct Late {
  bool* distinct;
  ~Late() {
    void* held = ::operator new(64, std::align_val_t{64});
    const Tensor<float> t({16});
    *distinct = t.data() != held;
    ::operator delete(held, std::align_val_t{64});
  }
};
}  // namespace

TEST_CASE("tensor: can be made when the free lists of its thread have ended", "[core][tensor]") {
  bool distinct = false;
  std::thread([&] {
    thread_local Late late{&distinct};  // made before the free lists, so destroyed after them
    const Tensor<float> t({16});
    static_cast<void>(late.distinct);
  }).join();
  CHECK(distinct);
}

TEST_CASE("tensor: rows, reshaped and cast keep the row-major order", "[core][tensor]") {
  Tensor<float> a({3, 2, 2});
  std::iota(a.begin(), a.end(), 0.f);
  CHECK(a.rows(1, 2) == Tensor<float>({2, 2, 2}, {4, 5, 6, 7, 8, 9, 10, 11}));
  const std::vector<Index> index{2, 0, 2};
  CHECK(a.rows(index) == Tensor<float>({3, 2, 2}, {8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11}));
  CHECK(a.reshaped({4, 3})(1, 2) == 5);
  CHECK(a.cast<double>()(2, 1, 1) == 11.0);
  CHECK(Tensor<float>(Shape{0, 3}).size() == 0);
  CHECK(Tensor<float>(Shape{}, 2.f).item() == 2);
}

TEST_CASE("tensor: errors name both sides", "[core][tensor]") {
  CHECK_THROWS_WITH((Tensor<float>({2, 2}, {1, 2, 3})),
                    "Tensor: 3 values for shape [2, 2], which has 4");
  CHECK_THROWS_AS(Tensor<float>({2, 2}).reshaped({3}), ShapeError);
  CHECK_THROWS_AS(Tensor<float>({2, 2}).rows(1, 2), ArgumentError);
  const std::vector<Index> after{0, 2}, before{-1};
  CHECK_THROWS_AS(Tensor<float>({2, 2}).rows(after), ArgumentError);
  CHECK_THROWS_AS(Tensor<float>({2, 2}).rows(before), ArgumentError);
  CHECK_THROWS_AS(Tensor<float>(Shape{}).rows(before), ArgumentError);
  CHECK_THROWS_AS(Tensor<float>({2, 2}).rows(1, std::numeric_limits<Index>::max()), ArgumentError);
  CHECK_THROWS_AS(Tensor<float>({2}).item(), ShapeError);
}

TEMPLATE_TEST_CASE("tensor: integers are held, indexed and gathered", "[core][tensor]",
                   std::int64_t, std::int32_t, std::uint8_t) {
  const Tensor<TestType> ids({3, 2}, {5, 0, 2, 7, 1, 3});
  CHECK(ids(1, 1) == 7);
  CHECK(Tensor<TestType>({2, 2}) == Tensor<TestType>({2, 2}, TestType(0)));
  const std::vector<Index> index{2, 0};
  CHECK(gather(ids, index) == Tensor<TestType>({2, 2}, {1, 3, 5, 0}));
  CHECK(ids.template cast<double>() == Tensor<double>({3, 2}, {5, 0, 2, 7, 1, 3}));
  CHECK(Tensor<float>({2}, {2.75f, 200}).cast<TestType>() == Tensor<TestType>({2}, {2, 200}));
}

TEST_CASE("one_hot: a row of the unit matrix for each id", "[core][tensor]") {
  const Tensor<std::uint8_t> codes({1, 2}, {2, 0});
  CHECK(one_hot(codes, 3) == Tensor<float>({1, 2, 3}, {0, 0, 1, 1, 0, 0}));
  CHECK(one_hot<double>(Tensor<Index>(Shape{}, 1), 2) == Tensor<double>({2}, {0, 1}));
  CHECK_THROWS_WITH(one_hot(codes, 2), "one_hot: id 2 among 2 classes");
  CHECK_THROWS_AS(one_hot(Tensor<std::int32_t>({1}, -1), 2), ArgumentError);
  CHECK_THROWS_AS(one_hot(codes, 0), ArgumentError);
  CHECK_THROWS_AS(one_hot(Tensor<Index>({1, 1, 1, 1, 1, 1}), 2), ShapeError);
}
