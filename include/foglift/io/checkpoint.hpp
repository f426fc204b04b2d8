#pragma once

#include "foglift/core/atomic_file.hpp"
#include "foglift/io/checkpoint_format.hpp"

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::io {

/// The bytes of a checkpoint. Throws ArgumentError if the optimizer served another model.
template <nn::Module M, train::Optimizer Rule>
std::string checkpoint_bytes(const train::FitState<M, Rule>& state, const std::string& config) {
  std::vector<detail::PrefixedModel> models{{"model.", state.model}, {"ema.", state.ema}};
  if (state.best) models.push_back({"best.", *state.best});
  return detail::checkpoint_bytes(models, nn::description(state.model), detail::rule_names<Rule>(),
                                  state.optimizer.slots, state, config);
}

/// Writes a checkpoint, as a whole or not at all. `config` is the program's own text (JSON, say),
/// kept as it is. Throws FormatError naming the path if writing fails; the old file is there then.
template <nn::Module M, train::Optimizer Rule>
void save_checkpoint(const std::string& path, const train::FitState<M, Rule>& state,
                     const std::string& config) {
  write_file(path, checkpoint_bytes(state, config));
}

/// A checkpoint that was read and found intact.
///
///   const io::Checkpoint file("run.safetensors");
///   file.weights(net);    // to use it: of the same options, which may stand in file.config()
///   file.restore(state);  // or to train on
class Checkpoint {
 public:
  /// Throws FormatError naming the path: not readable, not safetensors, no checkpoint, of another
  /// format version, or with any bit changed since it was written.
  explicit Checkpoint(const std::string& path)
      : Checkpoint(read_file(path, SafetensorsOptions{}.max_file_bytes), path) {}
  /// The same from bytes; errors begin with `source`.
  Checkpoint(std::string bytes, const std::string& source)
      : file_(parse_safetensors(std::as_bytes(std::span(bytes)), {}, source)) {
    const std::size_t key = bytes.find(detail::hash_key);
    if (key == std::string::npos || file_.metadata().count("foglift.hash") == 0)
      raise<FormatError>(source, ": no foglift checkpoint, its metadata has no foglift.hash");
    const std::size_t at = key + detail::hash_key.size();
    const std::string stated = bytes.substr(at, detail::hash_digits);
    bytes.replace(at, detail::hash_digits, detail::no_hash);
    const std::string found = detail::hex_digits(detail::content_hash(bytes));
    if (found != stated)
      raise<FormatError>(source, ": damaged: content hash ", found, ", it was written with ",
                         stated);
    if (file_.metadata("foglift.format") != checkpoint_format)
      raise<FormatError>(source, ": checkpoint format ", file_.metadata("foglift.format"),
                         ", this library reads ", checkpoint_format);
  }

  const std::string& config() const { return file_.metadata("config"); }
  Index step() const { return detail::exact_number<Index>(file_, "step"); }
  const Safetensors& file() const { return file_; }

  /// Sets the weights that FitState::result() named: the best ones, else the average. Throws
  /// FormatError naming the first tensor that is missing or of another shape, or the option of the
  /// network (see nn::description) that was another one, ArgumentError if the model holds
  /// parameters that its each() does not name, with the model untouched.
  template <nn::Module M>
  void weights(M& model) const {
    detail::match_model(file_, nn::detail::described(model));
    nn::detail::named_copy("Checkpoint::weights", model);
    const std::string prefix = detail::has_prefix(file_, "best.") ? "best." : "ema.";
    detail::ReadWeights read(file_, prefix, model);
    std::size_t stored = 0;
    for (const TensorInfo& tensor : file_.tensors())
      stored += tensor.name.compare(0, prefix.size(), prefix) == 0;
    if (stored != read.size())
      raise<FormatError>(file_.source(), ": ", stored, " tensors under \"", prefix,
                         "\", the model has ", read.size(), " parameters");
    std::move(read).move_to(model);
  }

  /// The denoiser with the weights of `weights`, which it keeps. Throws what `weights` does, and
  /// FormatError, naming both sides, if they were trained for another parameterization or schedule.
  ///
  ///   auto denoise = file.denoiser(NetworkDenoiser(net, predict::Velocity{}, schedule::Cosine{}));
  template <class D>
  auto denoiser(const D& like) const {
    const nn::Description needed = like.description();
    detail::match_choices(file_, detail::stated_choices(file_), needed, needed);
    auto network = like.network();
    weights(network);
    return like.of(std::move(network));
  }

  /// Sets the whole state of a run, whose model must be built as the saved one was. Throws
  /// FormatError naming what is missing, left over, or of another shape, type, option or optimizer,
  /// with the state untouched.
  template <nn::Module M, train::Optimizer Rule>
  void restore(train::FitState<M, Rule>& state) const {
    const detail::RuleNames rule = detail::rule_names<Rule>();
    if (file_.metadata("optimizer") != rule.name)
      raise<FormatError>(file_.source(), ": state of optimizer \"", file_.metadata("optimizer"),
                         "\", needs \"", rule.name, '"');
    detail::match_state(file_, nn::detail::described(state.model), state.made_for);
    detail::ReadState<typename Rule::value_type> read(file_, state.model, state.ema, rule, state);
    if (!read.best)
      state.best.reset();
    else if (!state.best)
      state.best.emplace(state.ema);  // the last that can throw
    std::move(read.model).move_to(state.model);
    std::move(read.ema).move_to(state.ema);
    if (read.best) std::move(*read.best).move_to(*state.best);
    state.optimizer.slots = std::move(read.slots);
    static_cast<train::FitRecord&>(state) = std::move(read.run);
  }

 private:
  Safetensors file_;
};

/// Restores a run to go on with it. Throws what Checkpoint throws, and FormatError if the run was
/// saved with another config.
template <nn::Module M, train::Optimizer Rule>
void load_checkpoint(const std::string& path, train::FitState<M, Rule>& state,
                     const std::string& config) {
  const Checkpoint file(path);
  if (file.config() != config)
    raise<FormatError>(path, ": saved with config ", file.config(), ", this run has ", config);
  file.restore(state);
}

}  // namespace foglift::inline v0::io
