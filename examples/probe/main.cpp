// Trains a small denoiser on handwritten digits without their labels, and maps how much each of its
// blocks knows about them at each noise level. See --help.
#include "figure.hpp"
#include "foglift/core/atomic_file.hpp"
#include "foglift/data/csv_writer.hpp"
#include "maps.hpp"
#include "model.hpp"
#include "report.hpp"
#include "settings.hpp"
#include "support/digits.hpp"
#include "support/folders.hpp"
#include "support/text.hpp"

#include <iostream>

using namespace foglift;

int run(const Settings& s) {
  if (s.threads > 0) set_threads(s.threads);
  const Digits digits = read_digits(s.file.empty() ? shipped_file("digits.csv") : s.file);
  // The split is the same for every --seed: 60 % for training, 20 % to choose by, 20 % to report.
  const Examples examples{digits.labels, digit_classes,
                          probe::stratified_split(digits.labels, Rng(0))};
  const Tensor<float> unlabelled = gather(digits.images, examples.split.train);
  make_results_folder(s.out, {"probe.json", "probe.csv", "model.safetensors"}, s.force,
                      "add --force to overwrite it, or choose another --out");

  Training state = initial_state(s);
  const Net untrained = state.model;
  const Index all = digits.images.dim(0);
  // Both maps pass every image forwards for every level and noise.
  const Index passes = 2 * std::ssize(probed_times) * all * s.noises;
  const Index steps = s.steps > 0 ? s.steps : affordable_steps(state, unlabelled, passes, s);
  const std::string rerun = text("probe --steps %td --noises %td --grid %td --seed %llu", steps,
                                 s.noises, s.grid, static_cast<unsigned long long>(s.seed));
  if (!s.quiet)
    std::printf(
        "%td digits: %zu to train on, %zu to choose by, %zu to report\n"
        "  U-Net of %td weights, %td steps, seed %llu, %d threads\n\n",
        all, examples.split.train.size(), examples.split.validation.size(),
        examples.split.test.size(), nn::parameter_count(untrained), steps,
        static_cast<unsigned long long>(s.seed), threads());
  if (const int signal = train_net(state, unlabelled, steps, s)) {
    std::cerr << "Stopped after " << state.step << " of " << steps << " steps.\n";
    return 128 + signal;
  }
  const auto trained_map = map_of("probing  ", state.ema, digits.images, examples, s);
  const auto untrained_map = map_of("untrained", untrained, digits.images, examples, s);
  const std::vector<Result> results{
      report::judge("raw pixels", "8 x 8 grey levels", digits.images.reshaped({all, 64}), examples),
      judge_best("untrained network", untrained, untrained_map, digits.images, examples, s),
      judge_best("trained network", state.ema, trained_map, digits.images, examples, s)};
  if (!s.quiet) report::print(trained_map);
  report::print(results, examples);

  const std::string configuration = report::configuration(s, steps);
  write_file(s.out + "/probe.json", report::summary(results, examples, configuration, rerun));
  data::write_csv(s.out + "/probe.csv", report::table(trained_map, untrained_map, examples));
  save(state, s.out + "/model.safetensors", configuration);
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
  settings.out = "probe-out";
  if (const int status = parse(argc, argv, settings); status >= 0) return status;
  return run_program("probe", [&] { return run(settings); });
}
