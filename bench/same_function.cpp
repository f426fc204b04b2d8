// Whether the reference denoisers compute what PyTorch computes: outputs and all gradients against
// files of bench/peers/export.py, in float and in double.
//
//   same_function FILE.safetensors...
//
// Prints the largest relative errors, and fails beyond 1e-4 (float) or 1e-9 (double). An error is
// relative to the largest element of its tensor, or to a thousandth of the largest of all the
// gradients where that is more: a gradient that vanishes in theory is rounding alone.
#include "bench/reference_models.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/io/safetensors.hpp"
#include "foglift/nn/state.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <string>

namespace {

using namespace foglift;

template <Scalar T>
double largest(const Tensor<T>& x) {
  double most = 0;
  for (const T v : x) most = std::max(most, std::abs(static_cast<double>(v)));
  return most;
}

/// max |a - b| over max |b|, or over `least` where that is more; infinite if a is not finite.
template <Scalar T>
double distance(const Tensor<T>& a, const Tensor<T>& b, double least = 1e-30) {
  if (a.shape() != b.shape())
    raise<ShapeError>("same_function: ", a.shape(), " here, ", b.shape(), " there");
  double error = 0;
  for (Index i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    error = std::isnan(d) ? INFINITY : std::max(error, d);
  }
  return error / std::max(largest(b), least);
}

struct Errors {
  double output = 0, saved = 0, input_gradient = 0, gradient = 0;
  std::string worst;  ///< the parameter of the largest `gradient`

  double most() const { return std::max({output, saved, input_gradient, gradient}); }
};

template <class Net>
Errors compare(Net net, const io::Safetensors& file) {
  using T = nn::module_scalar<Net>;
  const auto tensor = [&](const std::string& name) { return file.tensor<T>(name); };
  const std::string kind = sizeof(T) == 4 ? "f32/" : "f64/", prefix = "weight/";
  std::map<std::string, Tensor<T>> weights;
  for (const std::string& name : file.names())
    if (name.starts_with(prefix)) weights.emplace(name.substr(prefix.size()), tensor(name));
  nn::load_state(net, weights);

  Errors e;
  const auto time = tensor("t"), y = net(tensor("x"), time);
  e.output = distance(y, tensor(kind + "y"));
  if (sizeof(T) == 4 && file.contains("saved/y")) e.saved = distance(y, tensor("saved/y"));

  Tape<T> tape;
  const Var<T> x = tape.variable(tensor("x")), recorded = net(x, time);
  e.output = std::max(e.output, distance(recorded.value(), tensor(kind + "y")));
  const auto grads = tape.backward(mse(recorded, tensor("eps")));
  e.input_gradient = distance(grads[x], tensor(kind + "dx"));
  double scale = 0;
  nn::for_each_parameter(net, [&](const std::string& name, const Parameter<T>&) {
    scale = std::max(scale, largest(tensor(kind + "gradient/" + name)));
  });
  nn::for_each_parameter(net, [&](const std::string& name, const Parameter<T>& p) {
    const double d = distance(grads[p], tensor(kind + "gradient/" + name), 1e-3 * scale);
    if (d >= e.gradient) e.worst = name, e.gradient = d;
  });
  return e;
}

template <Scalar T>
Errors compare(const io::Safetensors& file) {
  const std::string& model = file.metadata("model");
  if (model == "mlp2d") return compare(bench::mlp2d<T>(Rng(1)), file);
  if (model == "unet1d") return compare(bench::unet1d<T>(Rng(1)), file);
  if (model == "dit1d") return compare(bench::dit1d<T>(Rng(1)), file);
  if (model == "unet2d") return compare(bench::unet2d<T>(Rng(1)), file);
  raise<ArgumentError>("same_function: ", file.source(), " is of a model \"", model, '"');
}

bool report(const std::string& model, const char* kind, const Errors& e, double allowed) {
  const bool good = e.most() <= allowed;
  std::printf("%-8s %-7s %9.1e", model.c_str(), kind, e.output);
  if (e.saved > 0)
    std::printf(" %9.1e", e.saved);
  else
    std::printf(" %9s", "");
  std::printf(" %9.1e %9.1e  %-34s %s\n", e.input_gradient, e.gradient, e.worst.c_str(),
              good ? "same" : "DIFFERENT");
  return good;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2 || std::string(argv[1]).starts_with("-")) {
    std::fprintf(stderr,
                 "usage: same_function FILE.safetensors...   (see bench/peers/export.py)\n");
    return 2;
  }
  bool good = true;
  std::printf("%-8s %-7s %9s %9s %9s %9s  %s\n", "model", "type", "y", "saved y", "dx", "gradients",
              "worst of the gradients");
  for (int i = 1; i < argc; ++i) {
    const auto file = io::read_safetensors(argv[i]);
    const std::string& model = file.metadata("model");
    good = report(model, "float", compare<float>(file), 1e-4) && good;
    good = report(model, "double", compare<double>(file), 1e-9) && good;
    if (i == argc - 1) std::printf("against %s\n", file.metadata("made_by").c_str());
  }
  return good ? 0 : 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 2;
}
