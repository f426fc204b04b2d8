#pragma once

#include "foglift/io/safetensors_reader.hpp"
#include "foglift/nn/description.hpp"

#include <string>
#include <string_view>

namespace foglift::inline v0::io {
namespace detail {

/// Metadata keys of what a checkpoint's weights are for begin so.
inline constexpr std::string_view made_for = "made_for.";

/// What the file says its weights are for; empty for a file of a version that did not say it.
inline nn::Description stated_choices(const Safetensors& file) {
  nn::Description out;
  for (const auto& [key, value] : file.metadata())
    if (key.compare(0, made_for.size(), made_for) == 0) out[key.substr(made_for.size())] = value;
  return out;
}

/// Throws FormatError, naming both sides, if a choice in `needed` is another one in `stated`. What
/// a file does not state is the default, if there is one: the option came after the file.
inline void match_choices(const Safetensors& file, const nn::Description& stated,
                          const nn::Description& needed, const nn::Description& defaults) {
  if (stated.empty()) return;
  for (const auto& [key, value] : needed) {
    const auto found = stated.find(key);
    if (found != stated.end() && found->second == value) continue;
    const auto unsaid = defaults.find(key);
    if (found == stated.end() && unsaid != defaults.end() && unsaid->second == value) continue;
    raise<FormatError>(file.source(), ": made for ",
                       found == stated.end() ? "no " + key : key + " = " + found->second,
                       ", used for ", key, " = ", value);
  }
}

/// Throws FormatError if the weights of a file are for another model than the one described.
inline void match_model(const Safetensors& file, const nn::detail::Described& model) {
  match_choices(file, stated_choices(file), model.chosen, model.by_default);
}

/// What a NetworkDenoiser says of itself among other choices. A file that does not say it is older
/// than that, and taken.
inline nn::Description of_denoiser(const nn::Description& choices) {
  nn::Description out;
  for (const char* key : {"parameterization", "schedule"})
    if (const auto found = choices.find(key); found != choices.end()) out.insert(*found);
  return out;
}

/// Throws FormatError, naming both sides, unless the file was made for this model and
/// with these choices of the program.
inline void match_state(const Safetensors& file, const nn::detail::Described& model,
                        const nn::Description& program) {
  match_model(file, model);
  const nn::Description stated = stated_choices(file);
  match_choices(file, stated, program, of_denoiser(program));
  for (const auto& [key, value] : stated)
    if (program.count(key) == 0 && model.chosen.count(key) == 0)
      raise<FormatError>(file.source(), ": made for ", key, " = ", value, ", used for no ", key);
}

}  // namespace detail
}  // namespace foglift::inline v0::io
