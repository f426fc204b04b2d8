#include "settings.hpp"

#include "support/command_line.hpp"

int parse(int argc, char** argv, Settings& s) {
  CLI::App app{
      "Where does a denoiser know which digit it sees? Trains a small U-Net to denoise 8 x 8\n"
      "handwritten digits, without their labels, and fits a linear classifier to what each of its\n"
      "blocks makes of them at each noise level. Draws the map of accuracies, beside raw pixels\n"
      "and the same network untrained."};
  app.add_option("FILE", s.file, "CSV like examples/data/digits.csv, which is the default");
  app.add_option("--minutes", s.minutes, "time for everything")
      ->capture_default_str()
      ->check(CLI::Range(0.01, 1e4));
  app.add_option("--steps", s.steps, "training steps, in place of --minutes: exact reruns")
      ->check(CLI::Range(1, 100000000));
  app.add_option("--noises", s.noises, "noises that features are averaged over")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--grid", s.grid, "features are means over so many cells a side; 1: of all")
      ->capture_default_str()
      ->check(CLI::Range(1, 8));
  add_run_options(app, s);
  app.get_option("--seed")->description("of everything random but the split");
  app.get_option("--quiet")->description("only the scores and the verdict");
  app.footer(
      "Examples:\n"
      "  probe                              about a minute and a half\n"
      "  probe --minutes 10 --noises 8      a better network, steadier features\n"
      "  probe --steps 500 --seed 2 --out second\n"
      "Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.");
  return parse_command_line(app, argc, argv);
}
