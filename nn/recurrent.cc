#include "nn/recurrent.h"

#include "nn/init.h"
#include "nn/python.h"

#include <cmath>

namespace gesso::nn {
namespace {

RecurrentWeights start(const char* name, std::int64_t gates, std::int64_t input, std::int64_t hidden,
                       bool bias, DType dtype, Generator& g) {
  check(input > 0 && hidden > 0, "{}: input_size {} and hidden_size {}; both must be positive", name, input,
        hidden);
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  const auto draw = [&](const Shape& s) { return parameter(tensor::uniform(g, s, -bound, bound, dtype)); };
  RecurrentWeights w;
  w.weight_ih = draw({gates * hidden, input});
  w.weight_hh = draw({gates * hidden, hidden});
  if (!bias) return w;
  w.bias_ih = draw({gates * hidden});
  w.bias_hh = draw({gates * hidden});
  return w;
}

void name_parts(Parts& p, RecurrentWeights& w, const std::string& behind) {
  p("weight_ih" + behind, w.weight_ih), p("weight_hh" + behind, w.weight_hh);
  p("bias_ih" + behind, w.bias_ih), p("bias_hh" + behind, w.bias_hh);
}

std::string cell_title(const char* name, const RecurrentWeights& w) {
  return fmt::format("{}({}, {}{})", name, w.weight_ih.dim(1), w.weight_hh.dim(1),
                     w.bias_ih ? "" : ", bias=False");
}

void check_input(const char* name, const Var& x, const RecurrentWeights& w) {
  check(x.rank() == 2 && x.dim(1) == w.weight_ih.dim(1), "{}: x {} should be (N,{})", name, x.shape(),
        w.weight_ih.dim(1));
}

/// x w_ih^T + b_ih: the part of the gates that needs no state, for any number of steps at once.
Var input_part(const Var& x, const RecurrentWeights& w) { return linear(x, w.weight_ih, w.bias_ih); }

Var zero_state(const Var& into, const RecurrentWeights& w) {
  return tensor::zeros({into.dim(0), w.weight_hh.dim(1)}, into.dtype(), into.device());
}

LstmState lstm_step(const Var& into, const RecurrentWeights& w, const LstmState& s) {
  const Var h = s.h ? s.h : zero_state(into, w), c = s.c ? s.c : zero_state(into, w);
  return lstm_cell(into + linear(h, w.weight_hh, w.bias_hh), c);
}

Var gru_step(const Var& into, const RecurrentWeights& w, const Var& before) {
  const Var h = before ? before : zero_state(into, w);
  const std::int64_t H = w.weight_hh.dim(1);
  const std::vector<Var> x = split(into, {2 * H, H}, 1),
                         s = split(linear(h, w.weight_hh, w.bias_hh), {2 * H, H}, 1);
  const std::vector<Var> rz = split(sigmoid(x[0] + s[0]), {H, H}, 1);
  const Var n = tanh(x[1] + rz[0] * s[1]);
  return n + rz[1] * (h - n);
}

const Var& hidden(const LstmState& s) { return s.h; }
const Var& hidden(const Var& h) { return h; }

/// y (T,N,H) of one layer in one direction, from its inputs' part of the gates (T,N,k H); the state becomes the last.
template <class State, class Step>
Var over_time(const Var& into, bool backwards, State& state, const Step& step) {
  const std::int64_t T = into.dim(0);
  const std::vector<Var> steps = split(into, std::vector<std::int64_t>(static_cast<std::size_t>(T), 1));
  std::vector<Var> y(steps.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::size_t t = backwards ? y.size() - 1 - i : i;
    state = step(steps[t].reshape({into.dim(1), into.dim(2)}), state);
    y[t] = hidden(state).reshape({1, into.dim(1), -1});
  }
  return concat(y);
}

/// All layers: state(i) is where direction i of all of them begins, and what it becomes in the end.
template <class State, class Step>
Var through_layers(Var x, const std::vector<RecurrentWeights>& weights, std::int64_t directions,
                   std::vector<State>& states, const Step& step) {
  for (std::size_t i = 0; i < weights.size();) {
    std::vector<Var> y;
    for (std::int64_t d = 0; d < directions; ++d, ++i)
      y.push_back(over_time(input_part(x, weights[i]), d == 1, states[i],
                            [&](const Var& into, const State& s) { return step(into, weights[i], s); }));
    x = directions == 1 ? y[0] : concat(y, 2);
  }
  return x;
}

/// (n,N,H) as n Vars, undefined ones where it is undefined; and such Vars as one.
std::vector<Var> unstacked(const Var& x, std::size_t n) {
  if (!x) return std::vector<Var>(n);
  std::vector<Var> parts = split(x, std::vector<std::int64_t>(n, 1));
  for (Var& part : parts) part = part.reshape({x.dim(1), x.dim(2)});
  return parts;
}
Var stacked(const std::vector<Var>& xs) {
  std::vector<Var> rows;
  for (const Var& x : xs) rows.push_back(x.reshape({1, x.dim(0), x.dim(1)}));
  return concat(rows);
}

}  // namespace

LSTMCell::LSTMCell(std::int64_t input_size, std::int64_t hidden_size, Generator& g, LinearOptions o)
    : weights(start("LSTMCell", 4, input_size, hidden_size, o.bias, o.dtype, g)) {}
void LSTMCell::parts(Parts& p) { name_parts(p, weights, ""); }
std::string LSTMCell::title() const { return cell_title("LSTMCell", weights); }
LstmState LSTMCell::operator()(const Var& x, const LstmState& state) const {
  check_input("LSTMCell", x, weights);
  return lstm_step(input_part(x, weights), weights, state);
}

GRUCell::GRUCell(std::int64_t input_size, std::int64_t hidden_size, Generator& g, LinearOptions o)
    : weights(start("GRUCell", 3, input_size, hidden_size, o.bias, o.dtype, g)) {}
void GRUCell::parts(Parts& p) { name_parts(p, weights, ""); }
std::string GRUCell::title() const { return cell_title("GRUCell", weights); }
Var GRUCell::operator()(const Var& x, const Var& h) const {
  check_input("GRUCell", x, weights);
  return gru_step(input_part(x, weights), weights, h);
}

RecurrentLayers::RecurrentLayers(const char* name, std::int64_t gates, std::int64_t input_size,
                                 std::int64_t hidden_size, Generator& g, const RecurrentOptions& o)
    : name_(name), input_(input_size), hidden_(hidden_size), options_(o) {
  check(o.num_layers > 0, "{}: {} layers; there must be one", name, o.num_layers);
  for (std::int64_t i = 0; i < o.num_layers * directions(); ++i)
    weights_.push_back(start(name, gates, i < directions() ? input_size : hidden_size * directions(),
                             hidden_size, o.bias, o.dtype, g));
}

void RecurrentLayers::parts(Parts& p) {
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const std::int64_t layer = static_cast<std::int64_t>(i) / directions(),
                       direction = static_cast<std::int64_t>(i) % directions();
    name_parts(p, weights_[i], fmt::format("_l{}{}", layer, direction ? "_reverse" : ""));
  }
}

std::string RecurrentLayers::title() const {
  std::string s = fmt::format("{}({}, {}", name_, input_, hidden_);
  if (options_.num_layers != 1) s += fmt::format(", num_layers={}", options_.num_layers);
  if (!options_.bias) s += ", bias=False";
  if (options_.batch_first) s += ", batch_first=True";
  if (options_.bidirectional) s += ", bidirectional=True";
  return s + ")";
}

Var RecurrentLayers::time_first(const Var& x) const {
  check(x.rank() == 3 && x.dim(2) == input_ && x.size() > 0,
        "{}: x {} should be ({},{}), all of it at least 1", name_, x.shape(),
        options_.batch_first ? "N,T" : "T,N", input_);
  return as_asked(x);
}
Var RecurrentLayers::as_asked(const Var& y) const { return options_.batch_first ? permute(y, {1, 0, 2}) : y; }

void RecurrentLayers::check_state(const Var& state, const Var& x) const {
  const Shape wanted{static_cast<std::int64_t>(weights_.size()), x.dim(1), hidden_};
  check(!state || state.shape() == wanted,
        "{}: a first state of {} should be {}, (layers and directions,N,H)", name_, state.shape(), wanted);
}

LSTM::LSTM(std::int64_t input_size, std::int64_t hidden_size, Generator& g, RecurrentOptions options)
    : RecurrentLayers("LSTM", 4, input_size, hidden_size, g, options) {}

LSTM::Output LSTM::operator()(const Var& x_, const LstmState& first) const {
  const Var x = time_first(x_);
  check_state(first.h, x), check_state(first.c, x);
  const std::size_t n = weights_.size();
  std::vector<LstmState> states(n);
  std::vector<Var> h = unstacked(first.h, n), c = unstacked(first.c, n);
  for (std::size_t i = 0; i < n; ++i) states[i] = {h[i], c[i]};
  const Var y = through_layers(x, weights_, directions(), states, lstm_step);
  for (std::size_t i = 0; i < n; ++i) h[i] = states[i].h, c[i] = states[i].c;
  return {as_asked(y), {stacked(h), stacked(c)}};
}

GRU::GRU(std::int64_t input_size, std::int64_t hidden_size, Generator& g, RecurrentOptions options)
    : RecurrentLayers("GRU", 3, input_size, hidden_size, g, options) {}

GRU::Output GRU::operator()(const Var& x_, const Var& first) const {
  const Var x = time_first(x_);
  check_state(first, x);
  std::vector<Var> states = unstacked(first, weights_.size());
  const Var y = through_layers(x, weights_, directions(), states, gru_step);
  return {as_asked(y), stacked(states)};
}

ConvLSTM::ConvLSTM(std::int64_t in_channels, std::int64_t hidden_channels, HW kernel, HW places, Generator& g,
                   ConvLSTMOptions o)
    : in_(in_channels), hidden_(hidden_channels), places_(places) {
  check(in_channels >= 0 && hidden_channels > 0 && places.h > 0 && places.w > 0,
        "ConvLSTM: {} input and {} hidden channels on {}x{} places; only the input may be 0", in_channels,
        hidden_channels, places.h, places.w);
  check(kernel.h > 0 && kernel.w > 0 && kernel.h % 2 == 1 && kernel.w % 2 == 1,
        "ConvLSTM: a kernel of {}x{}; both sides must be odd, so that images keep their size", kernel.h,
        kernel.w);
  const Shape filters{4 * hidden_, kernel.h, kernel.w, in_ + hidden_};
  const double bound = 1 / std::sqrt(static_cast<double>(init::fans(filters).in));
  weight = parameter(tensor::uniform(g, filters, -bound, bound, o.dtype));
  if (o.bias) {
    Tensor b = tensor::uniform(g, {4 * hidden_}, -bound, bound, o.dtype),
           forget = b.slice(hidden_, 2 * hidden_);
    tensor::add_(forget, tensor::ones({hidden_}, o.dtype));
    bias = parameter(b);
  }
  if (o.peepholes) peepholes = parameter(tensor::zeros({places.h, places.w, 3 * hidden_}, o.dtype));
}

std::string ConvLSTM::title() const {
  return fmt::format("ConvLSTM({}, {}, kernel_size={}, places={}{}{})", in_, hidden_,
                     python(Shape{weight.dim(1), weight.dim(2)}), python(Shape{places_.h, places_.w}),
                     peepholes ? "" : ", peepholes=False", bias ? "" : ", bias=False");
}

LstmState ConvLSTM::operator()(const Var& x, const LstmState& s) const {
  check(x.defined() == (in_ > 0) && (x || s.h), "ConvLSTM: {} input channels, and {}", in_,
        x     ? "an input"
        : s.h ? "no input"
              : "neither input nor state");
  const Var& any = x ? x : s.h;
  check(any.rank() == 4 && any.dim(1) == places_.h && any.dim(2) == places_.w &&
            any.dim(3) == (x ? in_ : hidden_),
        "ConvLSTM: {} {} should be (N,{},{},{})", x ? "x" : "h", any.shape(), places_.h, places_.w,
        x ? in_ : hidden_);
  const Var c =
      s.c ? s.c : Var(tensor::zeros({any.dim(0), places_.h, places_.w, hidden_}, any.dtype(), any.device()));
  return conv_lstm(x, {s.h, c}, weight, bias, peepholes);
}

}  // namespace gesso::nn
