// Trains a small denoiser on handwritten digits without their labels, and maps how much each of its
// blocks knows about them at each noise level. See --help.
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/loss.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/io/checkpoint.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "foglift/train/callbacks/pace.hpp"
#include "foglift/train/callbacks/stop_when.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/interrupt.hpp"
#include "foglift/train/rules/adam.hpp"
#include "support/digits.hpp"
#include "support/folders.hpp"
#include "support/probe_figure.hpp"
#include "support/probe_settings.hpp"
#include "support/progress.hpp"

#include <iostream>

using namespace foglift;

using Net = nn::UNet2d<float>;
using Training = train::FitState<Net, train::AdamW<float>>;

constexpr Index batch_size = 64, shard_size = 8, net_width = 32;
constexpr double probed_times[] = {0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7};
/// Streams of the run's generator.
enum : std::uint64_t { weights_stream, noise_stream, feature_stream, sample_stream };

/// What is trained, probed and sampled.
auto denoiser(const Net& net) {
  return NetworkDenoiser(net, predict::Velocity{}, schedule::Cosine{});
}

Training initial_state(const Settings& s) {
  Rng rng = Rng(s.seed).stream(weights_stream);
  const Net net({.width = net_width, .multipliers = {1, 2}, .blocks = 1, .middle_attention = false},
                rng);
  return Training(denoiser(net), train::AdamW<float>({.lr = 1e-3}), s.seed);
}

/// Trains on images [n, 8, 8, 1] for at most `steps` steps.
template <class... On>
train::FitEnd train_net(Training& state, const Tensor<float>& images, Index steps,
                        const Settings& s, On&&... on) {
  const Rng noise = Rng(s.seed).stream(noise_stream);
  const auto loss = [&](const Net& net, Tape<float>& tape, const train::Examples& examples) {
    std::vector<std::uint64_t> samples;  // place k of a shard draws a time in its k-th part
    for (std::size_t k = 0; k < examples.index.size(); ++k)
      samples.push_back(static_cast<std::uint64_t>(examples.index[k] * shard_size) + k);
    return denoiser(net).loss(
        tape, probe::gather(images, examples.index), noise,
        {.samples = samples, .step = examples.draws.step, .strata = shard_size});
  };
  return train::fit(state, loss,
                    {.examples = images.dim(0),
                     .batch = batch_size,
                     .shard = shard_size,
                     .steps = steps,
                     .rate = train::CosineRate{.steps = steps, .warm_up = steps / 20},
                     .clip = 1,
                     .ema = {.decay = 0.995}},
                    on...);
}

/// Steps that fit into the time beside the probes, from a trial of a few seconds on a copy.
Index affordable_steps(Training trial, const Tensor<float>& images, Index all, const Settings& s) {
  train::callback::Pace pace(seconds_now);
  train_net(trial, images, 1'000'000, s, pace, train::callback::StopWhen([&] {
              return pace.steps() >= 3 && pace.seconds() > std::min(3.0, 6 * s.minutes);
            }));
  // A step costs about four times what its batch costs forwards (measured: 4 to 5); both maps pass
  // every image forwards for every level and noise.
  const double passes = static_cast<double>(2 * std::size(probed_times)) *
                        static_cast<double>(all * s.noises) / (4.0 * batch_size);
  return std::max(Index{50},
                  static_cast<Index>((60 * s.minutes - pace.seconds()) / pace.each() - passes));
}

/// The noise that features are averaged over, the same at every level and for every network.
probe::noise::Mean<probe::noise::Fixed> feature_noise(const Settings& s) {
  return {{Rng(s.seed).stream(feature_stream)}, s.noises};
}

probe::HeatMap map_of(const char* name, const Net& net, const Tensor<float>& images,
                      const Examples& examples, const Settings& s) {
  Progress bar(name, s.quiet);
  std::vector<Level> levels;
  for (const double t : probed_times) levels.push_back(denoiser(net).at(t));
  const auto all = static_cast<Index>(levels.size());
  return probe::heat_map(denoiser(net), images, examples.labels, examples.classes, examples.split,
                         levels, feature_noise(s),
                         {.features = {.grid = s.grid},
                          .search = {.progress = [&](Index done) { bar.update(done, all, ""); }}});
}

/// The features of the map's best cell, by logistic regression.
Result judge_best(const char* name, const Net& net, const probe::HeatMap& map,
                  const Tensor<float>& images, const Examples& examples, const Settings& s) {
  const auto& best = map.best();
  const auto blocks =
      probe::features(denoiser(net), images, map.levels[static_cast<std::size_t>(best.level)],
                      feature_noise(s), {.grid = s.grid});
  return report::judge(name, report::place(map, best),
                       blocks[static_cast<std::size_t>(best.block)].values, examples);
}

Tensor<float> draw_digits(const Net& net, const Settings& s) {
  const auto denoise = denoiser(net);
  return sample(solver::Ddim{.eta = 1}, denoise, {60, 8, 8, 1}, grid::uniform(denoise, 100),
                Rng(s.seed).stream(sample_stream));
}

int run(const Settings& s) {
  if (s.threads > 0) set_threads(s.threads);
  const Digits digits = read_digits(s.file.empty() ? shipped_file("digits.csv") : s.file);
  // The split is the same for every --seed: 60 % for training, 20 % to choose by, 20 % to report.
  const Examples examples{digits.labels, digit_classes,
                          probe::stratified_split(digits.labels, Rng(0))};
  const Tensor<float> unlabelled = probe::gather(digits.images, examples.split.train);
  make_results_folder(s.out, {"probe.json", "probe.csv", "model.safetensors"}, s.force,
                      "add --force to overwrite it, or choose another --out");

  Training state = initial_state(s);
  const Net untrained = state.model;
  const Index all = digits.images.dim(0);
  const Index steps = s.steps > 0 ? s.steps : affordable_steps(state, unlabelled, all, s);
  const std::string rerun =
      report::text("probe --steps %td --noises %td --grid %td --seed %llu", steps, s.noises, s.grid,
                   static_cast<unsigned long long>(s.seed));
  if (!s.quiet)
    std::printf(
        "%td digits: %zu to train on, %zu to choose by, %zu to report\n"
        "  U-Net of %td weights, %td steps, seed %llu, %d threads\n\n",
        all, examples.split.train.size(), examples.split.validation.size(),
        examples.split.test.size(), nn::parameter_count(untrained), steps,
        static_cast<unsigned long long>(s.seed), threads());
  {
    const train::Interrupt interrupt;
    Progress bar("training", s.quiet);
    const auto show = [&](const train::FitProgress& p) {
      bar.update(p.step, p.steps, report::text("loss %.4f", p.smoothed_loss));
    };
    if (train_net(state, unlabelled, steps, s, show, interrupt) == train::FitEnd::stopped) {
      std::cerr << "Stopped after " << state.step << " of " << steps << " steps.\n";
      return 128 + interrupt.signal();
    }
  }
  const auto trained_map = map_of("probing  ", state.ema, digits.images, examples, s);
  const auto untrained_map = map_of("untrained", untrained, digits.images, examples, s);
  const std::vector<Result> results{
      report::judge("raw pixels", "8 x 8 grey levels", digits.images.reshaped({all, 64}), examples),
      judge_best("untrained network", untrained, untrained_map, digits.images, examples, s),
      judge_best("trained network", state.ema, trained_map, digits.images, examples, s)};
  if (!s.quiet) report::print(trained_map);
  report::print(results, examples);

  const nlohmann::ordered_json config = {{"steps", steps},       {"batch", batch_size},
                                         {"width", net_width},   {"seed", s.seed},
                                         {"noises", s.noises},   {"grid", s.grid},
                                         {"schedule", "cosine"}, {"predicts", "velocity"}};
  const auto json = report::summary(results, examples, config, rerun);
  write_file(s.out + "/probe.json", json.dump(2) + '\n');
  data::write_csv(s.out + "/probe.csv", report::table(trained_map, untrained_map, examples));
  io::save_checkpoint(s.out + "/model.safetensors", state, config.dump());
  const Tensor<float> drawn = draw_digits(state.ema, s);
  const bool pictured = draw({trained_map, untrained_map, results, examples, drawn}, s.out);
  if (s.quiet) return 0;
  std::cout << "Wrote into " << s.out << ": probe.csv, probe.json, model.safetensors"
            << (pictured ? ", probe.png, probe.svg\n" : "\n");
  if (!pictured)
    std::cout << "No picture: install gnuplot, then  cd " << s.out << " && gnuplot probe.gp\n";
  std::cout << "The same numbers again:  " << rerun << " --out " << s.out << " --force\n";
  return 0;
}

int main(int argc, char** argv) {
  Settings settings;
  if (const int status = parse(argc, argv, settings); status >= 0) return status;
  try {
    return run(settings);
  } catch (const std::exception& e) {
    std::cerr << "probe: " << e.what() << '\n';
    return 1;
  }
}
