#pragma once

#include "foglift/core/atomic_file.hpp"
#include "foglift/io/choices.hpp"
#include "foglift/io/safetensors.hpp"
#include "foglift/train/fit.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace io {

/// A checkpoint is one safetensors file that holds a train::FitState whole:
///   model.NAME, ema.NAME      weights and their average, by dotted parameter name
///   best.NAME                 the best average, once validation chose one
///   adam.m.NAME, adam.v.NAME  moments, by the names the optimizer gives itself and them
///   adam.updates              updates each parameter has seen, U64
///   fitted.NAME               numbers that were fitted beside the weights, F64
/// and in __metadata__ the remaining numbers (floating ones in hexadecimal, exactly), under
/// made_for.NAME what the weights' shapes do not tell (FitState::made_for, nn::description), the
/// program's own `config` text, library and format version, and a hash of all bytes of the file.
/// Equal states give equal bytes.
inline constexpr const char* checkpoint_format = "1";

namespace detail {

inline constexpr std::string_view hash_key = "\"foglift.hash\":\"";
inline constexpr std::string_view no_hash = "0000000000000000";
inline constexpr std::size_t hash_digits = no_hash.size();

/// A 64-bit hash in which every step is a bijection of the state and of the word, so that a change
/// within any eight bytes always shows.
inline std::uint64_t content_hash(std::string_view bytes) {
  std::uint64_t hash = 0x9E3779B97F4A7C15 ^ bytes.size();
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min(sizeof(word), bytes.size() - at));
    hash = std::rotl((hash ^ word) * 0xD6E8FEB86659FD93, 32);
  }
  return hash ^ (hash >> 29);
}

inline std::string hex_digits(std::uint64_t value) {
  std::string out(no_hash);
  for (std::size_t i = hash_digits; i-- > 0; value >>= 4) out[i] = "0123456789abcdef"[value & 15];
  return out;
}

/// Text of a number that reads back to the same bits, in any locale.
template <class N>
std::string exact_text(N value) {
  std::array<char, 64> text;
  std::to_chars_result end{};
  if constexpr (std::is_floating_point_v<N>)
    end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::hex);
  else
    end = std::to_chars(text.data(), text.data() + text.size(), value);
  return std::string(text.data(), end.ptr);
}

template <class N>
N exact_number(const Safetensors& file, const std::string& key) {
  const std::string& text = file.metadata(key);
  const char* const last = text.data() + text.size();
  N value{};
  std::from_chars_result end{};
  if constexpr (std::is_floating_point_v<N>)
    end = std::from_chars(text.data(), last, value, std::chars_format::hex);
  else
    end = std::from_chars(text.data(), last, value);
  if (end.ec != std::errc() || end.ptr != last)
    raise<FormatError>(file.source(), ": metadata \"", key, "\" is \"", text, "\", no number");
  return value;
}

template <class M>
void list_weights(std::vector<NamedTensor>& out, const std::string& prefix, const M& model) {
  nn::for_each_parameter(model, [&](const std::string& name, const auto& p) {
    out.push_back(named(prefix + name, p.value));
  });
}

/// The tensor under a name, which must have the shape and element type of `like`.
template <Scalar T>
Tensor<T> fitting_tensor(const Safetensors& file, const std::string& name, const Tensor<T>& like) {
  const TensorInfo& found = file.at(name);
  if (found.shape != like.shape() || found.dtype != dtype_of<T>())
    raise<FormatError>(file.source(), ": tensor \"", name, "\" is ", info(found.dtype).name, ' ',
                       found.shape, ", the model needs ", info(dtype_of<T>()).name, ' ',
                       like.shape());
  return file.tensor<T>(name);
}

/// Sets all parameters; returns how many tensors that took.
template <class M>
std::size_t read_weights(const Safetensors& file, const std::string& prefix, M& model) {
  std::size_t count = 0;
  nn::for_each_parameter(model, [&](const std::string& name, auto& p) {
    p.value = fitting_tensor(file, prefix + name, p.value);
    ++count;
  });
  return count;
}

inline bool has_prefix(const Safetensors& file, std::string_view prefix) {
  for (const TensorInfo& tensor : file.tensors())
    if (tensor.name.compare(0, prefix.size(), prefix) == 0) return true;
  return false;
}

/// Sets the slots of an optimizer of `model`; returns how many tensors that took.
template <class M, class Rule>
std::size_t read_slots(const Safetensors& file, const M& model, Rule& rule) {
  const std::string prefix = std::string(Rule::name) + '.';
  rule.slots.clear();
  if (!file.contains(prefix + "updates")) return 0;
  const auto updates = file.values<std::uint64_t>(prefix + "updates");
  std::size_t at = 0, count = 1;
  nn::for_each_parameter(model, [&](const std::string& name, const auto& p) {
    if (at == updates.size())
      raise<FormatError>(file.source(), ": \"", prefix, "updates\" ends before \"", name, '"');
    auto& slot = rule.slots.emplace_back();
    slot.updates = updates[at++];
    if (slot.updates == 0) return;
    for (const char* moment : Rule::moments) {
      slot.moments.push_back(fitting_tensor(file, prefix + moment + '.' + name, p.value));
      ++count;
    }
  });
  if (at != updates.size())
    raise<FormatError>(file.source(), ": \"", prefix, "updates\" has ", updates.size(),
                       " elements, the model ", at, " parameters");
  return count;
}

/// Takes the numbers that were fitted beside the weights; returns how many tensors that took.
template <class State>
std::size_t read_fitted(const Safetensors& file, State& state) {
  constexpr std::string_view prefix = "fitted.";
  state.fitted.clear();
  for (const TensorInfo& tensor : file.tensors())
    if (tensor.name.compare(0, prefix.size(), prefix) == 0)
      state.fitted[tensor.name.substr(prefix.size())] = file.tensor<double>(tensor.name);
  return state.fitted.size();
}

}  // namespace detail

/// The bytes of a checkpoint. Throws ArgumentError if the optimizer served another model.
template <nn::Module M, train::Optimizer Rule>
std::string checkpoint_bytes(const train::FitState<M, Rule>& state, const std::string& config) {
  std::vector<NamedTensor> tensors;
  detail::list_weights(tensors, "model.", state.model);
  const std::size_t parameters = tensors.size();
  detail::list_weights(tensors, "ema.", state.ema);
  if (state.best) detail::list_weights(tensors, "best.", *state.best);
  const auto& slots = state.optimizer.slots;
  if (!slots.empty() && slots.size() != parameters)
    raise<ArgumentError>("save_checkpoint: an optimizer of ", slots.size(),
                         " parameters and a model of ", parameters);
  std::vector<std::uint64_t> updates;
  if (!slots.empty())
    nn::for_each_parameter(state.model, [&](const std::string& name, const auto&) {
      const auto& slot = slots[updates.size()];
      updates.push_back(slot.updates);
      for (std::size_t i = 0; i < slot.moments.size(); ++i)
        tensors.push_back(
            named(std::string(Rule::name) + '.' + Rule::moments[i] + '.' + name, slot.moments[i]));
    });
  if (!updates.empty())
    tensors.push_back(
        named(std::string(Rule::name) + ".updates", std::span<const std::uint64_t>(updates)));
  for (const auto& [name, numbers] : state.fitted)
    tensors.push_back(named("fitted." + name, numbers));
  Metadata metadata{{"config", config},
                    {"foglift.format", checkpoint_format},
                    {"foglift.hash", std::string(detail::no_hash)},
                    {"foglift.version", FOGLIFT_VERSION_STRING},
                    {"optimizer", Rule::name},
                    {"seed", detail::exact_text(state.seed)},
                    {"step", detail::exact_text(state.step)},
                    {"smoothed_loss", detail::exact_text(state.smoothed_loss)},
                    {"best_metric", detail::exact_text(state.best_metric)},
                    {"best_step", detail::exact_text(state.best_step)},
                    {"misses", detail::exact_text(state.misses)}};
  const nn::Description told = nn::description(state.model);
  for (const nn::Description* choices : {&told, &state.made_for})
    for (const auto& [key, value] : *choices)
      if (!metadata.emplace(std::string(detail::made_for) + key, value).second)
        raise<ArgumentError>("save_checkpoint: made_for has \"", key,
                             "\", which is an option of the network");
  std::string bytes = safetensors_bytes(std::move(tensors), metadata);
  const std::size_t at = bytes.find(detail::hash_key) + detail::hash_key.size();
  bytes.replace(at, detail::hash_digits, detail::hex_digits(detail::content_hash(bytes)));
  return bytes;
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
///   Net net(options_from(file.config()));
///   file.weights(net);                        // to use it
///   file.restore(state);                      // or to train on
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
    detail::match_model(file_, model);
    M loaded = nn::detail::named_copy("Checkpoint::weights", model);
    const std::string prefix = detail::has_prefix(file_, "best.") ? "best." : "ema.";
    const std::size_t count = detail::read_weights(file_, prefix, loaded);
    std::size_t stored = 0;
    for (const TensorInfo& tensor : file_.tensors())
      stored += tensor.name.compare(0, prefix.size(), prefix) == 0;
    if (stored != count)
      raise<FormatError>(file_.source(), ": ", stored, " tensors under \"", prefix,
                         "\", the model has ", count, " parameters");
    model = std::move(loaded);
  }

  /// Sets the whole state of a run, whose model must be built as the saved one was. Throws
  /// FormatError naming what is missing, left over, or of another shape, type, option or optimizer,
  /// with the state untouched.
  template <nn::Module M, train::Optimizer Rule>
  void restore(train::FitState<M, Rule>& state) const {
    if (file_.metadata("optimizer") != Rule::name)
      raise<FormatError>(file_.source(), ": state of optimizer \"", file_.metadata("optimizer"),
                         "\", needs \"", Rule::name, '"');
    detail::match_state(file_, state);
    train::FitState<M, Rule> loaded = state;
    std::size_t count = detail::read_weights(file_, "model.", loaded.model);
    count += detail::read_weights(file_, "ema.", loaded.ema);
    loaded.best.reset();
    if (detail::has_prefix(file_, "best."))
      count += detail::read_weights(file_, "best.", loaded.best.emplace(loaded.ema));
    count += detail::read_slots(file_, loaded.model, loaded.optimizer);
    count += detail::read_fitted(file_, loaded);
    if (count != file_.tensors().size())
      raise<FormatError>(file_.source(), ": ", file_.tensors().size(), " tensors, the run has ",
                         count, "; was the model built with other options?");
    loaded.seed = detail::exact_number<std::uint64_t>(file_, "seed");
    loaded.step = step();
    loaded.smoothed_loss = detail::exact_number<double>(file_, "smoothed_loss");
    loaded.best_metric = detail::exact_number<double>(file_, "best_metric");
    loaded.best_step = detail::exact_number<Index>(file_, "best_step");
    loaded.misses = detail::exact_number<Index>(file_, "misses");
    state = std::move(loaded);
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

}  // namespace io
}  // namespace v0
}  // namespace foglift
