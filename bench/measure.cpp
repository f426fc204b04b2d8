// One named measurement at a time, so that bench/peers/compare.py can alternate foglift with other
// libraries:
//
//   measure THREADS [PRECISION]   reads requests from standard input, one a line, answers each by a
//                                 line; PRECISION is fp32, or another of `contenders` below
//     time WORK MODEL BATCH SECONDS    nanoseconds of one call, repeated for SECONDS
//     error WORK MODEL BATCH           largest error of what it computes, of gradients in training,
//                                      over the largest value, beside the same in double
//     memory WORK MODEL BATCH          bytes that five calls need above the state before them, and
//                                      the most that the process has had in memory
//
// WORK of a MODEL (mlp2d, unet1d, dit1d, unet2d): forward at times that differ, shared_t at one
// time for all samples, ddim50, train, fit (train by shards of 8 samples), and sample, a run of few
// steps. WORK without one (MODEL "-"), BATCH being a number of elements: normals, std_normals (the
// standard library's), adam, adam_ema.
#include "bench/denoiser_work.hpp"
#include "foglift/core/autocast.hpp"
#include "foglift/core/parallel.hpp"
#include "foglift/version.hpp"

#include <algorithm>
#include <array>
#include <barrier>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <random>
#include <sstream>
#include <string>

#include <sched.h>

namespace {

using namespace foglift;
using Work = std::function<void()>;

Work fp32_work(const std::string& work, const std::string& model, Index batch) {
  return bench::with_model(model, [&](const auto& net, const Shape& one) -> Work {
    if (work == "forward") return bench::forward(net, one, batch);
    if (work == "shared_t") return bench::forward(net, one, Tensor<float>({batch}, 500.0f));
    if (work == "ddim50") return bench::ddim(net, one, batch, 50);
    if (work == "sample") return bench::ddim(net, one, batch, 3);
    if (work == "fit") return bench::sharded_step(net, one, batch);
    if (work == "train") return bench::training_step(net, one, batch);
    raise<ArgumentError>("no work \"", work, '"');
  });
}

double fp32_error(const std::string& work, const std::string& model, Index batch) {
  return bench::with_model(model, [&](const auto& net, const Shape& one) -> double {
    if (work == "forward")
      return bench::output_error(net, [&](const auto& n) { return bench::forward(n, one, batch); });
    if (work == "ddim50")
      return bench::output_error(net,
                                 [&](const auto& n) { return bench::ddim(n, one, batch, 50); });
    if (work == "train") return bench::gradient_error(net, one, batch);
    raise<ArgumentError>("no error of \"", work, '"');
  });
}

/// The same with products of bfloat16; errors are still those to double.
Work bf16_work(const std::string& work, const std::string& model, Index batch) {
  const Autocast bf16;
  return [prepared = fp32_work(work, model, batch)] {
    const Autocast again;
    prepared();
  };
}
double bf16_error(const std::string& work, const std::string& model, Index batch) {
  const Autocast bf16;
  return fp32_error(work, model, batch);
}

/// A way to compute that is compared as a contender of its own, "foglift" or "foglift <precision>":
/// its works of a model, and their errors. compare.py asks for fp32 and bf16, and leaves out what
/// is not here.
struct Contender {
  const char* precision;
  Work (*work)(const std::string& work, const std::string& model, Index batch);
  double (*error)(const std::string& work, const std::string& model, Index batch);
};
constexpr std::array contenders{Contender{"fp32", fp32_work, fp32_error},
                                Contender{"bf16", bf16_work, bf16_error}};

Work normals(Index count) {
  return [out = Tensor<float>({count}), step = std::uint32_t{0}]() mutable {
    Rng(1).fill_normal(out.span(), 0, step++);
    bench::escape(out.data());
  };
}

Work std_normals(Index count) {
  return [out = Tensor<float>({count}), engine = std::mt19937_64(1),
          normal = std::normal_distribution<float>()]() mutable {
    for (float& v : out) v = normal(engine);
    bench::escape(out.data());
  };
}

/// As many weights in 16 tensors, as a network has them.
struct Weights {
  std::vector<Parameter<float>> tensors;

  static void each(auto& self, auto&& f) { f("tensors", self.tensors); }
};

Work adam(Index count, bool averaged) {
  struct State {
    Weights weights, average;
    Gradients<float> gradients;
    train::Adam<float> adam{{.lr = 1e-4}};
  };
  auto state = std::make_shared<State>();
  for (std::uint64_t i = 0; i < 16; ++i)
    state->weights.tensors.emplace_back(Rng(i).normal<float>({count / 16}));
  state->average = state->weights;
  for (const auto& p : state->weights.tensors)
    state->gradients.add(p, Rng(99).normal<float>(p.value.shape()));
  return [state, averaged] {
    const FlushDenormals guard;
    State& s = *state;
    s.adam.step(s.weights, s.gradients, s.adam.learning_rate(),
                {.ema = averaged ? &s.average : nullptr, .decay = 0.999});
    bench::escape(&s);
  };
}

Work make(const Contender& contender, const std::string& work, const std::string& model,
          Index size) {
  if (model != "-") return contender.work(work, model, size);
  if (&contender != &contenders.front()) raise<ArgumentError>("NotImplemented: as fp32");
  if (work == "normals") return normals(size);
  if (work == "std_normals") return std_normals(size);
  if (work == "adam" || work == "adam_ema") return adam(size, work == "adam_ema");
  raise<ArgumentError>("no work \"", work, '"');
}

/// Nanoseconds of one call, called for at least `seconds`.
double time_of(const Work& work, double seconds) {
  const auto start = std::chrono::steady_clock::now();
  for (Index calls = 1;; ++calls) {
    work();
    const double passed = bench::seconds_since(start);
    if (passed >= seconds) return 1e9 * passed / static_cast<double>(calls);
  }
}

/// A line of /proc/self/status, in bytes.
Index status(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key + ':')) return std::atoll(line.c_str() + key.size() + 1) * 1024;
  raise<Error>("no ", key, " in /proc/self/status");
}

/// One thread a core, as the peers' are bound: two that wait for each other on one core lose
/// milliseconds.
void bind_threads(int threads) {
  cpu_set_t mine;
  sched_getaffinity(0, sizeof mine, &mine);
  std::vector<std::size_t> cores;
  for (std::size_t core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &mine)) cores.push_back(core);
  if (threads < 2 || static_cast<int>(cores.size()) < threads) return;
  std::barrier all(threads);
  parallel_for(threads, 1, [&](Index i) {
    all.arrive_and_wait();  // one index a thread
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cores[static_cast<std::size_t>(i)], &one);
    sched_setaffinity(0, sizeof one, &one);
  });
}

std::string memory_of(const Contender& contender, const std::string& work, const std::string& model,
                      Index batch) {
  contender.work(work, "mlp2d", 1)();  // what the first call of all loads is no part of the answer
  const Work measured = contender.work(work, model, batch);
  const Index before = status("VmRSS");
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts anew
  for (int i = 0; i < 5; ++i) measured();
  const Index peak = status("VmHWM");
  return std::to_string(peak - before) + ' ' + std::to_string(peak);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3 || std::atoi(argv[1]) < 1) {
    std::cerr << "usage: measure THREADS [PRECISION]   (see the head of bench/measure.cpp)\n";
    return 2;
  }
  const std::string precision = argc > 2 ? argv[2] : "fp32";
  const auto contender = std::find_if(contenders.begin(), contenders.end(),
                                      [&](const Contender& c) { return c.precision == precision; });
  if (contender == contenders.end()) {
    std::cout << "missing precision " << precision << std::endl;
    return 0;
  }
  set_threads(std::atoi(argv[1]));
  bind_threads(std::atoi(argv[1]));
  std::cout << "ready foglift" << (precision == "fp32" ? std::string() : ' ' + precision)
            << "; version " FOGLIFT_VERSION_STRING ", compiler " __VERSION__ ", "
            << kernels::Lanes<float>::count << " floats a vector" << std::endl;
  std::string current;
  Work work;
  for (std::string line; std::getline(std::cin, line);) try {
      std::istringstream words(line);
      std::string what, kind, model;
      Index size = 0;
      double seconds = 0;
      words >> what >> kind >> model >> size >> seconds;
      if (what == "memory") {
        std::cout << memory_of(*contender, kind, model, size) << std::endl;
        continue;
      }
      if (what == "error") {
        std::cout << contender->error(kind, model, size) << std::endl;
        continue;
      }
      const std::string wanted = kind + ' ' + model + ' ' + std::to_string(size);
      if (wanted != current) {
        current.clear();
        work = make(*contender, kind, model, size);
        work();
        current = wanted;
      }
      std::cout << time_of(work, seconds) << std::endl;
    } catch (const std::exception& e) {
      std::cout << "! " << e.what() << std::endl;
    }
}
