#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/core/utf8.hpp"
#include "foglift/io/choices.hpp"
#include "foglift/io/safetensors.hpp"
#include "foglift/io/weight_names.hpp"
#include "foglift/nn/state.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foglift::inline v0::io {

/// Says where the parameter of a dotted name stands in a file: the places in which it may be, the
/// first that the file has counting. A WeightNames, diffusers_names, or any function.
template <class F>
concept WeightNaming = requires(const F& names, std::string_view name) {
  { names(name) } -> std::convertible_to<std::vector<WeightSource>>;
};

/// Our own names in our own layout.
struct OwnNames {
  std::vector<WeightSource> operator()(std::string_view name) const {
    return {{{std::string(name)}, Layout::foglift}};
  }
};
inline constexpr OwnNames own_names{};

namespace detail {

/// The axes of a stored tensor in the order of ours: the first two become the last two, exchanged.
template <Scalar T>
Tensor<T> in_our_layout(Tensor<T> x, Layout layout) {
  if (layout == Layout::foglift || x.rank() < 2) return x;
  const Index out = x.dim(0), in = x.dim(1), positions = x.shape().size(2, x.rank());
  std::vector<Index> extents(x.shape().begin() + 2, x.shape().end());
  extents.push_back(in);
  extents.push_back(out);
  auto y = Tensor<T>::uninitialized(Shape(extents.data(), extents.size()));
  for (Index o = 0; o < out; ++o)
    for (Index i = 0; i < in; ++i)
      for (Index p = 0; p < positions; ++p)
        y[(p * in + i) * out + o] = x[(o * in + i) * positions + p];
  return y;
}

/// Tensors of equal extents but for the last, joined along it.
template <Scalar T>
Tensor<T> joined(const std::vector<Tensor<T>>& parts) {
  Index width = 0;
  for (const Tensor<T>& part : parts) width += part.dim(-1);
  auto y = Tensor<T>::uninitialized(parts[0].shape().with(-1, width));
  Index at = 0;
  for (const Tensor<T>& part : parts) {
    const Index w = part.dim(-1);
    for (Index row = 0; row * w < part.size(); ++row)
      std::copy_n(part.data() + row * w, w, y.data() + row * width + at);
    at += w;
  }
  return y;
}

/// Whether tensors can be joined along the last axis.
template <Scalar T>
bool joinable(const std::vector<Tensor<T>>& parts) {
  return std::all_of(parts.begin(), parts.end(), [&](const Tensor<T>& part) {
    return part.rank() > 0 && part.dim(-1) > 0 && part.rank() == parts[0].rank() &&
           part.shape().with(-1, 1) == parts[0].shape().with(-1, 1);
  });
}

/// The first source all of whose tensors the file has, or nullptr.
inline const WeightSource* first_in(const Safetensors& file,
                                    const std::vector<WeightSource>& sources) {
  for (const WeightSource& s : sources)
    if (std::all_of(s.names.begin(), s.names.end(),
                    [&](const auto& n) { return file.contains(n); }))
      return &s;
  return nullptr;
}

/// A parameter's values; a tensor of no elements if the parts can not be joined.
template <Scalar T>
Tensor<T> weight(const Safetensors& file, const WeightSource& source) {
  std::vector<Tensor<T>> parts;
  for (const std::string& name : source.names)
    parts.push_back(in_our_layout(file.tensor<T>(name), source.layout));
  if (parts.size() == 1) return std::move(parts[0]);
  return joinable(parts) ? joined(parts) : Tensor<T>(Shape{0});
}

inline std::string description(const Safetensors& file, const WeightSource& source) {
  std::string text;
  for (const std::string& name : source.names)
    text += (text.empty() ? "" : ", ") + name + ' ' + nn::to_string(file.at(name).shape);
  return text;
}

/// Things of one kind that do not fit, of which a message names the first few.
class Misfits {
 public:
  explicit Misfits(std::string_view kind) : kind_(kind) {}

  template <class... Parts>
  void add(const Parts&... parts) {
    if (++count_ > most) return;
    text_ << "\n  " << kind_ << ": ";
    (text_ << ... << parts);
  }
  std::size_t count() const { return count_; }
  std::string text() const {
    if (count_ <= most) return text_.str();
    return text_.str() + "\n  " + std::string(kind_) + ": " + std::to_string(count_ - most) +
           " more";
  }

 private:
  static constexpr std::size_t most = 5;
  std::string_view kind_;
  std::size_t count_ = 0;
  std::ostringstream text_;
};

template <Scalar T>
void load_weights(const ModelRef& model, const Safetensors& file,
                  const std::function<std::vector<WeightSource>(const std::string& name)>& names) {
  std::set<std::string> used;
  std::vector<Tensor<T>> values;
  Misfits missing("missing"), surplus("surplus"), shapes("shape");
  model.each_parameter([&](const ModelPath& path, const Parameter<T>& p) {
    const std::string name = path.name();
    const std::vector<WeightSource> sources = names(name);
    const WeightSource* const source = first_in(file, sources);
    if (!source) {
      missing.add(name, " (", sources.empty() ? "no name for it" : sources[0].names.at(0), ')');
      return;
    }
    used.insert(source->names.begin(), source->names.end());
    values.push_back(weight<T>(file, *source));
    if (values.back().shape() != p.value.shape())
      shapes.add(name, ' ', p.value.shape(), " from ", description(file, *source));
  });
  for (const TensorInfo& tensor : file.tensors())
    if (used.count(tensor.name) == 0) surplus.add(utf8::printable(tensor.name));
  if (const auto count = missing.count() + surplus.count() + shapes.count(); count > 0)
    raise<FormatError>(file.source(), ": ", count, " tensors do not fit the model:", missing.text(),
                       surplus.text(), shapes.text());
  std::size_t next = 0;
  model.each_parameter([&](const ModelPath&, Parameter<T>& p) { p.value = values[next++]; });
}

}  // namespace detail

/// Sets every parameter of `model` from a file's tensors, of whatever number type, under the names
/// of another library and from its layout:
///
///   io::load_weights(net, io::read_safetensors("diffusion_pytorch_model.safetensors"),
///                    io::diffusers_names);
///
/// Throws FormatError, with the model as it was, if a parameter has no tensor, a tensor no
/// parameter, or a shape does not fit: one error that counts them and names the first five of each
/// kind. A file of save_weights is refused by a network of other options, too.
template <nn::Module M, WeightNaming Names = OwnNames>
void load_weights(M& model, const Safetensors& file, const Names& names = {}) {
  nn::check_children(std::as_const(model));
  detail::match_model(file, nn::detail::described(model));
  detail::load_weights<nn::module_scalar<M>>(model, file, names);
}

}  // namespace foglift::inline v0::io
