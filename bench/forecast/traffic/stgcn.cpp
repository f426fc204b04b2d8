#include "bench/forecast/train_for.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/diffusion/guidance/gradient.hpp"
#include "foglift/nn/layers/graph_conv.hpp"
#include "foglift/probe/attack.hpp"
#include "traffic.hpp"

#include <limits>
#include <optional>

using namespace foglift;

namespace {

constexpr double attack_radius = 0.1;  // deviations of the data

/// An ST-GCN that says how the values change from the last one, told the features of a diffusion
/// model where there is one: as it is, or trained on.
class Net {
 public:
  nn::Stgcn<float> stgcn;
  Features frozen;
  std::optional<nn::UGnet<float>> tuned;

  Net(const Traffic& t, Features features, bool tune, Rng& rng)
      : stgcn({.in = features ? 1 + features->options().width : 1,
               .out = ahead,
               .length = shown,
               .temporal = 16,
               .spatial = 8},
              nn::scaled_laplacian(t.graph), rng) {
    if (tune)
      tuned.emplace(*features);
    else
      frozen = std::move(features);
  }

  /// Forecasts [B, nodes, ahead] after x [B, nodes, shown].
  template <Value X>
  X operator()(const X& x) const {
    const Index B = x.dim(0), N = x.dim(1);
    X seen = reshape(x, {B, N, shown, 1});
    const Tensor<float> time({B}, 0.05F);
    if (frozen) {
      if constexpr (Recorded<X>) x.tape().freeze(*frozen);
      seen = concat({seen, frozen->features(seen, time)}, 3);
    } else if (tuned) {
      seen = concat({seen, tuned->features(seen, time)}, 3);
    }
    return stgcn(seen) + slice(x, 2, shown - 1, 1);
  }

  FOGLIFT_CHILDREN(stgcn, tuned);
};

/// What a training has beside the windows of the data.
struct Aid {
  const char* name;
  const Tensor<float>* generated = nullptr;  ///< windows: a quarter of what is seen
  bool attacked = false;                     ///< half of the loss, by projected gradients
  /// Windows with three contexts each, [3 n, nodes, shown + ahead]: half of the loss, on the worst.
  const Tensor<float>* perturbed = nullptr;
  Features features = nullptr;
  bool tune = false;
};

Tensor<float> context_of(const Tensor<float>& w) { return slice(w, 2, 0, shown); }
Tensor<float> target_of(const Tensor<float>& w) { return slice(w, 2, shown, ahead); }

/// Of each window, [B].
template <Value X>
X square_errors(const Net& net, const X& x, const Tensor<float>& target) {
  const X error = net(x) - constant(target, x);
  return mean(mean(square(error), 2), 1);
}

/// Contexts that make the errors larger.
Tensor<float> attack(const Net& net, const Tensor<float>& w, Index steps, const Rng& rng) {
  constexpr double any = std::numeric_limits<double>::infinity();
  const Tensor<float> target = target_of(w);
  const guide::GradientOf rising([&](const Var<float>& x) {
    x.tape().freeze(net);
    return square_errors(net, x, target);
  });
  return probe::pgd(context_of(w), [&](const Tensor<float>& x, Index) { return rising(x); }, rng,
                    {.radius = attack_radius,
                     .step = 2 * attack_radius / static_cast<double>(steps),
                     .steps = steps,
                     .low = -any,
                     .high = any});
}

/// Of eight windows that were perturbed, the worst of three ways each.
Tensor<float> worst(const Net& net, const Tensor<float>& all, const Rng& rng, Index step) {
  std::vector<Index> which;
  for (std::uint64_t i = 0; i < 8; ++i) {
    const Index window = rng.index(all.dim(0) / 3, i, static_cast<std::uint32_t>(step));
    for (Index way = 0; way < 3; ++way) which.push_back(3 * window + way);
  }
  const Tensor<float> tried = all.rows(which);
  const Tensor<float> error = square_errors(net, context_of(tried), target_of(tried));
  std::vector<Index> kept;
  for (Index i = 0; i < 24; i += 3)
    kept.push_back(std::max_element(error.data() + i, error.data() + i + 3) - error.data());
  return tried.rows(kept);
}

Net trained(const Task& task, const Aid& aid, Index& steps) {
  Rng rng = Rng(task.seed).stream(20);
  const Rng noise = Rng(task.seed).stream(21);
  const Tensor<float> real = windows(task.traffic, places(task.traffic, false));
  const Index n = real.dim(0);
  const auto batch_of = [&](const std::vector<Index>& index) {
    Tensor<float> out({std::ssize(index), real.dim(1), real.dim(2)});
    for (Index b = 0; b < out.dim(0); ++b) {
      const Index i = index[static_cast<std::size_t>(b)];
      const Tensor<float> one =
          i < n ? real.rows(i, 1) : aid.generated->rows((i - n) % aid.generated->dim(0), 1);
      std::copy(one.begin(), one.end(), out.data() + b * out.row_size());
    }
    return out;
  };
  return train_for(
      Net(task.traffic, aid.features, aid.tune, rng),
      {.seconds = task.seconds,
       .examples = aid.generated ? n + n / 3 : n,
       .batch = 8,
       .seed = task.seed},
      [&](const Net& net, Tape<float>& tape, const train::Examples& examples) {
        const Tensor<float> w = batch_of({examples.index.begin(), examples.index.end()});
        const auto loss = [&](const Tensor<float>& x, const Tensor<float>& target) {
          return mean(square_errors(net, tape.constant(x), target));
        };
        const Var<float> clean = loss(context_of(w), target_of(w));
        if (aid.attacked)
          return (clean +
                  loss(attack(net, w, 2,
                              noise.stream(static_cast<std::uint64_t>(Index(examples.draws.step)))),
                       target_of(w))) *
                 0.5;
        if (aid.perturbed) {
          const Tensor<float> hard = worst(net, *aid.perturbed, noise, Index(examples.draws.step));
          return (clean + loss(context_of(hard), target_of(hard))) * 0.5;
        }
        return clean;
      },
      steps);
}

/// f(x) in parts of 32 rows.
template <class F>
Tensor<float> in_parts(const Tensor<float>& x, const F& f) {
  std::vector<Tensor<float>> parts;
  for (Index at = 0; at < x.dim(0); at += 32)
    parts.push_back(f(x.rows(at, std::min<Index>(32, x.dim(0) - at))));
  return concat(parts, 0);
}
Tensor<float> forecasts(const Net& net, const Tensor<float>& w) {
  return in_parts(w, [&](const Tensor<float>& part) { return net(context_of(part)); });
}

Tensor<float> errors_of(const Net& net, const Traffic& t) {
  const Tensor<float> past = windows(t, places(t, false, 16));
  return target_of(past) - forecasts(net, past);
}

Result judged(const Task& task, const Aid& aid, const Net& net) {
  const auto test = places(task.traffic, true, task.stride);
  const Tensor<float> w = windows(task.traffic, test), errors = errors_of(net, task.traffic);
  Result out = judged(aid.name, task.traffic, test,
                      with_errors(forecasts(net, w), errors, task.paths, task.seed));
  const Tensor<float> attacked = in_parts(w, [&](const Tensor<float>& part) {
    return net(attack(net, part, 5, Rng(task.seed).stream(22)));
  });
  out.attacked =
      judged("", task.traffic, test, attacked.reshaped({w.dim(0), 1, w.dim(1), ahead})).all;
  return out;
}

}  // namespace

Tensor<float> External::operator()(const Tensor<float>& w) const {
  const Tensor<float> x = context_of(w);
  return net(x.reshaped({x.dim(0), x.dim(1), shown, 1})) + slice(x, 2, shown - 1, 1);
}

std::vector<Result> stgcn(const Task& task, const Features& generator,
                          std::shared_ptr<External>& plain) {
  const Index L = shown + ahead;
  const Tensor<float> generated = drawn_windows(generator, task, 96, L);
  Tensor<float> perturbed;
  {
    const std::vector<Index> all = places(task.traffic, false);
    std::vector<Index> some;
    for (std::uint64_t i = 0; i < 96; ++i)
      some.push_back(
          all[static_cast<std::size_t>(Rng(task.seed).stream(23).index(std::ssize(all), i))]);
    const Tensor<float> w = windows(task.traffic, some);
    perturbed = Tensor<float>({3 * w.dim(0), w.dim(1), L});
    for (std::uint64_t way = 0; way < 3; ++way) {
      const Tensor<float> x = perturbed_windows(generator, task, context_of(w), way);
      for (Index i = 0; i < w.dim(0); ++i)
        for (Index n = 0; n < w.dim(1); ++n)
          for (Index l = 0; l < L; ++l)
            perturbed(3 * i + static_cast<Index>(way), n, l) = l < shown ? x(i, n, l) : w(i, n, l);
    }
  }
  const std::vector<Aid> aids = {
      {.name = "ST-GCN"},
      {.name = "&nbsp; generated windows, a quarter", .generated = &generated},
      {.name = "&nbsp; attacked by projected gradients", .attacked = true},
      {.name = "&nbsp; perturbed by diffusion", .perturbed = &perturbed},
      {.name = "&nbsp; features of diffusion, frozen", .features = generator},
      {.name = "&nbsp; the same, tuned", .features = generator, .tune = true}};
  std::vector<Result> out;
  for (const Aid& aid : aids) {
    Index steps = 0;
    const Net net = trained(task, aid, steps);
    out.push_back(judged(task, aid, net));
    out.back().steps = steps;
    if (!plain)
      plain = std::make_shared<External>(External{errors_of(net, task.traffic), net.stgcn});
  }
  return out;
}
