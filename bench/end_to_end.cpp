// What people run for minutes, for bench/peers/end_to_end.py to alternate with other libraries:
//
//   end_to_end THREADS FOLDER DATA [bf16]
//                                   writes what the others need into FOLDER, then answers requests
//                                   from standard input, one a line, by seconds
//     paths FIRST COUNT PATHS         sample paths of M4-Hourly's series from FIRST on, by the
//                                     network of the forecasting program
//     features FIRST COUNT            what all blocks of unet2d make of images at 8 noise levels
//     train_paths FIRST COUNT         optimizer steps on 64 windows of the series each
//     train_images FIRST COUNT        optimizer steps on 64 images each
//     error WORK                      how far paths or features are from those in FOLDER, over the
//                                     largest of them
//
// DATA holds m4/Hourly-{train,test}.csv. FOLDER/paths.safetensors and FOLDER/images.safetensors
// hold the weights, the inputs, and what comes of the first of them (`y`).
#include "bench/denoiser_work.hpp"
#include "bench/forecast/protocols/protocol.hpp"
#include "foglift/core/autocast.hpp"
#include "foglift/forecast/frame/framer.hpp"
#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "foglift/io/safetensors_writer.hpp"
#include "foglift/probe/noise_policy.hpp"
#include "foglift/probe/sink/collect.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace foglift;
using Method = forecast::HorizonDiffusion<>;

constexpr Index batch = 64, checked_paths = 4, checked_images = 4;

void write(const std::string& path, const std::map<std::string, Tensor<float>>& tensors) {
  std::vector<io::NamedTensor> views;
  for (const auto& [name, tensor] : tensors) views.push_back(io::named(name, tensor));
  io::write_safetensors(path, std::move(views), {});
}

template <class Net>
std::map<std::string, Tensor<float>> weights_of(const Net& net) {
  std::map<std::string, Tensor<float>> found;
  nn::for_each_parameter(net, [&](const std::string& name, const Parameter<float>& p) {
    found.emplace("weight/" + name, p.value);
  });
  return found;
}

/// Rows (what the network is told, alpha, sigma) of levels.
template <class P>
Tensor<float> table(const P& parameterization, const std::vector<Level>& levels) {
  Tensor<float> rows({std::ssize(levels), 3});
  for (Index i = 0; i < std::ssize(levels); ++i) {
    const Level& l = levels[static_cast<std::size_t>(i)];
    rows(i, 0) = static_cast<float>(predict::condition(parameterization, l));
    rows(i, 1) = static_cast<float>(l.alpha);
    rows(i, 2) = static_cast<float>(l.sigma);
  }
  return rows;
}

/// Forecasts of M4-Hourly by the forecasting program's network, not trained: what it costs does not
/// depend on its weights.
class Paths {
 public:
  explicit Paths(const std::string& data)
      : protocol_(m4_hourly(data)),
        panel_(protocol_.series),
        method_({.frame = protocol_.frame,
                 .net = {.width = 24,
                         .multipliers = {1, 2, 2},
                         .blocks = 1,
                         .middle_attention = false,
                         .dropout = 0.3}},
                rng_),
        framer_(method_.frame()) {}

  void draw(Index first, Index count, Index paths) const {
    const PackedWeights packed(method_);
    for (Index s = first; s < first + count; ++s)
      bench::escape(method_.draw(frames(s, 1), keys(s, paths)).data());
  }

  void train(Index first, Index count) {
    for (Index step = first; step < first + count; ++step) {
      const FlushDenormals guard;
      const forecast::Frame batch_frames = frames(step * batch, batch);
      Tape<float> tape;
      const forecast::LossKeys keys{.rng = Rng(3),
                                    .draws = {.step = step},
                                    .dropout = nn::DropoutNoise{.rng = Rng(4), .step = step}};
      const auto loss = method_.loss(batch_frames, keys, tape);
      adam_.step(method_, std::move(tape).backward(loss));
    }
  }

  Tensor<float> checked() const {
    const PackedWeights packed(method_);
    return method_.draw(frames(0, 1), keys(0, checked_paths));
  }

  void save(const std::string& folder) const {
    auto tensors = weights_of(method_.net());
    const forecast::Frame all = frames(0, size());
    tensors.emplace("features", method_.features()(all));
    tensors.emplace("target", all.scaled_target());
    tensors.emplace("levels",
                    table(predict::Velocity{},
                          grid::uniform(schedule::Cosine{}, method_.options().sampling_steps)));
    tensors.emplace("noise", detail::prior_rng(keys(0, 1).rng, SampleOptions{})
                                 .normal<float>({checked_paths, protocol_.frame.horizon, 1}));
    tensors.emplace("y", checked());
    write(folder + "/paths.safetensors", tensors);
  }

 private:
  Index size() const { return std::ssize(protocol_.origins); }
  static forecast::PathKeys keys(Index series, Index paths) {
    return {.rng = Rng(2).stream(static_cast<std::uint64_t>(series)), .count = paths};
  }
  /// Frames of `count` series from `first` on, around and around.
  forecast::Frame frames(Index first, Index count) const {
    std::vector<forecast::Origin> origins;
    for (Index i = first; i < first + count; ++i)
      origins.push_back(protocol_.origins[static_cast<std::size_t>(i % size())]);
    return framer_(panel_, origins);
  }

  Rng rng_ = Rng(1);
  Protocol protocol_;
  forecast::Panel panel_;
  Method method_;
  forecast::Framer framer_;
  train::Adam<float> adam_{{.lr = 1e-4}};
};

/// Features and training of the denoiser of images, on noise: what it costs does not depend on what
/// they show.
class Images {
 public:
  void features(Index first, Index count) const {
    bench::escape(extracted(first, count).levels.data());
  }

  void train(Index first, Index count) {
    if (!step_) step_ = bench::training_step(denoise_.network(), Shape{1, 32, 32, 3}, batch);
    for (Index step = first; step < first + count; ++step) step_();
  }

  /// [levels, images, features of all blocks]
  Tensor<float> checked() const {
    Index width = 0;
    const auto found = extracted(0, checked_images).levels;
    for (const auto& block : found.front()) width += block.values.dim(1);
    Tensor<float> all({std::ssize(found), checked_images, width});
    for (Index l = 0; l < std::ssize(found); ++l)
      for (Index b = 0; b < checked_images; ++b) {
        float* to = &all(l, b, 0);
        for (const auto& block : found[static_cast<std::size_t>(l)]) {
          const Index n = block.values.dim(1);
          to = std::copy_n(block.values.data() + b * n, n, to);
        }
      }
    return all;
  }

  void save(const std::string& folder) const {
    auto tensors = weights_of(denoise_.network());
    const Tensor<float> x0 = images(0, checked_images);
    tensors.emplace("x0", x0);
    tensors.emplace("levels", table(predict::Epsilon{}, levels_));
    Tensor<float> eps(x0.shape());
    for (Index b = 0; b < checked_images; ++b)
      policy_.fill(std::span<float>(eps.data() + b * eps.row_size(),
                                    static_cast<std::size_t>(eps.row_size())),
                   static_cast<std::uint64_t>(b), 0, 0);
    tensors.emplace("eps", std::move(eps));
    tensors.emplace("y", checked());
    write(folder + "/images.safetensors", tensors);
  }

 private:
  static Tensor<float> images(Index first, Index count) {
    return Rng(5).normal<float>({count, 32, 32, 3}, static_cast<std::uint64_t>(first));
  }
  probe::Collect<float> extracted(Index first, Index count) const {
    const PackedWeights packed(denoise_);
    probe::Collect<float> sink(probe::Pooled{1});
    probe::extract(denoise_, images(first, count), std::span<const Level>(levels_), policy_,
                   nn::NoHook{}, sink,
                   {.batch = 50, .first_sample = static_cast<std::uint64_t>(first)});
    return sink;
  }
  static std::vector<Level> chosen(const schedule::Linear& schedule) {
    std::vector<Level> levels;
    for (int i = 1; i <= 8; ++i) levels.push_back(schedule.at(i / 9.0));
    return levels;
  }

  NetworkDenoiser<nn::UNet2d<float>, predict::Epsilon, schedule::Linear> denoise_{
      bench::unet2d(Rng(0)), predict::Epsilon{}, schedule::Linear{}};
  std::vector<Level> levels_ = chosen(schedule::Linear{});
  probe::noise::Fixed policy_{Rng(6)};
  std::function<void()> step_;
};

/// The largest difference over the largest of `expected`.
double difference(const Tensor<float>& found, const Tensor<float>& expected) {
  double most = 0, scale = 0;
  for (Index i = 0; i < expected.size(); ++i) {
    const double d = std::abs(double{found[i]} - double{expected[i]});
    most = std::isnan(d) ? INFINITY : std::max(most, d);
    scale = std::max(scale, std::abs(double{expected[i]}));
  }
  return most / scale;
}

}  // namespace

int main(int argc, char** argv) try {
  const bool shorter = argc == 5 && std::string(argv[4]) == "bf16";
  if ((argc != 4 && !shorter) || std::atoi(argv[1]) < 1) {
    std::cerr << "usage: end_to_end THREADS FOLDER DATA [bf16]   (see the head of "
                 "bench/end_to_end.cpp)\n";
    return 2;
  }
  set_threads(std::atoi(argv[1]));
  const std::string folder = argv[2];
  Paths paths(argv[3]);
  Images images;
  paths.save(folder);
  images.save(folder);
  const Tensor<float> expected_paths = paths.checked(), expected_features = images.checked();
  std::optional<Autocast> bf16;
  if (shorter) bf16.emplace();
  std::cout << "ready foglift" << (shorter ? " bf16" : "") << "; version " FOGLIFT_VERSION_STRING
            << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string work, which;
    Index first = 0, count = 0, each = 0;
    words >> work;
    if (work == "error") {
      words >> which;
      std::cout << (which == "paths" ? difference(paths.checked(), expected_paths)
                                     : difference(images.checked(), expected_features))
                << std::endl;
      continue;
    }
    words >> first >> count >> each;
    const auto start = std::chrono::steady_clock::now();
    if (work == "paths")
      paths.draw(first, count, each);
    else if (work == "features")
      images.features(first, count);
    else if (work == "train_paths")
      paths.train(first, count);
    else if (work == "train_images")
      images.train(first, count);
    else
      raise<ArgumentError>("end_to_end: no work \"", work, '"');
    std::cout << bench::seconds_since(start) << std::endl;
  }
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 1;
}
