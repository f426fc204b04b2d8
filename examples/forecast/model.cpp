#include "model.hpp"

#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "foglift/forecast/methods/linear.hpp"
#include "foglift/io/checkpoint.hpp"
#include "foglift/train/callbacks/every.hpp"
#include "foglift/train/callbacks/pace.hpp"
#include "foglift/train/callbacks/stop_when.hpp"
#include "foglift/train/interrupt.hpp"
#include "support/progress.hpp"

namespace tool {

using namespace foglift;

namespace {

template <class M>
class ModelOf final : public Model {
 public:
  ModelOf(std::string name, const typename M::Options& options,
          const forecast::ForecasterOptions& training)
      : name_(std::move(name)), options_(options), model_(options, training) {}

  std::string description() const override {
    return name_ + " of " + std::to_string(nn::parameter_count(model_.state().model)) + " weights";
  }
  Index step() const override { return model_.state().step; }

  Index affordable_steps(const std::vector<forecast::Series>& past, double minutes) const override {
    forecast::Forecaster<M> trial = model_;
    train::callback::Pace pace(seconds_now);
    trial.fit(past, pace, train::callback::StopWhen([&] {
                return pace.steps() >= 3 && pace.seconds() > std::min(4.0, 6 * minutes);
              }));
    constexpr double validations = 1.05;  // their share of the time
    const double left = 60 * minutes - pace.seconds();
    const auto steps = static_cast<Index>(left / (pace.each() * validations));
    if constexpr (std::is_same_v<M, forecast::Linear>) {
      // A dozen passes over the windows bring a linear model to its optimum.
      Index windows = 0;
      for (const forecast::Series& s : past) windows += s.size() - model_.options().validation;
      return std::clamp(steps, Index{50},
                        std::max<Index>(800, 12 * windows / model_.options().batch));
    }
    return std::max(Index{50}, steps);
  }

  int train(const std::vector<forecast::Series>& past, const std::string& config, const Show& show,
            const Save& save) override {
    const train::Interrupt interrupt;
    const auto keep = [&](const auto& state) { save(io::checkpoint_bytes(state, config)); };
    const auto tell = [&](const train::FitProgress& p) {
      show(p.step, p.steps, p.smoothed_loss, model_.state().best_metric);
    };
    const train::FitEnd end = model_.fit(past, tell, train::callback::Every(200, keep), interrupt);
    if (end != train::FitEnd::stopped) return 0;
    keep(model_.state());
    return interrupt.signal();
  }

  Tensor<double> paths(const std::vector<forecast::Series>& series,
                       std::span<const forecast::Origin> origins, Index paths) const override {
    return model_.paths(series, origins, paths);
  }
  std::string checkpoint(const std::string& config) const override {
    return io::checkpoint_bytes(model_.state(), config);
  }
  void restore(const SavedModel& saved) override { saved.file->restore(model_.state()); }
  void begin_with(const SavedModel& saved) override {
    saved.file->weights(model_.state().model);
    model_.state().ema = model_.state().model;
  }

 private:
  std::string name_;
  typename M::Options options_;
  forecast::Forecaster<M> model_;
};

}  // namespace

SavedModel open_model(const std::string& path) {
  SavedModel saved{.path = path, .config = {}, .file = std::make_shared<io::Checkpoint>(path)};
  saved.config = Json::parse(saved.file->config(), nullptr, false);
  if (!saved.config.is_object() || !saved.config.contains("options") ||
      !saved.config.contains("plan"))
    raise<FormatError>(path, ": no model of the forecast program");
  saved.step = saved.file->step();
  for (const auto& tensor : saved.file->file().tensors())
    if (tensor.name.rfind("model.", 0) == 0) {
      Index size = 1;
      for (const Index n : tensor.shape) size *= n;
      saved.weights += size;
    }
  return saved;
}

std::unique_ptr<Model> make_model(const Plan& plan) {
  const forecast::FrameOptions frame{.horizon = plan.horizon,
                                     .context = plan.context,
                                     .seasons = plan.seasons,
                                     .calendar = plan.calendar,
                                     .columns = plan.columns};
  const forecast::ForecasterOptions training{.validation = plan.held_out(),
                                             .steps = plan.steps > 0 ? plan.steps : 1'000'000,
                                             .learning_rate = 2e-3,
                                             .weight_decay = 0.05,
                                             .non_negative = plan.non_negative,
                                             .seed = plan.seed};
  if (plan.method == "linear")
    return std::make_unique<ModelOf<forecast::Linear>>("linear model",
                                                       forecast::Linear::Options{frame}, training);
  return std::make_unique<ModelOf<forecast::HorizonDiffusion<>>>(
      "U-Net",
      forecast::HorizonDiffusion<>::Options{.frame = frame,
                                            .net = {.width = 24,
                                                    .multipliers = {1, 2, 2},
                                                    .blocks = 1,
                                                    .middle_attention = false,
                                                    .dropout = 0.3}},
      training);
}

}  // namespace tool
