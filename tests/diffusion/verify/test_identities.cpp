// Covers: identities
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "foglift/diffusion/verify/identities.hpp"
#include "support/catch.hpp"

#include <limits>

using namespace foglift;

namespace {

/// Euler's rule with one slip, chosen by name.
enum class Slip { none, family, time, batch, scale, shift, ends, data, number };
template <Slip slip>
struct Slipping {
  static constexpr const char* name = "slipping";
  static constexpr int order = 1, weak_order = 0, evaluations = 1;
  template <Scalar T, class D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& d,
                 const StepRng& rng) const {
    Tensor<T> x0 = d(x, from);
    const double part = 0.01;
    if (slip == Slip::time) x0 = affine(1 + part * from.t, std::move(x0), 0, x);
    if (slip == Slip::family) x0 = affine(1, std::move(x0), part * from.sigma, x);
    if (slip == Slip::batch)
      x0 = affine(1 + part * static_cast<double>(x.dim(0)), std::move(x0), 0, x);
    if (slip == Slip::scale)
      for (T& v : x0) v = std::tanh(v);
    if (slip == Slip::shift) x0 = affine(1 + part, std::move(x0), 0, x);
    Level end = to;
    if (slip == Slip::ends)
      end.sigma = to.sigma / to.alpha / (from.alpha / from.sigma) / from.ratio();
    if (slip == Slip::ends && from.alpha == 0) end.sigma = 1 / from.alpha;
    auto y = solver::transfer(std::move(x), x0, from, end, end.sigma, 0, rng);
    if (slip == Slip::data && to.sigma == 0) y = affine(1, std::move(y), 1e-6, x0);
    if (slip == Slip::number) y[0] = std::numeric_limits<T>::quiet_NaN();
    return y;
  }
};

template <Slip slip>
std::vector<std::string> broken() {
  std::vector<std::string> out;
  for (const auto& f : verify::identities(Slipping<slip>{}))
    if (!f.holds) out.push_back(f.name);
  return out;
}

template <class S>
void holds(const S& solver) {
  for (const auto& f : verify::identities(solver)) {
    INFO(S::name << ": " << f.name << ": " << f.found);
    CHECK(f.holds);
  }
}

bool names(const std::vector<std::string>& list, const std::string& part) {
  for (const auto& name : list)
    if (name.find(part) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("verify: identities hold for right solvers", "[diffusion][verify]") {
  holds(solver::Ddim{});
  holds(solver::Ddim{.eta = 0.5});
  holds(solver::Heun{});
  holds(solver::Ddpm{});
  CHECK(broken<Slip::none>().empty());
}

TEST_CASE("verify: identities find what is wrong", "[diffusion][verify]") {
  CHECK(names(broken<Slip::time>(), "levels alone"));
  CHECK(names(broken<Slip::family>(), "flow-matching"));
  CHECK(names(broken<Slip::family>(), "variance-exploding"));
  CHECK(names(broken<Slip::batch>(), "alone and in a batch"));
  CHECK(names(broken<Slip::scale>(), "scales"));
  CHECK(names(broken<Slip::shift>(), "moves"));
  CHECK(names(broken<Slip::ends>(), "finite from pure noise"));
  CHECK(names(broken<Slip::data>(), "ends at the data"));
  // One number that is not one, before others that are.
  CHECK(names(broken<Slip::number>(), "flow-matching"));
  CHECK(names(broken<Slip::number>(), "moves"));
}
