// Covers: autoencoder blocks/spade blocks/wavenet encoder graph_conv kernels/points
//   kernels/resample layers/spade nets/wavenet ops/points ops/resample quantizer state_space
//   two_axis
// autoencoder
#include "foglift/autograd/ops/points.hpp"
#include "foglift/autograd/ops/resample.hpp"
#include "foglift/nn/blocks/spade.hpp"
#include "foglift/nn/blocks/two_axis.hpp"
#include "foglift/nn/blocks/wavenet.hpp"
#include "foglift/nn/layers/graph_conv.hpp"
#include "foglift/nn/layers/quantizer.hpp"
#include "foglift/nn/layers/state_space.hpp"
#include "foglift/nn/nets/autoencoder.hpp"
#include "foglift/nn/nets/wavenet.hpp"
#include "reference/torch_dump.hpp"

#include <vector>

using namespace foglift;

// Tests against what PyTorch 2.15.0 computed in double: make_shelf.py.

namespace {

const test::TorchDump& dump() {
  static const test::TorchDump file("reference_shelf.safetensors");
  return file;
}

/// Both sides round sums of a few dozen terms, some ten operations in a row, to 2^-53 each.
constexpr double rounding = 1e-12;

/// The output of call(inputs) and the gradients of its inputs and of the model's parameters.
template <class Model, class Call>
void compare(const std::string& label, Model model, const std::vector<std::string>& inputs,
             const Call& call) {
  INFO(label);
  dump().load(model, label);
  Tape<double> tape;
  std::vector<Var<double>> in;
  for (const std::string& name : inputs)
    in.push_back(tape.variable(dump().tensor<double>(label + "/" + name)));
  const Var<double> y = call(model, in);
  CHECK(test::distance(y.value(), dump().tensor<double>(label + "/y")) < rounding);
  const auto gradients = tape.backward(y, dump().tensor<double>(label + "/seed"));
  const auto agrees = [&](const std::string& name, const Tensor<double>& g) {
    INFO(name);
    CHECK(test::distance(g, dump().tensor<double>(label + "/gradient/" + name)) < rounding);
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) agrees(inputs[i], gradients[in[i]]);
  nn::for_each_parameter(model, [&](const std::string& name, const Parameter<double>& p) {
    agrees(name, gradients[p]);
  });
}

/// Of operations.
struct NoParameters {
  using value_type = double;
  static void each(auto&, auto&&) {}
};

}  // namespace

TEST_CASE("pytorch: points are read as grid_sample reads them", "[reference][points]") {
  for (const bool align : {false, true})
    for (const bool border : {false, true})
      compare(std::string("points_") + (border ? "border_" : "zeros_") + (align ? "1" : "0"),
              NoParameters(), {"x", "points"}, [&](const auto&, const auto& in) {
                return sample_points(
                    in[0], in[1],
                    {.align_corners = align, .outside = border ? Outside::border : Outside::zero});
              });
}

TEST_CASE("pytorch: grids are resized as interpolate resizes them", "[reference][resample]") {
  for (const bool align : {false, true}) {
    const std::string end = align ? "1" : "0";
    for (const Index n : {3, 8})
      compare("resize_" + std::to_string(n) + "_" + end, NoParameters(), {"x"},
              [&](const auto&, const auto& in) { return resize_linear(in[0], {n}, align); });
    compare("resize2_" + end, NoParameters(), {"x"},
            [&](const auto&, const auto& in) { return resize_linear(in[0], {7, 2}, align); });
  }
}

TEST_CASE("pytorch: S4D by a recurrence and by the FFT", "[reference][state_space]") {
  Rng rng(1);
  compare("state_space", nn::StateSpace<double>({.channels = 3, .modes = 4}, rng), {"x"},
          [](const auto& m, const auto& in) { return m(in[0]).sequence; });
}

TEST_CASE("pytorch: diffusion convolution over two graphs", "[reference][graph_conv]") {
  Rng rng(1);
  std::vector<Csr<double>> graphs{Csr<double>::of(dump().tensor<double>("graph_conv/a")),
                                  Csr<double>::of(dump().tensor<double>("graph_conv/b"))};
  compare("graph_conv", nn::GraphConv<double>({.in = 3, .out = 2, .hops = 2}, graphs, rng), {"x"},
          [](const auto& m, const auto& in) { return m(in[0]); });
}

TEST_CASE("pytorch: vector quantization, its losses and its gradients", "[reference][quantizer]") {
  Rng rng(1);
  compare("quantizer", nn::Quantizer<double>({.codes = 6, .width = 2}, rng), {"z"},
          [](const auto& m, const auto& in) {
            const auto out = m(in[0]);
            return concat({reshape(out.quantized, {24}), reshape(out.loss, {1})}, 0);
          });
}

TEST_CASE("pytorch: SPADE blocks in one and two dimensions", "[reference][spade]") {
  Rng rng(1);
  const nn::SpadeBlockOptions options{
      .in = 4, .out = 6, .map = 2, .hidden = 3, .embedding = 3, .groups = 2};
  const auto call = [](const auto& m, const auto& in) { return m(in[0], in[1], &in[2]); };
  compare("spade1", nn::SpadeBlock<1, double>(options, rng), {"x", "map", "e"}, call);
  compare("spade2", nn::SpadeBlock<2, double>(options, rng), {"x", "map", "e"}, call);
}

TEST_CASE("pytorch: the residual blocks of DiffWave and CSDI", "[reference][wavenet][two_axis]") {
  Rng rng(1);
  const auto call = [](const auto& m, const auto& in) {
    const auto y = m(in[0], &in[1], &in[2]);
    return concat({y.x, y.skip}, -1);
  };
  compare(
      "wavenet",
      nn::WavenetBlock<double>({.width = 4, .embedding = 5, .condition = 3, .dilation = 2}, rng),
      {"x", "e", "c"}, call);
  compare("two_axis",
          nn::TwoAxisBlock<double>(
              {.width = 4, .heads = 2, .hidden = 6, .embedding = 5, .condition = 3}, rng),
          {"x", "e", "c"}, call);
}

TEST_CASE("pytorch: DiffWave told a map at every position", "[reference][wavenet]") {
  Rng rng(1);
  const auto time = dump().tensor<double>("diffwave/time");
  compare("diffwave",
          nn::Wavenet<double>({.in = 2,
                               .out = 3,
                               .width = 4,
                               .depth = 3,
                               .cycle = 2,
                               .map = 2,
                               .embedding = {.width = 6}},
                              rng),
          {"x", "map"}, [&](const auto& m, const auto& in) {
            nn::Condition<Var<double>> told;
            told.map = in[1];
            return m(in[0], time, told);
          });
}

TEST_CASE("pytorch: autoencoders with a normal law and with codes", "[reference][autoencoder]") {
  Rng rng(1);
  const nn::AutoencoderOptions options{
      .codec = {.in = 2, .out = 3, .width = 4, .multipliers = {1, 2}, .groups = 2}, .codes = 5};
  const auto joined = [](const auto& y, const auto& loss) {
    return concat({reshape(y, {value_of(y).size()}), reshape(loss, {1})}, 0);
  };
  compare(
      "kl", nn::KlAutoencoder<1, double>(options, rng), {"x"}, [&](const auto& m, const auto& in) {
        const auto law = m.encode(in[0]);
        return joined(m.decode(law.sample(dump().tensor<double>("kl/noise"))), law.divergence());
      });
  compare("vq", nn::VqAutoencoder<2, double>(options, rng), {"x"},
          [&](const auto& m, const auto& in) {
            const auto z = m.encode(in[0]);
            return joined(m.decode(z.quantized), z.loss);
          });
}
