// Covers: adaptive_projected magnitude_aware momentum rescaled space tangential zero_star
#include "diffusion/guidance/fixtures.hpp"
#include "foglift/diffusion/guidance/adaptive_projected.hpp"
#include "foglift/diffusion/guidance/classifier_free.hpp"
#include "foglift/diffusion/guidance/magnitude_aware.hpp"
#include "foglift/diffusion/guidance/momentum.hpp"
#include "foglift/diffusion/guidance/rescaled.hpp"
#include "foglift/diffusion/guidance/tangential.hpp"
#include "foglift/diffusion/guidance/zero_star.hpp"

#include <functional>

#include <Eigen/Dense>

using namespace foglift;
using namespace foglift::test;

namespace {

using Row = Eigen::VectorXd;
using Published = std::function<Row(const Row& c, const Row& u)>;

const Index B = 5, n = 7;
const Tensor<double> x = Rng(1).normal<double>({B, n}), c = Rng(2).normal<double>({B, n}),
                     u = Rng(3).normal<double>({B, n});

Row row(const Tensor<double>& t, Index b) { return Eigen::Map<const Row>(t.data() + b * n, n); }

/// What a network that predicts in the space says, and the x0 it means by it.
Row output(guide::Space s, const Row& xt, const Row& x0, const Level& l) {
  const Row eps = (xt - l.alpha * x0) / l.sigma;
  switch (s) {
    case guide::Space::eps:
      return eps;
    case guide::Space::velocity:
      return l.alpha * eps - l.sigma * x0;
    case guide::Space::flow:
      return eps - x0;
    default:
      return x0;
  }
}
Row meant(guide::Space s, const Row& xt, const Row& f, const Level& l) {
  switch (s) {
    case guide::Space::eps:
      return (xt - l.sigma * f) / l.alpha;
    case guide::Space::velocity:
      return (l.alpha * xt - l.sigma * f) / (l.alpha * l.alpha + l.sigma * l.sigma);
    case guide::Space::flow:
      return (xt - l.sigma * f) / (l.alpha + l.sigma);
    default:
      return f;
  }
}

const guide::Space spaces[] = {guide::Space::x0, guide::Space::eps, guide::Space::velocity,
                               guide::Space::flow};

/// `make(space)` is the rule; at levels with signal and noise it must be the published formula on
/// the outputs of that space. The oracle loses |x| / alpha or sigma, at most 1e3, times the
/// roundings of sums of 7: 1e-11 is 1e4 roundings.
template <class Make>
void check_published(const Make& make, const Published& published, double tolerance = 1e-11) {
  for (const guide::Space space : spaces)
    for (const Level& l : all_levels) {
      if (l.alpha == 0 || l.sigma == 0) continue;
      const auto guided = Says<double>{c} | guide::ClassifierFree{Says<double>{u}, make(space)};
      const Tensor<double> x0 = guided(x, l);
      for (Index b = 0; b < B; ++b) {
        const Row xt = row(x, b), want = meant(space, xt,
                                               published(output(space, xt, row(c, b), l),
                                                         output(space, xt, row(u, b), l)),
                                               l);
        INFO("space " << static_cast<int>(space) << " level " << l);
        CHECK((row(x0, b) - want).cwiseAbs().maxCoeff() < tolerance * (1 + 1 / l.alpha));
      }
    }
}

/// At alpha = 0 the rule is the limit of levels with a little signal, and everywhere finite, also
/// where both models say the same, or nothing at all.
template <class Make>
void check_ends(const Make& make) {
  const Tensor<double> zero({B, n});
  for (const guide::Space space : spaces) {
    const auto rule = make(space);
    const auto guided = Says<double>{c} | guide::ClassifierFree{Says<double>{u}, rule};
    for (const Level& l : all_levels) {
      CHECK(finite(guided(x, l)));
      CHECK(finite((Says<double>{c} | guide::ClassifierFree{Says<double>{c}, rule})(x, l)));
      CHECK(finite((Says<double>{zero} | guide::ClassifierFree{Says<double>{zero}, rule})(x, l)));
      CHECK(
          finite((Says<double>{zero} | guide::ClassifierFree{Says<double>{zero}, rule})(zero, l)));
    }
    // The rules are smooth in alpha with slopes of order 10; doubles cancel nothing here.
    CHECK(distance(guided(x, Level{1, 0, 1}), guided(x, Level{1, 1e-9, 1})) < 1e-7);
    CHECK(distance(guided(x, Level{0, 1, 0}), guided(x, Level{0, 1, 1e-9})) < 1e-7);
  }
}

/// The rule sees one sample at a time.
template <class Rule>
void check_batch(const Rule& rule) {
  check_rows(
      [&](Index b) {
        const auto part = [&](const Tensor<double>& t) { return b < 0 ? t : t.rows(b, 1); };
        return Says<double>{part(c)} | guide::ClassifierFree{Says<double>{part(u)}, rule};
      },
      x, Level{0.5, 0.6, 0.8});
}

double deviation(const Row& v) { return std::sqrt((v.array() - v.mean()).square().mean()); }

}  // namespace

TEST_CASE("classifier free: two conventions and their names", "[diffusion][guidance]") {
  const Level l{0.5, 0.6, 0.8};
  const auto a = Says<double>{c} |
                 guide::ClassifierFree{Says<double>{u}, guide::Weight::from_unconditional(7.5)};
  const auto b = Says<double>{c} |
                 guide::ClassifierFree{Says<double>{u}, guide::Weight::from_conditional(6.5)};
  const auto plain = Says<double>{c} | guide::ClassifierFree{Says<double>{u}, 7.5};
  CHECK(a(x, l) == b(x, l));
  CHECK(a(x, l) == plain(x, l));
  for (Index i = 0; i < c.size(); ++i)
    CHECK_THAT(plain(x, l)[i], WithinAbs(u[i] + 7.5 * (c[i] - u[i]), 1e-13));
}

TEST_CASE("classifier free: the weight may follow the level of each sample",
          "[diffusion][guidance]") {
  const guide::WeightAt rule([](const Level& l) { return 1 + 2 * l.sigma; });
  const auto guided = Says<double>{c} | guide::ClassifierFree{Says<double>{u}, rule};
  const std::vector<Level> each{{0.1, 1, 0}, {0.2, 1, 0.5}, {0.3, 1, 1}, {0.4, 1, 2}, {0.5, 1, 3}};
  const auto got = guided(x, each);
  for (Index b = 0; b < B; ++b)
    for (Index i = 0; i < n; ++i) {
      const double w = 1 + 2 * each[static_cast<std::size_t>(b)].sigma;
      CHECK_THAT(got(b, i), WithinAbs(u(b, i) + w * (c(b, i) - u(b, i)), 1e-13));
    }
  // Levels of groups of elements: one for each element here.
  std::vector<Level> grouped;
  for (Index i = 0; i < B * n; ++i) grouped.push_back({0.5, 1, static_cast<double>(i)});
  const auto fine = guided(x, Levels(grouped, n));
  for (Index i = 0; i < B * n; ++i)
    CHECK_THAT(fine[i],
               WithinAbs(u[i] + (1 + 2.0 * static_cast<double>(i)) * (c[i] - u[i]), 1e-12));
  const auto rescaled =
      Says<double>{c} | guide::ClassifierFree{Says<double>{u}, guide::Rescaled{2}};
  CHECK_THROWS_AS(rescaled(x, Levels(grouped, n)), ShapeError);
  CHECK_THROWS_AS(rescaled(x, std::vector<Level>(3)), ShapeError);
}

TEST_CASE("classifier free: a linear rule is recorded on a tape", "[diffusion][guidance]") {
  // c(x) = 2 x and u(x) = -x: d (u + w (c - u)) / dx = -1 + 3 w.
  const auto cond = [](const auto& s, const Levels&) { return s * 2.0; };
  const auto uncond = [](const auto& s, const Levels&) { return s * -1.0; };
  const auto guided = cond | guide::ClassifierFree{uncond, 2.5};
  static_assert(DifferentiableDenoiser<decltype(guided), double>);
  const auto rescaled = cond | guide::ClassifierFree{uncond, guide::Rescaled{2.5}};
  static_assert(!DifferentiableDenoiser<decltype(rescaled), double>);
  Tape<double> tape;
  const Var<double> v = tape.variable(x);
  const Var<double> x0 = guided(v, Level{0.5, 0.6, 0.8});
  CHECK(x0.value() == guided(x, Level{0.5, 0.6, 0.8}));
  const auto g = tape.backward(x0, Tensor<double>(x.shape(), 1.0));
  for (const double d : g[v]) CHECK_THAT(d, WithinAbs(-1 + 3 * 2.5, 1e-14));
}

TEST_CASE("rescaled: is the published rule in every space", "[diffusion][guidance]") {
  const double w = 4.5, phi = 0.6;
  const auto make = [&](guide::Space s) { return guide::Rescaled{w, {.phi = phi, .space = s}}; };
  check_published(make, [&](const Row& fc, const Row& fu) -> Row {
    const Row g = fu + w * (fc - fu);
    return phi * deviation(fc) / deviation(g) * g + (1 - phi) * g;
  });
  check_ends(make);
  check_batch(make(guide::Space::velocity));
}

TEST_CASE("rescaled: phi = 1 keeps the deviation of the conditional output",
          "[diffusion][guidance]") {
  for (const guide::Space s : {guide::Space::x0, guide::Space::velocity}) {
    const Level l{0.5, 0.6, 0.8};
    const auto x0 =
        (Says<double>{c} |
         guide::ClassifierFree{Says<double>{u}, guide::Rescaled{9, {.phi = 1, .space = s}}})(x, l);
    for (Index b = 0; b < B; ++b)
      CHECK_THAT(deviation(output(s, row(x, b), row(x0, b), l)),
                 WithinAbs(deviation(output(s, row(x, b), row(c, b), l)), 1e-12));
  }
  CHECK_THROWS_AS((guide::ClassifierFree{Says<double>{u}, guide::Rescaled{2, {.phi = 1.5}}}),
                  ArgumentError);
}

TEST_CASE("rescaled: decorates any rule", "[diffusion][guidance]") {
  const Level l{0.5, 0.6, 0.8};
  const guide::ZeroStar inner{.weight = 5};
  const auto g = (Says<double>{c} | guide::ClassifierFree{Says<double>{u}, inner})(x, l);
  const auto x0 =
      (Says<double>{c} |
       guide::ClassifierFree{Says<double>{u},
                             guide::Rescaled{inner, {.phi = 1, .space = guide::Space::x0}}})(x, l);
  for (Index b = 0; b < B; ++b) {
    const Row want = row(g, b) * deviation(row(c, b)) / deviation(row(g, b));
    CHECK((row(x0, b) - want).cwiseAbs().maxCoeff() < 1e-12);
  }
}

TEST_CASE("zero star: is the published rule in every space", "[diffusion][guidance]") {
  const double w = 3.5;
  const auto make = [&](guide::Space s) { return guide::ZeroStar{.weight = w, .space = s}; };
  check_published(make, [&](const Row& fc, const Row& fu) -> Row {
    const double s = fc.dot(fu) / fu.squaredNorm();
    return s * fu + w * (fc - s * fu);
  });
  check_ends(make);
  check_batch(make(guide::Space::flow));
}

TEST_CASE("zero star: the velocity is zero above its level", "[diffusion][guidance]") {
  const guide::ZeroStar rule{.weight = 3, .zero_above = 0.9};
  const auto guided = Says<double>{c} | guide::ClassifierFree{Says<double>{u}, rule};
  const auto always =
      Says<double>{c} | guide::ClassifierFree{Says<double>{u}, guide::ZeroStar{.weight = 3}};
  const Level above{0.95, 0.05, 0.95}, scaled{0.95, 0.1, 1.9}, at{0.9, 0.1, 0.9}, end{1, 0, 1};
  CHECK(guided(x, at) == always(x, at));
  for (const Level& l : {above, scaled, end}) {
    const auto x0 = guided(x, l);
    for (Index i = 0; i < x.size(); ++i) {
      const double eps = (x[i] - l.alpha * x0[i]) / l.sigma;
      CHECK_THAT(eps - x0[i], WithinAbs(0, 1e-13));
    }
  }
  CHECK(distance(always(x, end), guided(x, end)) > 0.1);
}

TEST_CASE("adaptive projected: is the published rule on x0", "[diffusion][guidance]") {
  for (const double eta : {0.0, 0.3, 1.0})
    for (const double limit : {0.5, 100.0}) {
      const guide::AdaptiveProjected rule{.weight = 6, .eta = eta, .norm_limit = limit};
      const auto x0 =
          (Says<double>{c} | guide::ClassifierFree{Says<double>{u}, rule})(x, {0.5, 0.6, 0.8});
      for (Index b = 0; b < B; ++b) {
        Row d = row(c, b) - row(u, b);
        d *= std::min(1.0, limit / d.norm());
        const Row unit = row(c, b).normalized(), par = d.dot(unit) * unit, orth = d - par;
        const Row want = row(c, b) + 5 * (orth + eta * par);
        CHECK((row(x0, b) - want).cwiseAbs().maxCoeff() < 1e-12);
        // with eta = 0 what is added is orthogonal to c
        if (eta == 0) CHECK(std::abs((row(x0, b) - row(c, b)).dot(row(c, b))) < 1e-11);
      }
    }
  check_batch(guide::AdaptiveProjected{.weight = 6, .norm_limit = 1});
  check_ends([](guide::Space) { return guide::AdaptiveProjected{.weight = 6, .norm_limit = 1}; });
  // eta = 1 without a limit is classifier-free guidance
  const auto plain =
      (Says<double>{c} | guide::ClassifierFree{Says<double>{u}, 6.0})(x, {0.5, 0.6, 0.8});
  const auto whole =
      (Says<double>{c} |
       guide::ClassifierFree{Says<double>{u}, guide::AdaptiveProjected{.weight = 6, .eta = 1}})(
          x, {0.5, 0.6, 0.8});
  CHECK(distance(plain, whole) < 1e-12);
  CHECK_THROWS_AS(
      (guide::ClassifierFree{Says<double>{u}, guide::AdaptiveProjected{.norm_limit = 0}}),
      ArgumentError);
}

TEST_CASE("momentum: runs over the levels of one run and begins anew with the next",
          "[diffusion][guidance]") {
  guide::Momentum<double> memory(-0.5);
  const auto guided =
      Says<double>{c} |
      guide::ClassifierFree{Says<double>{u}, guide::WithMomentum{guide::Weight{3}, memory}};
  const auto factor = [&](const Level& l) {  // x0 = c + 2 k (c - u)
    const auto x0 = guided(x, l);
    const double k = (x0[0] - c[0]) / (2 * (c[0] - u[0]));
    for (Index i = 0; i < x.size(); ++i)
      CHECK_THAT(x0[i], WithinAbs(c[i] + 2 * k * (c[i] - u[i]), 1e-12));
    return k;
  };
  const Level a{1, 0, 1}, b{0.6, 0.6, 0.8}, d{0.2, 0.9, 0.1}, clean{0, 1, 0};
  for (int run = 0; run < 2; ++run) {  // m = 1, 1 - 0.5, 1 - 0.25, 1 - 0.375
    CHECK_THAT(factor(a), WithinAbs(1, 1e-12));
    CHECK_THAT(factor(b), WithinAbs(0.5, 1e-12));
    CHECK_THAT(factor(d), WithinAbs(0.75, 1e-12));
    CHECK_THAT(factor(clean), WithinAbs(0.625, 1e-12));
  }
  CHECK_THAT(factor(b), WithinAbs(1, 1e-12));
  CHECK_THAT(factor(b), WithinAbs(1, 1e-12));  // the same level again is another run
  CHECK_THAT(factor(d), WithinAbs(0.5, 1e-12));
  memory.reset();
  CHECK_THAT(factor(clean), WithinAbs(1, 1e-12));
  CHECK_THROWS_AS(guide::Momentum<float>(1.0), ArgumentError);
}

TEST_CASE("momentum: each sample remembers its own levels", "[diffusion][guidance]") {
  guide::Momentum<double> memory(-0.5);
  const auto guided =
      Says<double>{c} |
      guide::ClassifierFree{Says<double>{u}, guide::WithMomentum{guide::Weight{3}, memory}};
  const Level high{0.6, 0.6, 0.8}, low{0.2, 0.9, 0.1};
  guided(x, std::vector<Level>{high, low, high, low, high});
  const auto x0 = guided(x, std::vector<Level>(5, low));
  for (Index b = 0; b < B; ++b) {
    const double k = b % 2 == 0 ? 0.5 : 1;
    CHECK_THAT(x0(b, 3), WithinAbs(c(b, 3) + 2 * k * (c(b, 3) - u(b, 3)), 1e-12));
  }
}

TEST_CASE("tangential: drops what a singular value decomposition drops", "[diffusion][guidance]") {
  const double w = 4;
  const auto make = [&](guide::Space s) { return guide::Tangential{.weight = w, .space = s}; };
  const Published published = [&](const Row& fc, const Row& fu) -> Row {
    Eigen::MatrixXd rows(2, n);
    rows << fc.transpose(), fu.transpose();
    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(rows, Eigen::ComputeThinV);
    const Row v = svd.matrixV().col(0), kept = fu.dot(v) * v;
    return kept + w * (fc - kept);
  };
  check_published(make, published, 1e-10);  // a singular vector turns by roundings / gap
  check_ends(make);
  check_batch(make(guide::Space::eps));
}

TEST_CASE("tangential: holds where the difference leads", "[diffusion][guidance]") {
  // c near -u: the difference is the leading direction, and the sum the other one.
  Tensor<double> near = u;
  for (Index i = 0; i < near.size(); ++i) near[i] = -u[i] + 0.1 * c[i];
  const auto x0 = (Says<double>{near} |
                   guide::ClassifierFree{
                       Says<double>{u}, guide::Tangential{.weight = 3, .space = guide::Space::x0}})(
      x, {0.5, 0.6, 0.8});
  const auto opposite =
      (Says<double>{near} |
       guide::ClassifierFree{Says<double>{near},
                             guide::Tangential{.weight = 3, .space = guide::Space::x0}})(
          x, {0.5, 0.6, 0.8});
  CHECK(distance(opposite, near) < 1e-13);
  for (Index b = 0; b < B; ++b) {
    Eigen::MatrixXd rows(2, n);
    rows << row(near, b).transpose(), row(u, b).transpose();
    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(rows, Eigen::ComputeThinV);
    const Row v = svd.matrixV().col(0), kept = row(u, b).dot(v) * v;
    CHECK((row(x0, b) - (kept + 3 * (row(near, b) - kept))).cwiseAbs().maxCoeff() < 1e-12);
  }
}

TEST_CASE("magnitude aware: is the published rule in every space", "[diffusion][guidance]") {
  const double w = 6, decay = 0.7;
  const auto make = [&](guide::Space s) {
    return guide::MagnitudeAware{.weight = w, .decay = decay, .space = s};
  };
  check_published(make, [&](const Row& fc, const Row& fu) -> Row {
    const double damped = 1 + (w - 1) * std::exp(-decay * (fc - fu).norm() / fu.norm());
    return fu + damped * (fc - fu);
  });
  check_ends(make);
  check_batch(make(guide::Space::flow));
  const auto silent =
      Says<double>{c} |
      guide::ClassifierFree{Says<double>{Tensor<double>({B, n})},
                            guide::MagnitudeAware{.weight = w, .space = guide::Space::x0}};
  CHECK(silent(x, Level{0.5, 0.6, 0.8}) == c);
}

TEST_CASE("pair rules: weight 1 or no difference leaves the conditional model",
          "[diffusion][guidance]") {
  const auto check = [&](const auto& off, const auto& on) {
    for (const Level& l : all_levels) {
      CHECK(distance((Says<double>{c} | guide::ClassifierFree{Says<double>{u}, off})(x, l), c) <
            1e-12);
      CHECK(distance((Says<double>{c} | guide::ClassifierFree{Says<double>{c}, on})(x, l), c) <
            1e-12);
    }
  };
  check(guide::Weight{1}, guide::Weight{3});
  check(guide::Rescaled{1}, guide::Rescaled{3});
  check(guide::ZeroStar{.weight = 1}, guide::ZeroStar{.weight = 3});
  check(guide::AdaptiveProjected{.weight = 1}, guide::AdaptiveProjected{.weight = 3});
  check(guide::Tangential{.weight = 1}, guide::Tangential{.weight = 3});
  check(guide::MagnitudeAware{.weight = 1}, guide::MagnitudeAware{.weight = 3});
}

TEST_CASE("pair rules: each sample at its own level, in float as in double",
          "[diffusion][guidance]") {
  const std::vector<Level> each{{1, 0, 1}, {0.5, 0.6, 0.8}, {0.5, 1, 3}, {0.1, 1, 0.1}, {0, 1, 0}};
  const auto check = [&](const auto& rule) {
    const auto whole = (Says<double>{c} | guide::ClassifierFree{Says<double>{u}, rule})(x, each);
    for (Index b = 0; b < B; ++b) {
      const auto alone =
          Says<double>{c.rows(b, 1)} | guide::ClassifierFree{Says<double>{u.rows(b, 1)}, rule};
      CHECK(alone(x.rows(b, 1), each[static_cast<std::size_t>(b)]) == whole.rows(b, 1));
    }
    const auto single =
        (Says<float>{c.cast<float>()} | guide::ClassifierFree{Says<float>{u.cast<float>()}, rule})(
            x.cast<float>(), each);
    // inputs and result rounded: 20 roundings of numbers up to 30
    CHECK(distance(single, whole) < 20 * 30 * 6e-8);
  };
  check(guide::Weight{4});
  check(guide::Rescaled{4});
  check(guide::ZeroStar{.weight = 4});
  check(guide::AdaptiveProjected{.weight = 4, .eta = 0.2, .norm_limit = 2});
  check(guide::Tangential{.weight = 4});
  check(guide::MagnitudeAware{.weight = 4});
}

TEST_CASE("autoguidance: leads away from the weak model", "[diffusion][guidance]") {
  const auto guided = Says<double>{c} | guide::autoguidance(Says<double>{u}, 2.0);
  const auto x0 = guided(x, Level{0.5, 0.6, 0.8});
  for (Index i = 0; i < x.size(); ++i) CHECK_THAT(x0[i], WithinAbs(2 * c[i] - u[i], 1e-14));
}
