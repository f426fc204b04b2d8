#pragma once

#include "foglift/core/tensor.hpp"
#include "scores.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace foglift::inline v0 {
namespace io {
class Checkpoint;
}
}  // namespace foglift::inline v0

namespace tool {

struct Plan;

/// A model of any method with the baselines that it is combined with, so that the methods are
/// compiled once.
class Model {
 public:
  /// What training tells after each step, and as windows are drawn to be judged.
  struct Progress {
    const char* judged = nullptr;  ///< "the model", "the baselines": what draws windows, if any
    bool refit = false;            ///< on all data, after the backtest
    Index step = 0, steps = 0;
    double loss = 0, best = 0;  ///< best: validation, infinite before the first
  };
  using Show = std::function<void(const Progress&)>;
  using Save = std::function<void(const std::string& checkpoint)>;

  virtual ~Model() = default;
  virtual std::string description() const = 0;  ///< "U-Net of 12345 weights"
  virtual Index step() const = 0;
  /// Steps that are worth taking within some minutes, from a trial of a few seconds on a copy.
  virtual Index affordable_steps(const std::vector<forecast::Series>& series,
                                 double minutes) const = 0;
  /// Trains, judges and refits, to the end or to a signal, which is returned (0 at the end); saves
  /// every 200 steps and when it is stopped. From a state that is restored it goes on; from that of
  /// the end it only judges again.
  virtual int train(const std::vector<forecast::Series>& series, const std::string& config,
                    const Show& show, const Save& save) = 0;
  /// What `train` found.
  virtual Backtest report() const = 0;
  /// The last windows of series that are not those of the training, as the finished model
  /// forecasts them.
  virtual Backtest judge(const std::vector<forecast::Series>& series) const = 0;
  /// [origins, paths, horizon].
  virtual Tensor<double> paths(const std::vector<forecast::Series>& series,
                               std::span<const forecast::Origin> origins, Index paths) const = 0;
  virtual std::string checkpoint(const std::string& config) const = 0;
  virtual void restore(const foglift::io::Checkpoint& saved) = 0;
  /// Takes the weights alone, to train on from there.
  virtual void begin_with(const foglift::io::Checkpoint& saved) = 0;
};

std::unique_ptr<Model> make_model(const Plan&);

}  // namespace tool
