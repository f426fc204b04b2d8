#include "foglift/io/checkpoint.hpp"
#include "methods.hpp"
#include "plan.hpp"
#include "saved_model.hpp"

namespace tool {

using namespace foglift;

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
  const forecast::EnsembleOptions options{
      .windows = plan.windows,
      .paths = plan.samples,
      .training = {.steps = plan.steps > 0 ? plan.steps : 1'000'000,
                   .learning_rate = 2e-3,
                   .weight_decay = 0.05,
                   .patience = 6,
                   .seed = plan.seed},
      .bounds = plan.bounds,
      .mask_outliers = plan.mask_outliers,
      .effects = true,
      .name = plan.method + " model"};
  return plan.method == "linear" ? linear_model(frame, options) : diffusion_model(frame, options);
}

}  // namespace tool
