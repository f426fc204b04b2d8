#pragma once

#include "foglift/core/tensor.hpp"
#include "plan.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace io {
class Checkpoint;
}
}  // namespace v0
}  // namespace foglift

namespace tool {

using foglift::Tensor;

/// A file with a model of this program.
struct SavedModel {
  std::string path;
  Json config;  ///< what the program keeps beside the weights: options, plan, sha256 of the rows
  Index step = 0, weights = 0;
  std::shared_ptr<const foglift::io::Checkpoint> file;
};

/// Throws FormatError for what is no such file.
SavedModel open_model(const std::string& path);

/// A model of any method, so that the methods are compiled once.
class Model {
 public:
  /// What training tells now and then: (step, steps, loss, best validation; infinite without one).
  using Show = std::function<void(Index, Index, double, double)>;
  using Save = std::function<void(const std::string& checkpoint)>;

  virtual ~Model() = default;
  virtual std::string description() const = 0;  ///< "U-Net of 12345 weights"
  virtual Index step() const = 0;
  /// Steps that are worth taking within some minutes, from a trial of a few seconds on a copy.
  virtual Index affordable_steps(const std::vector<forecast::Series>& past,
                                 double minutes) const = 0;
  /// Trains to the end or to a signal, which is returned (0 at the end); saves every 200 steps and
  /// when it is stopped.
  virtual int train(const std::vector<forecast::Series>& past, const std::string& config,
                    const Show& show, const Save& save) = 0;
  /// [origins, paths, horizon].
  virtual Tensor<double> paths(const std::vector<forecast::Series>& series,
                               std::span<const forecast::Origin> origins, Index paths) const = 0;
  virtual std::string checkpoint(const std::string& config) const = 0;
  virtual void restore(const SavedModel& saved) = 0;
  /// Takes the weights alone, to train on from there.
  virtual void begin_with(const SavedModel& saved) = 0;
};

std::unique_ptr<Model> make_model(const Plan& plan);

}  // namespace tool
