#pragma once

#include "foglift/io/choices.hpp"
#include "foglift/io/safetensors.hpp"
#include "foglift/nn/description.hpp"
#include "foglift/train/fit.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace foglift::inline v0::io {

/// A checkpoint is one safetensors file that holds a train::FitState whole:
///   model.NAME, ema.NAME      weights and their average, by dotted parameter name
///   best.NAME                 the best average, once validation chose one
///   adam.m.NAME, adam.v.NAME  moments, by the names the optimizer gives itself and them
///   adam.updates              updates each parameter has seen, U64
///   fitted.NAME               numbers that were fitted beside the weights, F64
/// and in __metadata__ the remaining numbers (floating ones in hexadecimal, exactly), under
/// made_for.NAME what the weights' shapes do not tell (FitState::made_for, with the
/// parameterization and schedule of a NetworkDenoiser; nn::description), the program's own `config`
/// text, library and format version, and a hash of all bytes of the file. Equal states give equal
/// bytes.
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

/// The values that a file has for all parameters of a model. Throws FormatError if it has not.
class ReadWeights {
 public:
  ReadWeights(const Safetensors& file, const std::string& prefix, const ModelView& model) {
    model.each_parameter([&]<class T>(const ModelPath& path, const Parameter<T>& p) {
      of<T>().push_back(fitting_tensor(file, prefix + path.name(), p.value));
    });
  }

  std::size_t size() const { return floats_.size() + doubles_.size(); }

  /// Moves them into the model, or one like it.
  void move_to(const ModelRef& model) && {
    std::size_t next_float = 0, next_double = 0;
    model.each_parameter([&]<class T>(const ModelPath&, Parameter<T>& p) {
      std::size_t& next = std::is_same_v<T, float> ? next_float : next_double;
      p.value = std::move(of<T>()[next++]);
    });
  }

 private:
  template <Scalar T>
  std::vector<Tensor<T>>& of() {
    if constexpr (std::is_same_v<T, float>)
      return floats_;
    else
      return doubles_;
  }

  std::vector<Tensor<float>> floats_;
  std::vector<Tensor<double>> doubles_;
};

/// What an optimizer calls itself and its moments.
struct RuleNames {
  std::string name;
  std::vector<std::string> moments;
};
template <train::Optimizer Rule>
RuleNames rule_names() {
  return {Rule::name, {std::begin(Rule::moments), std::end(Rule::moments)}};
}

inline bool has_prefix(const Safetensors& file, std::string_view prefix) {
  for (const TensorInfo& tensor : file.tensors())
    if (tensor.name.compare(0, prefix.size(), prefix) == 0) return true;
  return false;
}

/// The slots of an optimizer of `model`; adds to `count` how many tensors that took.
template <Scalar T>
std::vector<train::Slot<T>> read_slots(const Safetensors& file, const ModelView& model,
                                       const RuleNames& rule, std::size_t& count) {
  const std::string prefix = rule.name + '.';
  std::vector<train::Slot<T>> slots;
  if (!file.contains(prefix + "updates")) return slots;
  const auto updates = file.values<std::uint64_t>(prefix + "updates");
  std::size_t at = 0;
  ++count;
  model.each_parameter([&](const ModelPath& path, const Parameter<T>& p) {
    const std::string name = path.name();
    if (at == updates.size())
      raise<FormatError>(file.source(), ": \"", prefix, "updates\" ends before \"", name, '"');
    auto& slot = slots.emplace_back();
    slot.updates = updates[at++];
    if (slot.updates == 0) return;
    for (const std::string& moment : rule.moments) {
      slot.moments.push_back(fitting_tensor(file, prefix + moment + '.' + name, p.value));
      ++count;
    }
  });
  if (at != updates.size())
    raise<FormatError>(file.source(), ": \"", prefix, "updates\" has ", updates.size(),
                       " elements, the model ", at, " parameters");
  return slots;
}

/// Takes the numbers that were fitted beside the weights; returns how many tensors that took.
inline std::size_t read_fitted(const Safetensors& file, train::FitRecord& state) {
  constexpr std::string_view prefix = "fitted.";
  state.fitted.clear();
  for (const TensorInfo& tensor : file.tensors())
    if (tensor.name.compare(0, prefix.size(), prefix) == 0)
      state.fitted[tensor.name.substr(prefix.size())] = file.tensor<double>(tensor.name);
  return state.fitted.size();
}

/// A state of a run as it is read: whole, before any of it is taken.
template <Scalar T>
struct ReadState {
  ReadWeights model, ema;
  std::optional<ReadWeights> best;
  std::vector<train::Slot<T>> slots;
  train::FitRecord run;

  /// Throws FormatError unless the file is of a run of this model and optimizer.
  ReadState(const Safetensors& file, const ModelView& trained, const ModelView& average,
            const RuleNames& rule, const train::FitRecord& was)
      : model(file, "model.", trained), ema(file, "ema.", average), run(was) {
    if (has_prefix(file, "best.")) best.emplace(file, "best.", average);
    std::size_t count = model.size() + ema.size() + (best ? best->size() : 0);
    slots = read_slots<T>(file, trained, rule, count);
    count += read_fitted(file, run);
    if (count != file.tensors().size())
      raise<FormatError>(file.source(), ": ", file.tensors().size(), " tensors, the run has ",
                         count, "; was the model built with other options?");
    run.seed = exact_number<std::uint64_t>(file, "seed");
    run.step = exact_number<Index>(file, "step");
    run.smoothed_loss = exact_number<double>(file, "smoothed_loss");
    run.best_metric = exact_number<double>(file, "best_metric");
    run.best_step = exact_number<Index>(file, "best_step");
    run.misses = exact_number<Index>(file, "misses");
  }
};

/// Weights under the prefix of their names.
struct PrefixedModel {
  std::string prefix;
  ModelView model;
};

/// `models` are the model that is trained and its averages; `told` is the first's description.
template <Scalar T>
std::string checkpoint_bytes(const std::vector<PrefixedModel>& models, const nn::Description& told,
                             const RuleNames& rule, const std::vector<train::Slot<T>>& slots,
                             const train::FitRecord& run, const std::string& config) {
  std::vector<NamedTensor> tensors;
  std::size_t parameters = 0;
  for (const PrefixedModel& m : models) {
    m.model.each_parameter([&](const ModelPath& path, const auto& p) {
      tensors.push_back(named(m.prefix + path.name(), p.value));
    });
    if (parameters == 0) parameters = tensors.size();
  }
  if (!slots.empty() && slots.size() != parameters)
    raise<ArgumentError>("save_checkpoint: an optimizer of ", slots.size(),
                         " parameters and a model of ", parameters);
  std::vector<std::uint64_t> updates;
  if (!slots.empty())
    models.front().model.each_parameter([&](const ModelPath& path, const auto&) {
      const auto& slot = slots[updates.size()];
      updates.push_back(slot.updates);
      for (std::size_t i = 0; i < slot.moments.size(); ++i)
        tensors.push_back(
            named(rule.name + '.' + rule.moments[i] + '.' + path.name(), slot.moments[i]));
    });
  if (!updates.empty())
    tensors.push_back(named(rule.name + ".updates", std::span<const std::uint64_t>(updates)));
  for (const auto& [name, numbers] : run.fitted)
    tensors.push_back(named("fitted." + name, numbers));
  Metadata metadata{{"config", config},
                    {"foglift.format", checkpoint_format},
                    {"foglift.hash", std::string(no_hash)},
                    {"foglift.version", FOGLIFT_VERSION_STRING},
                    {"optimizer", rule.name},
                    {"seed", exact_text(run.seed)},
                    {"step", exact_text(run.step)},
                    {"smoothed_loss", exact_text(run.smoothed_loss)},
                    {"best_metric", exact_text(run.best_metric)},
                    {"best_step", exact_text(run.best_step)},
                    {"misses", exact_text(run.misses)}};
  for (const nn::Description* choices : {&told, &run.made_for})
    for (const auto& [key, value] : *choices)
      if (!metadata.emplace(std::string(made_for) + key, value).second)
        raise<ArgumentError>("save_checkpoint: made_for has \"", key,
                             "\", which is an option of the network");
  std::string bytes = safetensors_bytes(std::move(tensors), metadata);
  const std::size_t at = bytes.find(hash_key) + hash_key.size();
  bytes.replace(at, hash_digits, hex_digits(content_hash(bytes)));
  return bytes;
}

}  // namespace detail

}  // namespace foglift::inline v0::io
