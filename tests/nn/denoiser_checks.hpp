#pragma once

#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/core/parallel.hpp"
#include "foglift/nn/call.hpp"
#include "foglift/nn/hooks/on_block.hpp"
#include "nn/module_checks.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace foglift::test {

/// Everything that a network of `classes` classes, vectors of 2 and sequences of 3 channels can be
/// told, for B samples: labels from -1 (none), and a mask that hides one of `length` positions.
template <Scalar T>
nn::Condition<T> told(Index B, Index classes, Index length) {
  nn::Condition<T> c;
  for (Index b = 0; b < B; ++b) c.labels.push_back(b % (classes + 1) - 1);
  c.vector = Rng(7).normal<T>({B, 2});
  c.sequence = Rng(8).normal<T>({B, length, 3});
  c.mask = Tensor<T>({B, length}, T(1));
  for (Index b = 0; b < B; ++b) (*c.mask)(b, b % length) = 0;
  return c;
}

template <Scalar T>
Tensor<T> times(Index B) {
  Tensor<T> t({B});
  for (Index b = 0; b < B; ++b) t[b] = static_cast<T>((7 * b) % 33 + 1) / 34;
  return t;
}

/// Marks what the condition's mask hides as missing.
template <Scalar T>
void hide_nan(nn::Condition<T>& c) {
  const Index D = c.sequence->dim(2);
  for (Index i = 0; i < c.sequence->size(); ++i)
    if ((*c.mask)[i / D] == 0) (*c.sequence)[i] = std::numeric_limits<T>::quiet_NaN();
}

/// Whether the gradients of all parameters are numbers.
template <class Net, Scalar T>
bool finite_gradients(const Net& net, const Tensor<T>& x, const Tensor<T>& t,
                      const nn::Condition<T>& c) {
  Tape<T> tape;
  const auto gradients = tape.backward(mean(net(tape.constant(x), t, c)));
  bool finite = true;
  nn::for_each_parameter(net, [&](const std::string&, const auto& p) {
    if (const Tensor<T>* g = gradients.find(p))
      for (const T v : *g) finite = finite && std::isfinite(v);
  });
  return finite;
}

/// The first n samples of a condition.
template <Scalar T>
nn::Condition<T> first(const nn::Condition<T>& c, Index n) {
  nn::Condition<T> out = c;
  if (!c.labels.empty()) out.labels.resize(static_cast<std::size_t>(n));
  using C = nn::Condition<T>;
  for (auto field : {&C::vector, &C::sequence, &C::mask, &C::map, &C::present})
    if (c.*field) (out.*field).emplace((c.*field)->rows(0, n));
  return out;
}

template <Scalar T>
bool same_bits(const Tensor<T>& a, const Tensor<T>& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(T)) == 0;
}

/// A sample's output has the same bits in batches of 1, 7, 16 and 33, with 1 to 4 threads, on a
/// Tensor and on a Var; also each sample alone. `sample` is the shape of one sample, `condition`
/// one for 33.
template <class Net>
void check_bits(const Net& net, const Shape& sample, const nn::Condition<float>& condition) {
  const Index B = 33;
  const auto batch = [&](Index n) {
    return sample.rank() == 1   ? Shape{n, sample[0]}
           : sample.rank() == 2 ? Shape{n, sample[0], sample[1]}
                                : Shape{n, sample[0], sample[1], sample[2]};
  };
  const Tensor<float> x = Rng(3).normal<float>(batch(B));
  const Tensor<float> t = times<float>(B);
  set_threads(1);
  const Tensor<float> all = net(x, t, condition);
  REQUIRE(std::all_of(all.begin(), all.end(), [](float v) { return std::isfinite(v); }));
  for (const int n : {1, 2, 3, 4}) {
    set_threads(n);
    CHECK(same_bits(net(x, t, condition), all));
    for (const Index b : {Index{1}, Index{7}, Index{16}})
      CHECK(same_bits(net(x.rows(0, b), t.rows(0, b), first(condition, b)), all.rows(0, b)));
  }
  Tape<float> tape;
  CHECK(same_bits(net(tape.constant(x), t, condition).value(), all));
  const auto none = first(condition, 0);
  CHECK(net(x.rows(0, 0), t.rows(0, 0), none).shape() == all.rows(0, 0).shape());
  // Position in the batch: the last sample as the first.
  const auto last = nn::rows(condition, B - 1, 1);
  CHECK(same_bits(net(x.rows(B - 1, 1), t.rows(B - 1, 1), last), all.rows(B - 1, 1)));
  set_threads(1);
}

/// A hook is shown exactly block_names(), in order; it changes nothing, on a Tensor and on a Var.
template <class Net>
void check_blocks(const Net& net, const Shape& shape, const nn::Condition<float>& condition) {
  const Tensor<float> x = Rng(4).normal<float>(shape), t = times<float>(shape[0]);
  std::vector<std::string> names;
  std::vector<Tensor<float>> seen;
  const nn::hooks::OnBlock look([&](std::string_view name, const auto& h) {
    names.emplace_back(name);
    seen.push_back(value_of(h));
  });
  const Tensor<float> y = net(x, t, condition, nn::Call(look));
  CHECK(names == net.block_names());
  CHECK(same_bits(y, net(x, t, condition)));
  for (const auto& h : seen) CHECK(h.dim(0) == shape[0]);
  const std::vector<Tensor<float>> first_run = std::move(seen);
  names.clear();
  seen.clear();
  Tape<float> tape;
  net(tape.constant(x), t, condition, nn::Call(look));
  CHECK(names == net.block_names());
  CHECK(seen == first_run);
}

/// Gradients with respect to at most `entries` entries of every parameter, and of the input.
template <class Net, class H = nn::NoHook>
void check_gradients(const Net& net, const Shape& shape, const nn::Condition<double>& condition,
                     Index entries, const nn::Call<H>& call = {}) {
  const Tensor<double> x = Rng(5).normal<double>(shape), t = times<double>(shape[0]);
  const auto parameters = nn::gradcheck(
      net,
      [&](const Net& n, Tape<double>& tape) { return n(tape.constant(x), t, condition, call); },
      {.points = 4, .step = 1e-3, .max_entries = entries});
  INFO(parameters);
  CHECK(parameters.max_error < 1e-6);
  const auto input =
      gradcheck([&](std::span<const Var<double>> in) { return net(in[0], t, condition, call); },
                {x}, {.points = 4, .step = 1e-3, .max_entries = 4 * entries});
  INFO(input);
  CHECK(input.max_error < 1e-6);
}

/// A copy shares nothing with the original.
template <class Net>
void check_copy(const Net& net, const Shape& shape) {
  const Tensor<float> x = Rng(6).normal<float>(shape), t = times<float>(shape[0]);
  Net copy = net;
  const Tensor<float> before = net(x, t);
  CHECK(same_bits(copy(x, t), before));
  nn::for_each_parameter(copy, [](const std::string&, auto& p) { p.value.fill(0.125f); });
  CHECK(same_bits(net(x, t), before));
  CHECK_FALSE(same_bits(copy(x, t), before));
}

}  // namespace foglift::test
