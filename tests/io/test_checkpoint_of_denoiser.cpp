#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/io/checkpoint.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/train/rules/adam.hpp"
#include "support/catch.hpp"

#include <string>

using namespace foglift;

namespace {

/// Saved by a run that trains velocities on the cosine schedule.
std::string saved_with_denoiser() {
  Rng rng(1);
  train::FitState state(NetworkDenoiser(nn::Mlp<float>({.in = 2, .width = 8}, rng),
                                        predict::Velocity{}, schedule::Cosine{}),
                        train::Adam<float>(), 7);
  return io::checkpoint_bytes(state, "");
}

template <class P, class S>
auto untrained(const P& parameterization, const S& noise_schedule) {
  Rng rng(2);
  return NetworkDenoiser(nn::Mlp<float>({.in = 2, .width = 8}, rng), parameterization,
                         noise_schedule);
}

}  // namespace

TEST_CASE("checkpoint: a denoiser's samples have the same bits", "[io][checkpoint]") {
  Rng rng(1);
  const NetworkDenoiser saved(nn::Mlp<float>({.in = 2, .width = 8}, rng), predict::Velocity{},
                              schedule::Cosine{});
  const io::Checkpoint file(saved_with_denoiser(), "memory");
  const auto other = untrained(predict::Velocity{}, schedule::Cosine{});
  const auto draw = [](const auto& denoise) {
    return sample(solver::Ddim{}, denoise, {5, 2}, grid::uniform(denoise, 6), Rng(3));
  };
  CHECK_FALSE(draw(other) == draw(saved));
  CHECK(draw(file.denoiser(other)) == draw(saved));
  train::FitState state(other, train::Adam<float>(), 7);
  file.restore(state);
  CHECK(draw(other.of(state.result())) == draw(saved));
}

TEST_CASE("checkpoint: another schedule or parameterization is refused", "[io][checkpoint]") {
  const io::Checkpoint file(saved_with_denoiser(), "memory");
  const auto check = [&](const auto& denoise, const char* both) {
    CHECK_THROWS_AS(file.denoiser(denoise), FormatError);
    CHECK_THROWS_WITH(file.denoiser(denoise), ContainsSubstring(both));
    train::FitState state(denoise, train::Adam<float>(), 7);
    CHECK_THROWS_WITH(file.restore(state), ContainsSubstring(both));
  };
  check(untrained(predict::Velocity{}, schedule::Flow{}),
        "made for schedule = cosine 0.008, used for schedule = flow");
  check(untrained(predict::Velocity{}, schedule::Cosine({.offset = 0.01})),
        "made for schedule = cosine 0.008, used for schedule = cosine 0.01");
  check(untrained(predict::X0{}, schedule::Cosine{}),
        "made for parameterization = velocity, used for parameterization = x0");
}

TEST_CASE("checkpoint: a file that does not say its schedule is older, and taken",
          "[io][checkpoint]") {
  const auto denoise = untrained(predict::Velocity{}, schedule::Flow{});
  train::FitState older(denoise.network(), train::Adam<float>(), 7);
  train::FitState state(denoise, train::Adam<float>(), 7);
  CHECK_NOTHROW(io::Checkpoint(io::checkpoint_bytes(older, ""), "memory").restore(state));
  CHECK_NOTHROW(io::Checkpoint(io::checkpoint_bytes(older, ""), "memory").denoiser(denoise));
  // So is one that says other things.
  older.made_for["unit"] = state.made_for["unit"] = "metres";
  CHECK_NOTHROW(io::Checkpoint(io::checkpoint_bytes(older, ""), "memory").restore(state));
}
