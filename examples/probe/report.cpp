#include "report.hpp"

#include "foglift/probe/probes/logistic.hpp"
#include "foglift/probe/probes/ridge.hpp"
#include "model.hpp"
#include "support/text.hpp"

#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace report {

namespace {
/// "beats B by 2.5 points (p = 0.049)", by the sign test.
std::string comparison(const Result& a, const Result& b, const char* name_b, const Examples& e) {
  const auto truth = test_labels(e);
  const double points =
      100 * (probe::accuracy(a.predicted, truth) - probe::accuracy(b.predicted, truth));
  const double p = probe::sign_test(a.predicted, b.predicted, truth);
  const std::string by = p < 1e-4 ? "p < 0.0001" : text("p = %.2g", p);
  if (p >= 0.05)
    return text("can not be told from %s (%+.1f points, %s)", name_b, points, by.c_str());
  return text("%s %s by %.1f points (%s)", points > 0 ? "beats" : "falls behind", name_b,
              std::abs(points), by.c_str());
}

/// results: raw pixels, the untrained network, the trained one.
std::string verdict(const std::vector<Result>& results, const Examples& e) {
  return "The trained network " + comparison(results[2], results[0], "raw pixels", e) + " and " +
         comparison(results[2], results[1], "the untrained network", e) + ".";
}

nlohmann::ordered_json json(const std::vector<Result>& results, const Examples& e) {
  const auto truth = test_labels(e);
  auto out = nlohmann::ordered_json::array();
  for (const Result& r : results) {
    const Index right = probe::hits(r.predicted, truth);
    const auto interval = probe::wilson_interval(right, static_cast<Index>(truth.size()));
    out.push_back({{"name", r.name},
                   {"where", r.where},
                   {"features", r.dimension},
                   {"logistic_lambda", r.lambda},
                   {"validation_accuracy", r.validation},
                   {"test_accuracy", probe::accuracy(r.predicted, truth)},
                   {"test_hits", right},
                   {"test_interval_95", {interval.low, interval.high}},
                   {"least_squares_test_accuracy", probe::accuracy(r.ridge, truth)}});
  }
  return out;
}
}  // namespace

std::string place(const probe::HeatMap& map, Index level, Index block) {
  return text("%s at t = %.2f", map.blocks[static_cast<std::size_t>(block)].c_str(),
              map.levels[static_cast<std::size_t>(level)].t);
}

Result judge(std::string name, std::string where, const Tensor<float>& features,
             const Examples& examples) {
  const auto& split = examples.split;
  Result r{std::move(name), std::move(where), features.dim(1), 0, -1, {}, {}};
  r.ridge = probe::ridge_probe(probe::gather(features, split.train),
                               probe::gather(examples.labels, split.train), examples.classes)
                .predict(probe::gather(features, split.test));
  const auto known = probe::gather(examples.labels, split.train);
  const auto held_out = probe::gather(examples.labels, split.validation);
  for (const double lambda : {0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4}) {
    const auto fit = probe::logistic_probe(probe::gather(features, split.train), known,
                                           examples.classes, {.lambda = lambda});
    const double validation =
        probe::accuracy(fit.probe.predict(probe::gather(features, split.validation)), held_out);
    if (!(validation > r.validation)) continue;
    r.validation = validation;
    r.lambda = lambda;
    r.predicted = fit.probe.predict(probe::gather(features, split.test));
  }
  return r;
}

std::vector<Index> test_labels(const Examples& e) { return probe::gather(e.labels, e.split.test); }

void print(const probe::HeatMap& map) {
  std::printf("Validation accuracy of the trained network, %%\n  %6s %7s", "t", "log SNR");
  for (const std::string& block : map.blocks) std::printf(" %9s", block.c_str());
  for (std::size_t t = 0; t < map.levels.size(); ++t) {
    std::printf("\n  %6.2f %7.1f", map.levels[t].t, 2 * map.levels[t].lambda());
    for (std::size_t b = 0; b < map.blocks.size(); ++b) {
      const auto& cell = map.at(static_cast<Index>(t), static_cast<Index>(b));
      std::printf(" %8.1f%c", 100 * cell.validation, &cell == &map.best() ? '*' : ' ');
    }
  }
  std::printf("\n\n");
}

void print(const std::vector<Result>& results, const Examples& e) {
  const auto truth = test_labels(e);
  std::printf("%-19s %-24s %4s  %10s  %7s  %-16s %13s\n", "Test accuracy, %", "features", "d",
              "validation", "test", "95 % interval", "least squares");
  for (const Result& r : results) {
    const Index right = probe::hits(r.predicted, truth);
    const auto interval = probe::wilson_interval(right, static_cast<Index>(truth.size()));
    std::printf("  %-17s %-24s %4td  %10.1f  %7.1f  [%.1f, %.1f] %17.1f\n", r.name.c_str(),
                r.where.c_str(), r.dimension, 100 * r.validation,
                100 * probe::accuracy(r.predicted, truth), 100 * interval.low, 100 * interval.high,
                100 * probe::accuracy(r.ridge, truth));
  }
  std::printf("\n%s\n\n", verdict(results, e).c_str());
  std::fflush(stdout);
}

data::CsvTable table(const probe::HeatMap& trained, const probe::HeatMap& untrained,
                     const Examples& e) {
  const auto truth = test_labels(e);
  std::vector<std::string> network, block;
  std::vector<double> t, log_snr, dimension, lambda, validation, test, best;
  for (const auto* map : {&trained, &untrained})
    for (const auto& cell : map->cells) {
      const foglift::Level& level = map->levels[static_cast<std::size_t>(cell.level)];
      network.push_back(map == &trained ? "trained" : "untrained");
      block.push_back(map->blocks[static_cast<std::size_t>(cell.block)]);
      t.push_back(level.t);
      log_snr.push_back(2 * level.lambda());
      dimension.push_back(static_cast<double>(cell.dimension));
      lambda.push_back(cell.predictor.lambda);
      validation.push_back(cell.validation);
      test.push_back(probe::accuracy(cell.predicted, truth));
      best.push_back(&cell == &map->best() ? 1 : 0);
    }
  data::CsvTable out("probe");
  out.add_texts("network", std::move(network));
  out.add("t", std::move(t));
  out.add("log_snr", std::move(log_snr));
  out.add_texts("block", std::move(block));
  out.add("features", std::move(dimension));
  out.add("ridge_lambda", std::move(lambda));
  out.add("validation_accuracy", std::move(validation));
  out.add("test_accuracy", std::move(test));
  out.add("chosen", std::move(best));
  return out;
}

std::string configuration(const Settings& s, Index steps) {
  const nlohmann::ordered_json out = {{"steps", steps},       {"batch", batch_size},
                                      {"width", net_width},   {"seed", s.seed},
                                      {"noises", s.noises},   {"grid", s.grid},
                                      {"schedule", "cosine"}, {"predicts", "velocity"}};
  return out.dump();
}

std::string summary(const std::vector<Result>& results, const Examples& e,
                    const std::string& configuration, const std::string& rerun) {
  const nlohmann::ordered_json out = {{"program", "foglift probe"},
                                      {"version", FOGLIFT_VERSION_STRING},
                                      {"compiler", __VERSION__},
                                      {"config", nlohmann::ordered_json::parse(configuration)},
                                      {"examples",
                                       {{"train", e.split.train.size()},
                                        {"validation", e.split.validation.size()},
                                        {"test", e.split.test.size()}}},
                                      {"results", json(results, e)},
                                      {"verdict", verdict(results, e)},
                                      {"rerun", rerun}};
  return out.dump(2) + '\n';
}

}  // namespace report
