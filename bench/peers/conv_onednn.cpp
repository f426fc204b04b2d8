// 3x3 convolutions, ours and oneDNN's by turns on one thread: OMP_NUM_THREADS=1 conv_onednn. oneDNN
// chooses its layouts, and gets input, weights and output in them; ours pads its input within the
// time. A figure is the median over rounds of oneDNN's direct time over a time: above 1 is faster.
#include "bench/conv_shapes.hpp"
#include "bench/rounds.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <unordered_map>

#include <dnnl.hpp>

namespace {

using namespace foglift;

class OneDnn {
 public:
  /// Throws dnnl::error where oneDNN has no such kernel for the shape.
  OneDnn(const bench::ConvCase& c, dnnl::algorithm algorithm)
      : engine_(dnnl::engine::kind::cpu, 0) {
    using dnnl::memory;
    using Tag = memory::format_tag;
    constexpr auto f32 = memory::data_type::f32;
    const memory::dims x{c.x.dim(0), c.x.dim(3), c.x.dim(1), c.x.dim(2)};
    const memory::dims w{c.y.dim(3), c.x.dim(3), 3, 3}, bias{c.y.dim(3)};
    const memory::dims y{c.y.dim(0), c.y.dim(3), c.y.dim(1), c.y.dim(2)};
    const memory::dims one{1, 1};
    const auto chosen =
        described(dnnl::prop_kind::forward_inference, algorithm, memory::desc(x, f32, Tag::any),
                  memory::desc(w, f32, Tag::any), memory::desc(bias, f32, Tag::x),
                  memory::desc(y, f32, Tag::any), one, one, one);
    name_ = chosen.impl_info_str();
    y_ = memory(chosen.dst_desc(), engine_);
    arguments_ = {{DNNL_ARG_SRC, filled(c.x, x, Tag::nhwc, chosen.src_desc())},
                  {DNNL_ARG_WEIGHTS, filled(c.w, w, Tag::hwio, chosen.weights_desc())},
                  {DNNL_ARG_BIAS, filled(c.bias, bias, Tag::x, chosen.bias_desc())},
                  {DNNL_ARG_DST, y_}};
    convolution_ = dnnl::convolution_forward(chosen);
  }

  void operator()() {
    convolution_.execute(stream_, arguments_);
    stream_.wait();
  }

  const char* name() const { return name_.c_str(); }

  /// Norm of the difference to y [B, H, W, C] over the norm of y.
  double difference(const Tensor<float>& y) {
    Tensor<float> own(y.shape());
    dnnl::memory plain({{y.dim(0), y.dim(3), y.dim(1), y.dim(2)},
                        dnnl::memory::data_type::f32,
                        dnnl::memory::format_tag::nhwc},
                       engine_, own.data());
    dnnl::reorder(y_, plain).execute(stream_, y_, plain);
    stream_.wait();
    double difference = 0, norm = 0;
    for (Index i = 0; i < y.size(); ++i) {
      difference += std::pow(own[i] - y[i], 2);
      norm += std::pow(y[i], 2);
    }
    return std::sqrt(difference / norm);
  }

 private:
  template <class... Parts>
  dnnl::convolution_forward::primitive_desc described(const Parts&... parts) const {
#if DNNL_VERSION_MAJOR >= 3
    return {engine_, parts...};
#else
    return {dnnl::convolution_forward::desc(parts...), engine_};
#endif
  }

  dnnl::memory filled(const Tensor<float>& t, const dnnl::memory::dims& dims,
                      dnnl::memory::format_tag tag, const dnnl::memory::desc& wanted) {
    dnnl::memory from({dims, dnnl::memory::data_type::f32, tag}, engine_,
                      const_cast<float*>(t.data()));
    dnnl::memory to(wanted, engine_);
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
    return to;
  }

  dnnl::engine engine_;
  dnnl::stream stream_{engine_};
  dnnl::memory y_;
  std::unordered_map<int, dnnl::memory> arguments_;
  dnnl::convolution_forward convolution_;
  std::string name_;
};

void compare(const bench::ConvCase::Shape& s) {
  bench::ConvCase ours(s);
  OneDnn direct(ours, dnnl::algorithm::convolution_direct);
  std::optional<OneDnn> winograd;
  try {
    winograd.emplace(ours, dnnl::algorithm::convolution_winograd);
  } catch (const dnnl::error&) {  // not on this processor
  }
  std::vector<double> peak_share, ours_direct, ours_winograd, peers_winograd;
  for (int round = 0; round < 25; ++round) {
    const auto seconds = [](const auto& f) { return bench::seconds_of(f, 1e-3); };
    const double peak = bench::peak_flops(), base = seconds([&] { direct(); });
    peak_share.push_back(ours.flops() / base / peak);
    ours_direct.push_back(base / seconds([&] { ours(ConvAlgorithm::direct); }));
    ours_winograd.push_back(base / seconds([&] { ours(ConvAlgorithm::winograd); }));
    peers_winograd.push_back(winograd ? base / seconds([&] { (*winograd)(); }) : 0);
  }
  std::printf("b = %2td %3td->%3td %2td x %2td %9.2f %9.2f %9.2f %9.2f   %.0e  %s, %s\n", s.B, s.in,
              s.out, s.n, s.n, bench::median(ours_direct), bench::median(ours_winograd),
              bench::median(peers_winograd), bench::median(peak_share), direct.difference(ours.y),
              direct.name(), winograd ? winograd->name() : "no Winograd");
}

}  // namespace

int main() {
  const char* const threads = std::getenv("OMP_NUM_THREADS");
  if (!threads || std::string_view(threads) != "1") {
    std::fprintf(stderr, "conv_onednn: set OMP_NUM_THREADS=1, which oneDNN reads\n");
    return 2;
  }
  set_threads(1);
  const dnnl_version_t* const v = dnnl_version();
  std::printf("oneDNN %d.%d.%d\n%22s %9s %9s %9s %9s   %s\n", v->major, v->minor, v->patch, "",
              "direct", "winograd", "its wino", "of peak", "difference");
  for (const auto& s : bench::ConvCase::shapes) compare(s);
}
