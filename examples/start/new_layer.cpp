// Writes a layer and a network of it, and checks the gradients of all parameters.
//
//   gradients of all parameters agree with differences
//   8706 numbers to learn, 5 points in, 5 out
#include <foglift/foglift.hpp>
#include <foglift/nn/gradcheck.hpp>

#include <cstdio>

using namespace foglift;

// A gated layer, x + gain (W1 x) * silu(W2 x + e). X is a Tensor, or a Var that records on a tape.
template <class T>
struct Gated {
  nn::Linear<T> value, gate;
  Parameter<T> gain;

  Gated(Index width, Rng& rng)
      : value({.in = width, .out = width}, rng),
        gate({.in = width, .out = width}, rng),
        gain(Tensor<T>({width}, T(0.5))) {}
  template <nn::ValueOf<T> X>
  X operator()(const X& x, const X& e) const {
    return x + value(x) * silu(gate(x) + e) * use(gain, x);
  }
  // Names every child once; counting, training, averages and files follow from it.
  static void each(auto& self, auto&& f) {
    f("value", self.value), f("gate", self.gate), f("gain", self.gain);
  }
};

template <class T>
struct Net {
  nn::TimeEmbedding<T> embedding;
  nn::Linear<T> in, out;
  std::vector<Gated<T>> layers;

  Net(Index features, Index width, Index depth, Rng& rng)
      : embedding({.features = 32, .width = width}, rng),
        in({.in = features, .out = width}, rng),
        out({.in = width, .out = features}, rng) {
    for (Index i = 0; i < depth; ++i) layers.emplace_back(width, rng);
  }
  template <nn::ValueOf<T> X>
  X operator()(const X& x, const Tensor<T>& time) const {
    const X e = embedding(time, {}, x);
    X h = in(x);
    for (const Gated<T>& layer : layers) h = layer(h, e);
    return out(h);
  }
  static void each(auto& self, auto&& f) {
    f("embedding", self.embedding), f("in", self.in), f("layers", self.layers), f("out", self.out);
  }
};

int main() {
  Rng rng(1);
  const Net<double> small(2, 8, 2, rng);
  const auto x = rng.normal<double>({3, 2});
  const auto report = nn::gradcheck(small, [&](const auto& net, auto& tape) {
    return net(tape.constant(x), Tensor<double>({3}, 0.4));
  });
  std::printf("gradients of %s parameters agree with differences\n",
              report.max_error < 1e-6 ? "all" : "not all");

  Net<float> net(2, 32, 3, rng);  // an nn:: network like any other from here on
  const auto y = net(rng.normal({5, 2}), Tensor<float>({5}, 0.3f));
  std::printf("%td numbers to learn, 5 points in, %td out\n", nn::parameter_count(net), y.dim(0));
}
