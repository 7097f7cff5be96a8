#include "models/pixelcnn_network.h"

#include "autograd/image.h"

#include <cstring>

namespace gesso::models {

using namespace nn;

namespace {

// The paper's first layer is 7x7 and the others are 3x3: the halves of them that lie before a place.
constexpr Window kFirstVertical{3, -1, 3, 3}, kFirstHorizontal{0, 0, 3, -1};
constexpr Window kVertical{1, 0, 1, 1}, kHorizontal{0, 0, 1, 0};

/// tanh(a_1) sigmoid(a_2), a (..,2C). Eq. 2.
Var gate(const Var& a) {
  const std::int64_t C = a.dim(-1) / 2;
  return tanh(slice(a, -1, 0, C)) * sigmoid(slice(a, -1, C, 2 * C));
}

/// The last few of a sequence, zeros before its first.
class Recent {
 public:
  Recent(std::int64_t count, const Tensor& zero) : last_(static_cast<std::size_t>(count), zero) {}
  void push(const Var& x) {
    last_.erase(last_.begin());
    last_.push_back(x.value());
  }
  Var along(int axis) const { return tensor::concat(last_, axis); }

 private:
  std::vector<Tensor> last_;
};

/// L_l a of every layer for the next row (N,1,w,2C), from the rows above it, which move on.
std::vector<Var> link_next_row(std::vector<PixelCnnNetwork::Layer>& layers, std::vector<Recent>& rows,
                               const Var& c) {
  std::vector<Var> linked;
  Var a;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (l > 0) rows[l].push(gate(a));
    a = layers[l].down(layers[l].vertical.row(rows[l].along(1)), c);
    linked.push_back(layers[l].link(a));
  }
  return linked;
}

}  // namespace

WindowConv::WindowConv(std::int64_t in, std::int64_t out, Window w, Generator& g)
    : window(w), filters_(in, out, {w.rows(), w.columns()}, g) {}

std::string WindowConv::title() const {
  return fmt::format("WindowConv({}, {}, above={}, below={}, left={}, right={})", filters_.weight.dim(3),
                     filters_.weight.dim(0), window.above, window.below, window.left, window.right);
}

Var WindowConv::operator()(const Var& x) {
  return filters_(pad(x, {{0, 0}, {window.above, window.below}, {window.left, window.right}, {0, 0}}));
}

Var WindowConv::row(const Var& seen) {
  return filters_(pad(seen, {{0, 0}, {0, 0}, {window.left, window.right}, {0, 0}}));
}

PixelCnnNetwork::Layer::Layer(std::int64_t C, bool is_first, bool conditional, Generator& g)
    : first(is_first),
      vertical(C, 2 * C, first ? kFirstVertical : kVertical, g),
      horizontal(C, 2 * C, first ? kFirstHorizontal : kHorizontal, g),
      link(2 * C, 2 * C, g),
      out(C, C, g),
      of_above(conditional ? std::make_unique<Linear>(C, 2 * C, g, LinearOptions{.bias = false}) : nullptr) {}

void PixelCnnNetwork::Layer::parts(Parts& p) {
  p("vertical", vertical), p("horizontal", horizontal), p("link", link), p("out", out);
  if (of_above) p("of_above", *of_above);
}

Var PixelCnnNetwork::Layer::across(const Var& h, const Var& convolved, const Var& linked) {
  const Var y = out(gate(convolved + linked));
  return first ? y : h + y;
}

PixelCnnNetwork::PixelCnnNetwork(const PixelCnnShape& shape, Generator& g)
    : shape_(shape), embed_(shape.codes, shape.width, g) {
  const std::int64_t C = shape.width;
  if (shape.above > 0) {
    embed_above_ = std::make_unique<Embedding>(shape.above, C, g);
    spread_above_ = {Conv2d(C, C, 3, g, {.padding = 1}), ReLU()};
  }
  for (std::int64_t l = 0; l < shape.layers; ++l) layers_.emplace_back(C, l == 0, shape.above > 0, g);
  head_ = {ReLU(), Linear(C, C, g), ReLU(), Linear(C, shape.codes, g)};
}

void PixelCnnNetwork::parts(Parts& p) {
  p("embed", embed_);
  if (embed_above_) p("embed_above", *embed_above_), p("spread_above", spread_above_);
  for (std::size_t l = 0; l < layers_.size(); ++l) p("layers." + std::to_string(l), layers_[l]);
  p("head", head_);
}

Var PixelCnnNetwork::features(const Tensor& above) {
  check(above.defined() == (embed_above_ != nullptr), "PixelCnn: coarser codes are {}",
        embed_above_ ? "missing" : "given, but it depends on none");
  return embed_above_ ? upsample_nearest(spread_above_((*embed_above_)(above)), {shape_.h, shape_.w}) : Var();
}

Var PixelCnnNetwork::operator()(const Tensor& codes, const Tensor& above) {
  const Var c = features(above);
  Var h = embed_(codes), v = h, a;
  for (Layer& layer : layers_) {
    if (a) v = gate(a);
    a = layer.down(layer.vertical(v), c);
    h = layer.across(h, layer.horizontal(h), layer.link(a));
  }
  return head_(h);
}

Tensor PixelCnnNetwork::generate(std::int64_t N, const Tensor& above, const Next& next) {
  const NoGrad off;
  const Var c = features(above);
  const auto nothing = [&](std::int64_t columns) {
    return tensor::zeros({N, 1, columns, shape_.width}, embed_.weight.dtype(), embed_.weight.device());
  };
  std::vector<Recent> rows,
      start;  // of what each layer's stacks are given: vertical, and horizontal where a row begins
  for (const Layer& layer : layers_) {
    rows.emplace_back(layer.vertical.window.rows(), nothing(shape_.w));
    start.emplace_back(layer.horizontal.window.columns(), nothing(1));
  }
  std::vector<Tensor> codes;  // of each row, (N,1,w)
  for (std::int64_t i = 0; i < shape_.h; ++i) {
    const std::vector<Var> linked = link_next_row(layers_, rows, c ? slice(c, 1, i, i + 1) : c);
    std::vector<Recent> places = start;
    std::vector<Tensor> row;
    for (std::int64_t j = 0; j < shape_.w; ++j) {
      Var h;
      for (std::size_t l = 0; l < layers_.size(); ++l) {
        if (l > 0) places[l].push(h);
        const Var convolved = layers_[l].horizontal.place(places[l].along(2));
        h = layers_[l].across(h, convolved, slice(linked[l], 2, j, j + 1));
      }
      const Tensor logits = head_(h).value().reshape({N, shape_.codes});
      row.push_back(next(logits, i * shape_.w + j).reshape({N, 1, 1}));
      places[0].push(embed_(row.back()));
    }
    codes.push_back(tensor::concat(row, 2));
    rows[0].push(embed_(codes.back()));
  }
  return tensor::concat(codes, 1);
}

}  // namespace gesso::models
