// Covers: blur gated graph kernels/points kernels/scan modulation ops/dct ops/scan ops/sinusoids
#include "autograd/op_registry.hpp"
#include "foglift/autograd/gradcheck.hpp"
#include "foglift/autograd/ops.hpp"
#include "foglift/core/parallel.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string_view>

using namespace ops_under_test;

namespace {

/// f(case) over all entries and cases, with the entry named in failures.
template <class F>
void for_each_case(const F& f) {
  for (const OpEntry& entry : op_entries()) {
    Rng rng(20);
    const std::vector<OpCase> cases = entry.cases(rng);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      INFO(entry.name << ", case " << i);
      f(cases[i]);
    }
  }
}

template <class T>
std::vector<Tensor<T>> cast_all(const std::vector<Tensor<double>>& inputs) {
  std::vector<Tensor<T>> out;
  for (const Tensor<double>& x : inputs) out.push_back(x.cast<T>());
  return out;
}

/// The same shape and bits, so that NaN equals itself and 0 differs from -0.
template <class T>
bool same_bits(const Tensor<T>& a, const Tensor<T>& b) {
  return a.shape() == b.shape() &&
         (a.empty() ||
          std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(T)) == 0);
}

template <class T>
Tensor<T> run(const OpCase& c, const std::vector<Tensor<T>>& inputs) {
  return c.call(std::span<const Tensor<T>>(inputs));
}

/// `count` rows from `first` on of x repeated without end.
template <class T>
Tensor<T> cyclic_rows(const Tensor<T>& x, Index first, Index count) {
  auto out = Tensor<T>::uninitialized(x.shape().with(0, count));
  const Index row = x.row_size();
  for (Index i = 0; i < count; ++i)
    std::copy_n(x.data() + (first + i) % x.dim(0) * row, row, out.data() + i * row);
  return out;
}

/// The case's inputs with rows [first, first + count) of an endless batch.
template <class T>
std::vector<Tensor<T>> batch(const OpCase& c, Index first, Index count) {
  std::vector<Tensor<T>> inputs = cast_all<T>(c.inputs);
  for (const std::size_t i : c.batched) inputs[i] = cyclic_rows(inputs[i], first, count);
  return inputs;
}

bool can_be_batched(const OpCase& c) {
  return !c.batched.empty() && c.inputs[c.batched[0]].dim(0) > 0;
}

template <class T>
void check_batch_splits(const OpCase& c) {
  const Index n = 33;
  const Tensor<T> all = run(c, batch<T>(c, 0, n));
  REQUIRE(all.dim(0) == n);
  for (const Index part : {1, 7, 16}) {
    bool same = true;
    for (Index first = 0; first < n; first += part) {
      const Index count = std::min(part, n - first);
      same = same && same_bits(run(c, batch<T>(c, first, count)), all.rows(first, count));
    }
    CHECK(same);
  }
}

/// Output and gradients of a case on a tape, with the inputs in `wanted` as variables.
template <class T>
std::vector<Tensor<T>> differentiate(const OpCase& c, const std::vector<Tensor<T>>& inputs,
                                     const std::vector<bool>& wanted) {
  Tape<T> tape;
  std::vector<Var<T>> vars;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    vars.push_back(wanted[i] ? tape.variable(inputs[i]) : tape.constant(inputs[i]));
  const Var<T> y = c.call(std::span<const Var<T>>(vars));
  Tensor<T> seed = Rng(3).normal<T>(Shape{y.size()}).reshaped(y.shape());
  const Gradients<T> gradients = tape.backward(y, std::move(seed));
  std::vector<Tensor<T>> results{y.value()};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor<T>* g = gradients.find(vars[i]);
    results.push_back(g && wanted[i] ? *g : Tensor<T>());
    REQUIRE((wanted[i] || !g));
  }
  return results;
}

/// Names of functions that return a Var, in the headers of autograd/ops outside namespace detail:
/// declarations that begin a line with "Var<T> name(", "X name(" or "Value auto name(".
std::set<std::string> declared_operations() {
  std::set<std::string> names;
  for (const auto& file :
       std::filesystem::directory_iterator(FOGLIFT_SOURCE_DIR "/include/foglift/autograd/ops")) {
    std::ifstream in(file.path());
    bool detail = false;
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("namespace ") && line.ends_with("detail {")) detail = true;
      if (line.starts_with("}  // namespace") && line.ends_with("detail")) detail = false;
      if (line.starts_with("inline ")) line.erase(0, 7);
      const std::size_t paren = line.find('(');
      for (const std::string_view type : {"Var<T> ", "X ", "Value auto "})
        if (!detail && line.starts_with(type) && paren != std::string::npos)
          names.insert(line.substr(type.size(), paren - type.size()));
    }
  }
  return names;
}

}  // namespace

TEST_CASE("operations: every function of the headers has a registry entry", "[autograd][ops]") {
  std::set<std::string> registered;
  for (const OpEntry& entry : op_entries()) {
    INFO(entry.name);
    Rng rng(20);
    CHECK(entry.cases(rng).size() >= 20);
    registered.insert(entry.name);
  }
  const std::set<std::string> declared = declared_operations();
  CHECK(
      (declared.contains("linear") && declared.contains("silu")));  // the scan finds what is there
  for (const std::string& name : declared) {
    INFO(name);
    CHECK(registered.contains(name));
  }
}

TEST_CASE("operations: gradients agree with finite differences in double", "[autograd][ops]") {
  for_each_case([](const OpCase& c) {
    // Central differences at h = 1e-5 on projections of a few hundred numbers of order 1:
    // truncation about 1e-10 f''', rounding 2^-53 * 100 / 1e-5 = 1e-9.
    const GradcheckReport report = gradcheck(c.call, c.inputs, {.max_entries = 24});
    INFO(report);
    CHECK(report.max_error <= 1e-6);
  });
}

TEST_CASE("operations: Tensor and Var give the same bits", "[autograd][ops]") {
  const auto check = [](const OpCase& c, auto zero) {
    using T = decltype(zero);
    const auto inputs = cast_all<T>(c.inputs);
    Tape<T> tape;
    std::vector<Var<T>> vars;
    for (const Tensor<T>& x : inputs) vars.push_back(tape.constant(x));
    const Var<T> y = c.call(std::span<const Var<T>>(vars));
    CHECK(same_bits(y.value(), run(c, inputs)));
    CHECK_FALSE(y.needs_gradient());
  };
  for_each_case([&](const OpCase& c) {
    check(c, 0.0);
    check(c, 0.0F);
  });
}

TEST_CASE("operations: a sample has the same bits in any batch", "[autograd][ops]") {
  for_each_case([](const OpCase& c) {
    if (!can_be_batched(c)) return;
    check_batch_splits<double>(c);
    check_batch_splits<float>(c);
  });
}

TEST_CASE("operations: results and gradients do not depend on the threads", "[autograd][ops]") {
  const int before = threads();
  for_each_case([](const OpCase& c) {
    const auto inputs = can_be_batched(c) ? batch<float>(c, 0, 33) : cast_all<float>(c.inputs);
    const std::vector<bool> all(inputs.size(), true);
    set_threads(1);
    const auto expected = differentiate(c, inputs, all);
    for (int n : {2, 3, 4}) {
      set_threads(n);
      CHECK(std::ranges::equal(differentiate(c, inputs, all), expected, same_bits<float>));
    }
  });
  set_threads(before);
}

TEST_CASE("operations: each input is differentiated alone as with the others", "[autograd][ops]") {
  for_each_case([](const OpCase& c) {
    const std::size_t n = c.inputs.size();
    if (n < 2) return;
    const auto all = differentiate(c, c.inputs, std::vector<bool>(n, true));
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<bool> only(n, false);
      only[i] = true;
      CHECK(same_bits(differentiate(c, c.inputs, only)[i + 1], all[i + 1]));
    }
  });
}
