#pragma once

#include "foglift/io/safetensors.hpp"
#include "foglift/probe/probes/linear.hpp"

#include <string>

namespace foglift::inline v0::probe {

namespace detail {
inline bool whole(const Tensor<double>& weight, const Tensor<double>& bias) {
  return weight.rank() == 2 && bias.rank() == 1 && weight.dim(1) == bias.dim(0) && !weight.empty();
}
}  // namespace detail

/// Writes a probe as safetensors: `weight` [d, classes] and `bias` [classes], F64, with the
/// program's own `config` text, which says what features it is for (network, block, level).
/// Throws ArgumentError for a probe that was never fitted, FormatError if writing fails.
inline void save_probe(const std::string& path, const LinearProbe& probe,
                       const std::string& config) {
  if (!detail::whole(probe.weight, probe.bias))
    raise<ArgumentError>("save_probe: a probe of weight ", probe.weight.shape(), " and bias ",
                         probe.bias.shape(), ", needed [d, classes] and [classes]");
  io::write_safetensors(path, {io::named("weight", probe.weight), io::named("bias", probe.bias)},
                        {{"config", config}, {"foglift.probe", "1"}});
}

/// The probe of a file, with the same numbers to the bit. Throws FormatError if the file can not be
/// read, holds no probe, or one that was saved with another config.
inline LinearProbe load_probe(const std::string& path, const std::string& config) {
  const io::Safetensors file = io::read_safetensors(path, {.require_finite = true});
  if (file.metadata().count("foglift.probe") == 0)
    raise<FormatError>(path, ": no probe, its metadata has no foglift.probe");
  if (file.metadata("config") != config)
    raise<FormatError>(path, ": saved with config ", file.metadata("config"), ", wanted is ",
                       config);
  LinearProbe probe{{file.tensor<double>("weight"), file.tensor<double>("bias")}};
  if (!detail::whole(probe.weight, probe.bias))
    raise<FormatError>(path, ": weight ", probe.weight.shape(), " and bias ", probe.bias.shape(),
                       ", needed [d, classes] and [classes]");
  return probe;
}

}  // namespace foglift::inline v0::probe
