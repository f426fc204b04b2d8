// Looks into a transformer while it runs: keeps the attention of one call and puts it into another.
//
//   blocks.0.self looks at 7.8 of 8 places
//   blocks.1.self looks at 7.8 of 8 places
//   its own attention changes the output by 0.00
//   another one's by more than that
#include <foglift/foglift.hpp>
#include <foglift/nn/hooks/record.hpp>
#include <foglift/nn/hooks/replace.hpp>

#include <cmath>
#include <cstdio>

using namespace foglift;

// A hook of one's own: how many places an attention looks at, as the exponential of its entropy. It
// only reads.
struct Breadth {
  template <Value X>
  void weights(std::string_view name, const X& map) {  // [B, heads, N, M]
    double entropy = 0;
    for (const float w : value_of(map))
      entropy -= static_cast<double>(w) * std::log(static_cast<double>(w) + 1e-30);
    const double rows = static_cast<double>(map.size() / map.dim(3));
    std::printf("%s looks at %.1f of %td places\n", std::string(name).c_str(),
                std::exp(entropy / rows), map.dim(3));
  }
};

int main() {
  Rng rng(1);
  const nn::Dit1d<float> net({.in = 1, .patch = 2, .width = 32, .depth = 2, .zero = false}, rng);
  const Tensor<float> time({1}, 0.3f), one = Rng(2).normal({1, 16, 1}),
                                       other = Rng(3).normal({1, 16, 1});

  Breadth breadth;
  net(one, time, {}, nn::Call(breadth));

  nn::hooks::Record<Tensor<float>> record({.weights = {"blocks.0.self", "blocks.1.self"}});
  const Tensor<float> y = net(one, time, {}, nn::Call(record));
  const nn::hooks::Replace replace(record.seen);
  const auto apart = [](const Tensor<float>& a, const Tensor<float>& b) {
    return std::sqrt(mean(square(a - b)).item());
  };
  std::printf("its own attention changes the output by %.2f\n",
              apart(net(one, time, {}, nn::Call(replace)), y));
  std::printf("another one's by %s\n",
              apart(net(other, time, {}, nn::Call(replace)), net(other, time)) > 0.001f
                  ? "more than that"
                  : "nothing");
}
