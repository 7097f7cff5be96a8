// What the table of ops (autograd/ops_table.h) should give: for each op a reference in float64, written as slow loops that
// share no code with the product, and calls that must fail with their messages. Kept for ever.
#pragma once

#include "autograd/ops_table.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace gesso::tests {

/// The sample with all its tensors on the device under test.
OpSample on_tested_device(const OpSample& sample);

/// The rows of the table that the device under test has all kernels for. Of others it has to say that they are not there yet.
const std::vector<Op>& tested_ops();

/// The elements of a tensor, as doubles.
struct Array {
  Shape shape;
  std::vector<double> v;
};
Array array(const Tensor& t);

/// An element and how wrong it may be, in units of the element type's epsilon. Four roundings of a transcendental function
/// give 4 |y|; a sum of n terms in any order gives 2 n sum |terms|.
struct Value {
  double y = 0, bound = 0;
};

struct Expected {
  Shape shape;
  std::vector<Value> v;
  std::optional<DType> dtype = {};  // the inputs' type unless given
};

using Reference =
    std::function<std::vector<Expected>(const std::vector<Array>& inputs, const OpOptions& options)>;
/// Throws when the op has none.
const Reference& reference(const std::string& op);

/// A call that must throw an Error whose message contains `message`.
struct Mistake {
  const char* op;
  std::function<void()> call;
  const char* message;
};
const std::vector<Mistake>& mistakes();
std::vector<Mistake> conv_mistakes();
std::vector<Mistake> norm_mistakes();
std::vector<Mistake> image_mistakes();
std::vector<Mistake> recurrent_mistakes();

// ---- loops for writing references ----

using Index = std::vector<std::int64_t>;

/// f(index) for every element of the shape, in row-major order.
void for_each_index(const Shape& shape, const std::function<void(const Index&)>& f);
/// Where the index lies in an array of that shape; dimensions the shape lacks, or has once, are ignored.
std::int64_t place(const Shape& shape, const Index& index);
/// The shape several arrays broadcast to.
Shape common_shape(const std::vector<Array>& arrays);
/// The array's element for an index of a shape it broadcasts to.
double at(const Array& a, const Index& index);

/// y = f(elements of all inputs, options), broadcast.
Reference elementwise(std::function<Value(const std::vector<double>& x, const OpOptions& o)> f,
                      std::optional<DType> dtype = {});
/// y = the value found where `from` says: an index of the first input, or nothing for zero.
Expected gathered(const Array& x, const Shape& shape,
                  const std::function<std::optional<Index>(const Index&)>& from, double otherwise = 0);

/// y = act(sum + bias), for the activation of the options and its slope a.
double activated(double p, const OpOptions& o);
Value with_epilogue(Value sum, double bias, const OpOptions& o);

using References = std::vector<std::pair<std::string, Reference>>;
References elementwise_references();
References reduce_references();
References move_references();
References linear_references();
References conv_references();
References norm_references();
References image_references();
References recurrent_references();

}  // namespace gesso::tests
