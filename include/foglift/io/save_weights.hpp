#pragma once

#include "foglift/io/choices.hpp"
#include "foglift/io/safetensors_writer.hpp"
#include "foglift/nn/description.hpp"
#include "foglift/nn/forgotten.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::io {

struct SaveWeightsOptions {
  std::optional<DType> stored =
      std::nullopt;  ///< F16 or BF16, to halve the file of a float network
};

namespace detail {
inline void save_weights(const std::string& path, const ModelView& model,
                         const nn::Description& told, const SaveWeightsOptions& options) {
  std::vector<NamedTensor> tensors;
  model.each_parameter([&](const ModelPath& at, const auto& p) {
    tensors.push_back(named(at.name(), p.value));
    tensors.back().stored = options.stored;
  });
  Metadata metadata;
  for (const auto& [key, value] : told) metadata[std::string(made_for) + key] = value;
  write_safetensors(path, std::move(tensors), metadata);
}
}  // namespace detail

/// Writes a network's weights alone, under their dotted names, with what they are made for in the
/// metadata; load_weights reads them, and PyTorch's safetensors. Throws what write_safetensors
/// throws, so for a weight that F16 can not hold.
template <nn::Module M>
void save_weights(const std::string& path, const M& model, const SaveWeightsOptions& options = {}) {
  nn::check_children(model);
  detail::save_weights(path, model, nn::description(model), options);
}

}  // namespace foglift::inline v0::io
