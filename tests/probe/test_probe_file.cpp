// Covers: probe_file
#include "foglift/core/rng.hpp"
#include "foglift/probe/probe_file.hpp"
#include "foglift/probe/probes/logistic.hpp"
#include "foglift/probe/probes/ridge.hpp"
#include "support/catch.hpp"

#include <filesystem>

using namespace foglift;

TEST_CASE("probe file: a restored probe scores what the saved one scored, to the bit",
          "[probe][file]") {
  const std::string path =
      (std::filesystem::temp_directory_path() / "foglift-probe.safetensors").string();
  const auto x = Rng(1).normal<double>({40, 5});
  std::vector<Index> labels;
  for (Index i = 0; i < 40; ++i) labels.push_back(x(i, 0) > 0.3 ? 2 : x(i, 1) > 0 ? 1 : 0);
  const probe::LinearProbe fitted[] = {probe::ridge_probe(x, labels, 3).probe,
                                       probe::logistic_probe(x, labels, 3).probe};
  const auto unseen = Rng(2).normal<double>({30, 5});
  for (const auto& p : fitted) {
    probe::save_probe(path, p, "block 3");
    const probe::LinearProbe again = probe::load_probe(path, "block 3");
    CHECK(again.scores(unseen) == p.scores(unseen));
    CHECK(again.predict(unseen) == p.predict(unseen));
    CHECK_THROWS_WITH(probe::load_probe(path, "block 4"),
                      ContainsSubstring("block 3") && ContainsSubstring("block 4"));
  }
  CHECK_THROWS_AS(probe::save_probe(path, {}, ""), ArgumentError);
  CHECK_THROWS_WITH(probe::LinearProbe().scores(unseen), ContainsSubstring("not fitted"));
  io::write_safetensors(path, {io::named("weight", x)});
  CHECK_THROWS_WITH(probe::load_probe(path, ""), ContainsSubstring("no probe"));
  io::write_safetensors(path, {io::named("weight", x), io::named("bias", x)},
                        {{"config", ""}, {"foglift.probe", "1"}});
  CHECK_THROWS_WITH(probe::load_probe(path, ""), ContainsSubstring("[40, 5]"));
  std::filesystem::remove(path);
}
