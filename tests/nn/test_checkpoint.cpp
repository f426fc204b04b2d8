#include "foglift/autograd/ops/loss.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/nn/nets/dit.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "support/catch.hpp"

#include <cstddef>
#include <thread>

// The sanitizers bring their own operator new, and under the address sanitizer nothing is pooled.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS_MEMORY 1
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef COUNTS_MEMORY
#endif
#endif
#endif
#ifdef COUNTS_MEMORY
#include "support/counted_new.hpp"
#endif

using namespace foglift;

namespace {

/// Loss and gradients of a network, one tensor after the other.
template <class Net>
std::vector<Tensor<float>> gradients(const Net& net, const Tensor<float>& x,
                                     const nn::Condition<float>& condition, const nn::Call<>& call,
                                     bool last) {
  Tape<float> tape;
  const auto v = tape.variable(x);
  const auto loss = mse(net(v, Tensor<float>({x.dim(0)}, 0.3f), condition, call), x);
  const auto g = last ? std::move(tape).backward(loss) : tape.backward(loss);
  std::vector<Tensor<float>> all{loss.value(), g[v]};
  nn::for_each_unnamed(net, [&](const Parameter<float>& p) { all.push_back(g[p]); });
  return all;
}

nn::UNetOptions unet(bool checkpoint) {
  return {.in = 2,
          .width = 8,
          .multipliers = {1, 2},
          .blocks = 2,
          .heads = 2,
          .groups = 4,
          .dropout = 0.2,
          .checkpoint = checkpoint};
}
nn::TransformerOptions dit(bool checkpoint) {
  return {.in = 2,
          .width = 16,
          .depth = 3,
          .heads = 2,
          .zero = false,
          .dropout = 0.2,
          .sequence = 3,
          .checkpoint = checkpoint};
}

template <class Net, class Options>
void same_gradients(const Options& options, const Tensor<float>& x,
                    const nn::Condition<float>& condition, const nn::Call<>& call) {
  Rng a(1), b(1);
  const Net plain(options(false), a), sparing(options(true), b);
  for (const bool last : {false, true})
    CHECK(gradients(plain, x, condition, call, last) ==
          gradients(sparing, x, condition, call, last));
}

}  // namespace

TEST_CASE("checkpoint: networks get the same gradients to the bit", "[nn][checkpoint]") {
  const auto x = Rng(2).normal<float>({3, 12, 2});
  nn::Condition<float> condition;
  same_gradients<nn::UNet1d<float>>(unet, x, condition, nn::Call<>());
  const nn::Call call(nn::DropoutNoise{Rng(5), 3, 7});
  same_gradients<nn::UNet1d<float>>(unet, x, condition, call);
  condition.sequence = Rng(3).normal<float>({3, 4, 3});
  same_gradients<nn::Dit1d<float>>(dit, x, condition, call);
  condition.mask = Tensor<float>({3, 4}, 1.f);
  (*condition.mask)(1, 2) = 0;
  condition.present = Tensor<float>({3}, {1, 0, 1});
  same_gradients<nn::Dit1d<float>>(dit, x, condition, call);
}

TEST_CASE("checkpoint: a value used inside and outside, and checkpoints within one another",
          "[autograd][checkpoint]") {
  const Parameter<float> p(Rng(1).normal<float>({5, 5})), unused(Tensor<float>({2}));
  const auto f = [&](const auto& a) { return tanh(linear(a, use(p, a)) * a) + a; };
  const auto run = [&](const auto& g) {
    Tape<float> tape;
    const auto x = tape.variable(Rng(2).normal<float>({4, 5}));
    const auto y = sum(g(x) * x + linear(x, tape.parameter(p)) * g(g(x)));
    auto grads = tape.backward(y);
    CHECK(grads.find(unused) == nullptr);
    return std::vector<Tensor<float>>{y.value(), grads[x], grads[p]};
  };
  const auto plain = run(f);
  const auto once = [&](const auto& a) { return checkpoint(f, a); };
  CHECK(run(once) == plain);
  CHECK(run([&](const auto& a) { return checkpoint(once, a); }) == plain);
}

TEST_CASE("checkpoint: parameters get gradients where no input does", "[autograd][checkpoint]") {
  const Parameter<float> p(Tensor<float>({1}, {3}));
  Tape<float> tape;
  const auto c = tape.constant(Tensor<float>({1}, {5}));
  const auto y = checkpoint([&](const auto& a) { return square(a * use(p, a)); }, c);
  CHECK(tape.backward(y)[p].item() == 2 * 3 * 25);
  const auto z = checkpoint([](const auto& a) { return square(a); }, c);
  CHECK_FALSE(z.needs_gradient());
  CHECK(checkpoint([](const auto& a) { return square(a); }, c.value()).item() == 25);
}

#ifdef COUNTS_MEMORY
TEST_CASE("checkpoint: training takes less memory at its peak", "[nn][checkpoint]") {
  const auto peak = [](bool checkpoint) {
    std::ptrdiff_t most = 0;
    std::thread([&] {  // with free lists of its own
      Rng rng(1);
      nn::UNetOptions o = unet(checkpoint);
      o.blocks = 4, o.dropout = 0;
      const nn::UNet1d<float> net(o, rng);
      const auto x = Rng(2).normal<float>({8, 512, 2});
      const int before = threads();
      set_threads(1);
      most = counted::peak_of([&] { gradients(net, x, {}, nn::Call<>(), true); });
      set_threads(before);
    })
        .join();
    return most;
  };
  const auto plain = peak(false), sparing = peak(true);
  INFO("peak " << plain << " bytes, with checkpoints " << sparing);
  CHECK(5 * sparing < 4 * plain);  // a residual block keeps one tensor in place of two
}
#endif
