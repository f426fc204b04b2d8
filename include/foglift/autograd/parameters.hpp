#pragma once

#include "foglift/autograd/parameter.hpp"
#include "foglift/core/error.hpp"

#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace foglift::inline v0 {

/// Something with parameters: a struct with `static void each(auto& self, auto&& f)` that calls
/// f(name, child) once for every child, which is a Parameter, another such struct, or a std::vector
/// or std::optional of those. See nn::Module.
template <class M>
concept HasParameters =
    requires(M& m) { std::remove_const_t<M>::each(m, [](const char*, auto&) {}); };

/// `each` of a struct whose children are named as its members are, or as its private ones without
/// their underscore; 40 at most:
///
///   struct Linear {
///     Parameter<float> weight, bias;
///     FOGLIFT_CHILDREN(weight, bias);
///   };
#define FOGLIFT_CHILDREN(...) FOGLIFT_EACH(, __VA_ARGS__)
#define FOGLIFT_PRIVATE_CHILDREN(...) FOGLIFT_EACH(_, __VA_ARGS__)

#define FOGLIFT_EACH(end, ...) \
  static void each(auto& self, auto&& f) { FOGLIFT_SCAN(FOGLIFT_CHILD(end, __VA_ARGS__)) }
#define FOGLIFT_CHILD(end, child, ...) \
  f(#child, self.child##end);          \
  __VA_OPT__(FOGLIFT_NEXT_CHILD FOGLIFT_NOTHING(end, __VA_ARGS__))
// A macro does not expand in its own text: what is left of it here is expanded by the next scan.
#define FOGLIFT_NEXT_CHILD() FOGLIFT_CHILD
#define FOGLIFT_NOTHING ()
#define FOGLIFT_SCAN(...) FOGLIFT_SCAN_9(FOGLIFT_SCAN_9(FOGLIFT_SCAN_9(__VA_ARGS__)))
#define FOGLIFT_SCAN_9(...) FOGLIFT_SCAN_3(FOGLIFT_SCAN_3(FOGLIFT_SCAN_3(__VA_ARGS__)))
#define FOGLIFT_SCAN_3(...) FOGLIFT_SCAN_1(FOGLIFT_SCAN_1(FOGLIFT_SCAN_1(__VA_ARGS__)))
#define FOGLIFT_SCAN_1(...) __VA_ARGS__

/// Where a child stands in a model: the keys and places on the way to it from the root.
struct ModelPath {
  const ModelPath* above = nullptr;  ///< nullptr: this is the root
  const char* key = nullptr;         ///< nullptr: it is element `place` of what is above
  std::size_t place = 0;

  /// "down.0.conv1.weight"; empty at the root.
  std::string name() const {
    if (!above) return {};
    const std::string before = above->name();
    if (!key) return before + '.' + std::to_string(place);
    return before.empty() ? key : before + '.' + key;
  }
};

namespace detail {
template <class C>
inline constexpr bool is_parameter = false;
template <class T>
inline constexpr bool is_parameter<Parameter<T>> = true;

/// f(path, Parameter&) for every parameter of the child at that path, in the order `each` names
/// them.
template <class Child, class F>
void visit(const ModelPath& path, Child& child, const F& f) {
  using C = std::remove_const_t<Child>;
  if constexpr (is_parameter<C>) {
    f(path, child);
  } else if constexpr (requires { child.has_value(); }) {
    if (child) visit(path, *child, f);
  } else if constexpr (requires {
                         child.size();
                         child[0];
                       }) {
    for (std::size_t i = 0; i < child.size(); ++i) visit(ModelPath{&path, nullptr, i}, child[i], f);
  } else {
    static_assert(HasParameters<Child>,
                  "each() must name parameters, modules, or vectors and optionals of those");
    C::each(child, [&](const char* key, auto& grandchild) {
      visit(ModelPath{&path, key}, grandchild, f);
    });
  }
}

/// A function of (path, const Parameter<T>&), its type forgotten. Of parameters of an element type
/// that it does not take it throws ArgumentError.
class ParameterFunction {
 public:
  template <class F>
  explicit ParameterFunction(const F& f)
      : f_(&f), of_float_(&call<F, float>), of_double_(&call<F, double>) {}

  void operator()(const ModelPath& path, const Parameter<float>& p) const {
    of_float_(f_, path, p);
  }
  void operator()(const ModelPath& path, const Parameter<double>& p) const {
    of_double_(f_, path, p);
  }

 private:
  template <class F, class T>
  static void call(const void* f, const ModelPath& path, const Parameter<T>& p) {
    if constexpr (std::invocable<const F&, const ModelPath&, const Parameter<T>&>)
      (*static_cast<const F*>(f))(path, p);
    else
      raise<ArgumentError>(
          "model: '", path.name(), "' is of ",
          std::same_as<T, float> ? "float, needed double" : "double, needed float");
  }

  const void* f_;
  void (*of_float_)(const void* f, const ModelPath& path, const Parameter<float>& p);
  void (*of_double_)(const void* f, const ModelPath& path, const Parameter<double>& p);
};
}  // namespace detail

/// A model of any type, referred to. What takes it is compiled once, not once for every model.
class ModelView {
 public:
  template <HasParameters M>
  ModelView(const M& model)
      : model_(&model), size_(sizeof(M)), visit_([](const void* m, const Function& f) {
          detail::visit(ModelPath(), *static_cast<const M*>(m), f);
        }) {}

  /// f(path, const Parameter<T>&) for every parameter, in the order `each` names them. Throws
  /// ArgumentError for a parameter of an element type that f does not take.
  template <class F>
  void each_parameter(const F& f) const {
    visit_(model_, Function(f));
  }

  /// Whether p lies in the struct itself, not in memory that it holds elsewhere.
  bool contains(const void* p) const {
    const std::less<const void*> before;
    return !before(p, model_) && before(p, static_cast<const std::byte*>(model_) + size_);
  }

 private:
  using Function = detail::ParameterFunction;
  const void* model_;
  std::size_t size_;
  void (*visit_)(const void* model, const Function& f);
};

/// The same of a model whose parameters may be changed.
class ModelRef : public ModelView {
 public:
  template <HasParameters M>
    requires(!std::is_const_v<M>)
  ModelRef(M& model) : ModelView(model) {}

  /// f(path, Parameter<T>&) for every parameter, as above.
  template <class F>
  void each_parameter(const F& f) const {
    ModelView::each_parameter([&]<class T>(const ModelPath& path, const Parameter<T>& p)  //
                                requires std::invocable<const F&, const ModelPath&, Parameter<T>&>
                              {
                                f(path, const_cast<Parameter<T>&>(p));  // the model was not const
                              });
  }
};

}  // namespace foglift::inline v0
