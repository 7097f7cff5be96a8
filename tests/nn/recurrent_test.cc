// Recurrent layers: LSTM and GRU against PyTorch (tests/golden/recurrent.json), ConvLSTM against slow loops.
#include "nn/recurrent.h"

#include "autograd/gradcheck.h"
#include "tests/nn/golden.h"

#include <doctest/doctest.h>

namespace gesso::nn {
namespace {

using nlohmann::json;

const json& golden_recurrent() {
  static const json content = json::parse(bytes_of(golden("recurrent.json")));
  return content;
}

RecurrentOptions options_of(const json& o) {
  return {.num_layers = o.value("num_layers", std::int64_t{1}),
          .bias = o.value("bias", true),
          .batch_first = o.value("batch_first", false),
          .bidirectional = o.value("bidirectional", false),
          .dtype = DType::f64};
}
LinearOptions cell_options_of(const json& o) { return {.bias = o.value("bias", true), .dtype = DType::f64}; }

// One way to call them all: outputs from x and the first states, as PyTorch lists them.
std::vector<Var> call(LSTM& m, const Var& x, const std::vector<Var>& first) {
  const LSTM::Output o = m(x, first.empty() ? LstmState{} : LstmState{first[0], first[1]});
  return {o.y, o.last.h, o.last.c};
}
std::vector<Var> call(GRU& m, const Var& x, const std::vector<Var>& first) {
  const GRU::Output o = m(x, first.empty() ? Var() : first[0]);
  return {o.y, o.last};
}
std::vector<Var> call(LSTMCell& m, const Var& x, const std::vector<Var>& first) {
  const LstmState s = m(x, first.empty() ? LstmState{} : LstmState{first[0], first[1]});
  return {s.h, s.c};
}
std::vector<Var> call(GRUCell& m, const Var& x, const std::vector<Var>& first) {
  return {m(x, first.empty() ? Var() : first[0])};
}

template <class M, class O>
void check_cases(const char* kind, const O& options_from) {
  for (const json& c : golden_recurrent().at(kind)) {
    const std::string text = c.at("text");
    CAPTURE(text);
    Generator g(1);
    const std::string behind = c.at("state").contains("weight_ih") ? "" : "_l0";
    const auto columns = [&](const std::string& name) {
      return golden_tensor(c.at("state").at(name + behind)).dim(1);
    };
    M m(columns("weight_ih"), columns("weight_hh"), g, options_from(c.at("options")));
    CHECK(nn::text(m) == text);
    State s;
    for (const auto& [name, t] : c.at("state").items()) s[name] = golden_tensor(t);
    load_state(m, s);  // throws unless names and shapes are PyTorch's

    std::vector<Var> inputs = {parameter(golden_tensor(c.at("x")))}, first, cotangents;
    for (const json& t : c.at("first")) first.push_back(parameter(golden_tensor(t)));
    for (const json& t : c.at("cotangents")) cotangents.push_back(golden_tensor(t));
    const std::vector<Var> y = call(m, inputs[0], first);
    REQUIRE(y.size() == c.at("outputs").size());
    // Sums of tens of terms below 1, and a few dozen steps that each round a few times.
    for (std::size_t i = 0; i < y.size(); ++i) CHECK(!!(distance(y[i].value(), c.at("outputs")[i]) <= 1e-13));

    inputs.insert(inputs.end(), first.begin(), first.end());
    const auto named = named_parameters(m);
    for (const auto& [name, w] : named) inputs.push_back(*w);
    const std::vector<Var> d = grad(y, inputs, {.grad_outputs = cotangents});
    CHECK(!!(distance(d[0].value(), c.at("dx")) <= 1e-12));
    for (std::size_t i = 0; i < first.size(); ++i)
      CHECK(!!(distance(d[1 + i].value(), c.at("dfirst")[i]) <= 1e-12));
    for (std::size_t i = 0; i < named.size(); ++i) {
      CAPTURE(named[i].first);
      CHECK(!!(distance(d[1 + first.size() + i].value(), c.at("gradients").at(named[i].first)) <= 1e-12));
    }
  }
}

Var values(const Shape& shape, std::uint64_t seed, DType dtype = DType::f64) {
  Generator g(seed);
  return parameter(tensor::uniform(g, shape, -1, 1, dtype));
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// h', c' of equation 3, pixel by pixel.
std::pair<std::vector<double>, std::vector<double>> slow_step(ConvLSTM& m, const Var& x, const LstmState& s) {
  const Var& any = x ? x : s.h;
  const std::int64_t N = any.dim(0), H = any.dim(1), W = any.dim(2), C = x ? x.dim(3) : 0,
                     K = m.weight.dim(0) / 4;
  const std::int64_t R = m.weight.dim(1), S = m.weight.dim(2);
  const auto of = [](const Var& v) { return v ? v.value().to_vector<double>() : std::vector<double>(); };
  const std::vector<double> xs = of(x), hs = of(s.h), cs = of(s.c), w = of(m.weight), b = of(m.bias),
                            peep = of(m.peepholes);
  std::vector<double> h1, c1;
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t p = 0; p < H * W; ++p)
      for (std::int64_t k = 0; k < K; ++k) {
        const auto into = [&](std::int64_t gate) {
          double sum = b.empty() ? 0 : b[gate * K + k];
          for (std::int64_t r = 0; r < R; ++r)
            for (std::int64_t q = 0; q < S; ++q) {
              const std::int64_t y = p / W + r - R / 2, z = p % W + q - S / 2;
              if (y < 0 || y >= H || z < 0 || z >= W) continue;
              const double* filter = &w[(((gate * K + k) * R + r) * S + q) * (C + K)];
              const std::int64_t place = (n * H + y) * W + z;
              for (std::int64_t c = 0; c < C; ++c) sum += filter[c] * xs[place * C + c];
              if (hs.empty()) continue;
              for (std::int64_t c = 0; c < K; ++c) sum += filter[C + c] * hs[place * K + c];
            }
          return sum;
        };
        const auto peephole = [&](std::int64_t which) {
          return peep.empty() ? 0 : peep[(p * 3 + which) * K + k];
        };
        const double c0 = cs.empty() ? 0 : cs[(n * H * W + p) * K + k];
        const double i = logistic(into(0) + peephole(0) * c0), f = logistic(into(1) + peephole(1) * c0);
        c1.push_back(f * c0 + i * std::tanh(into(2)));
        h1.push_back(logistic(into(3) + peephole(2) * c1.back()) * std::tanh(c1.back()));
      }
  return {h1, c1};
}

double worst(const Var& y, const std::vector<double>& wanted) {
  const std::vector<double> found = y.value().to_vector<double>();
  REQUIRE(found.size() == wanted.size());
  double most = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double error = std::abs(found[i] - wanted[i]);
    most = error <= most ? most : error;
  }
  return most;
}

/// A layer of 3 hidden channels on 4x5 places, with peepholes that are not 0.
ConvLSTM layer(std::int64_t in, HW kernel, ConvLSTMOptions options = {.dtype = DType::f64}) {
  Generator g(4);
  ConvLSTM m(in, 3, kernel, {4, 5}, g, options);
  if (m.peepholes) tensor::copy_(m.peepholes.mutable_value(), values(m.peepholes.shape(), 5).value());
  return m;
}

}  // namespace

TEST_CASE("LSTM, GRU and their cells agree with PyTorch: names, text, values, all gradients") {
  check_cases<LSTM>("LSTM", options_of);
  check_cases<GRU>("GRU", options_of);
  check_cases<LSTMCell>("LSTMCell", cell_options_of);
  check_cases<GRUCell>("GRUCell", cell_options_of);
}

TEST_CASE("recurrent layers start as PyTorch's do") {
  Generator g(3);
  LSTM m(7, 16, g, {.num_layers = 2});
  for (const auto& [name, w] : named_parameters(m)) {
    CAPTURE(name);
    const double low = tensor::min(w->value()).item(), high = tensor::max(w->value()).item();
    CAPTURE(low);
    CAPTURE(high);
    CHECK(
        (low >= -0.25 && low < -0.17 && high <= 0.25 && high > 0.17));  // 1 / sqrt 16, of 64 numbers or more
  }
}

TEST_CASE("LSTM gives the same sequence by sequence, step by step, and with gradients of second order") {
  Generator g(3);
  LSTM m(3, 4, g, {.dtype = DType::f64});
  const Var x = values({4, 2, 3}, 1);
  const LSTM::Output all = m(x), first = m(slice(x, 0, 0, 2)), second = m(slice(x, 0, 2, 4), first.last);
  CHECK(distance(second.y.value(), all.y.value().slice(2, 4)) == 0);
  CHECK(distance(second.last.c.value(), all.last.c.value()) == 0);
  const auto f = [&](const std::vector<Var>& v) -> std::vector<Var> { return {m(v[0]).y}; };
  CHECK(gradcheck(f, {x}) == "");
  CHECK(gradgradcheck(f, {x}) == "");
}

TEST_CASE("ConvLSTM agrees with a loop over pixels, with state and input or without") {
  for (const HW kernel : {HW(3), HW(1), HW(3, 5)}) {
    ConvLSTM m = layer(2, kernel), deaf = layer(0, kernel);
    ConvLSTM plain = layer(2, kernel, {.peepholes = false, .bias = false, .dtype = DType::f64});
    const Var x = values({2, 4, 5, 2}, 1);
    const LstmState s = {values({2, 4, 5, 3}, 2), values({2, 4, 5, 3}, 3)};
    const auto check_step = [](ConvLSTM& of, const Var& input, const LstmState& state) {
      const LstmState next = of(input, state);
      const auto [h, c] = slow_step(of, input, state);
      CHECK(!!(worst(next.h, h) <= 1e-14));  // sums of at most 75 terms, none above 1/5
      CHECK(!!(worst(next.c, c) <= 1e-14));
    };
    check_step(m, x, s), check_step(m, x, {}), check_step(deaf, {}, s), check_step(plain, x, s);
  }
}

TEST_CASE(
    "ConvLSTM's gradient through two steps and the first, which has no state, agrees with differences") {
  ConvLSTM m = layer(2, 3);
  const Var x = values({1, 4, 5, 2}, 1), y = values({1, 4, 5, 2}, 2);
  const auto f = [&](const std::vector<Var>& v) -> std::vector<Var> {
    m.weight = v[2], m.bias = v[3], m.peepholes = v[4];
    const LstmState last = m(v[1], m(v[1], m(v[0])));
    return {last.h, last.c};
  };
  const std::vector<Var> inputs = {x, y, m.weight, m.bias, m.peepholes};
  CHECK(gradcheck(f, inputs) == "");
  // Who will differentiate the gradient again gets it in ops, the same.
  const auto gradients = [&](bool recorded) {
    const std::vector<Var> last = f(inputs);
    return grad({sum(square(last[0])) + sum(last[1])}, inputs, {.create_graph = recorded});
  };
  const std::vector<Var> fused = gradients(false), in_ops = gradients(true);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    CHECK(!!(distance(fused[i].value(), in_ops[i].value()) <= 1e-13));
}

TEST_CASE("ConvLSTM: many images, which it takes some at a time, give what its formula in ops gives") {
  Generator g(1);
  ConvLSTM m(1, 16, 3, 64, g, {.dtype = DType::f64});
  tensor::copy_(m.peepholes.mutable_value(), values(m.peepholes.shape(), 5).value());
  const Var x = values({3, 64, 64, 1}, 1), h = values({3, 64, 64, 16}, 2), c = values(h.shape(), 3);
  const std::vector<Var> inputs = {x, h, c, m.weight, m.bias, m.peepholes};
  const auto gradients = [&](const LstmState& next) {
    return grad({next.h, next.c}, inputs, {.grad_outputs = {values(h.shape(), 6), values(h.shape(), 7)}});
  };
  const Conv2dOptions same{.padding = 1};
  const Var both = concat({x, h}, 3);
  const Var a = conv2d(both, m.weight, tensor::conv2d_geometry(both.shape(), m.weight.shape(), same), m.bias);
  const LstmState wanted = lstm_cell(a, c, m.peepholes), found = m(x, {h, c});
  CHECK(!!(distance(found.h.value(), wanted.h.value()) <= 1e-13));
  CHECK(!!(distance(found.c.value(), wanted.c.value()) <= 1e-13));
  const std::vector<Var> d_wanted = gradients(wanted), d_found = gradients(found);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CAPTURE(i);
    // A filter's gradient is a sum of 12,288 terms below 1, which have either sign.
    CHECK(!!(distance(d_found[i].value(), d_wanted[i].value()) <= 1e-11));
  }
}

TEST_CASE("ConvLSTM starts and prints as it says; parts have names") {
  Generator g(1);
  ConvLSTM m(5, 8, 3, {6, 7}, g);
  CHECK(text(m) == "ConvLSTM(5, 8, kernel_size=(3, 3), places=(6, 7))");
  const State s = state(m);
  REQUIRE(s.size() == 3);
  CHECK(s.at("weight").shape() == Shape{32, 3, 3, 13});
  CHECK(s.at("bias").shape() == Shape{32});
  CHECK(s.at("peepholes").shape() == Shape{6, 7, 24});
  const double bound = 1 / std::sqrt(9. * 13), high = tensor::max(s.at("weight")).item();
  CHECK((high <= bound && high > 0.98 * bound));
  CHECK(tensor::max(s.at("peepholes")).item() == 0);
  const std::vector<double> b = s.at("bias").to_vector<double>();
  for (std::size_t i = 0; i < b.size(); ++i) CHECK(std::abs(b[i] - (i / 8 == 1 ? 1 : 0)) <= bound);
  CHECK(text(*std::make_unique<ConvLSTM>(0, 8, HW(1, 3), HW(2), g,
                                         ConvLSTMOptions{.peepholes = false, .bias = false})) ==
        "ConvLSTM(0, 8, kernel_size=(1, 3), places=(2, 2), peepholes=False, bias=False)");
}

TEST_CASE("recurrent layers say what they cannot take") {
  Generator g(1);
  const auto message = [](const auto& f) { return error_of([&] { f(); }); };
  LSTM lstm(3, 4, g);
  CHECK(message([&] { lstm(values({2, 3}, 1, DType::f32)); }).find("LSTM: x (2,3) should be (T,N,3)") == 0);
  CHECK(message([&] { lstm(values({0, 2, 3}, 1, DType::f32)); }).find("LSTM: x (0,2,3)") == 0);
  CHECK(message([&] {
          lstm(values({5, 2, 3}, 1, DType::f32), {values({1, 1, 4}, 1, DType::f32), {}});
        }).find("LSTM: a first state of (1,1,4) should be (1,2,4)") == 0);
  CHECK(message([&] { LSTM(3, 0, g); }).find("LSTM: input_size 3 and hidden_size 0") == 0);
  CHECK(message([&] { GRU(3, 4, g, {.num_layers = 0}); }).find("GRU: 0 layers") == 0);
  CHECK(message([&] {
          GRUCell(3, 4, g)(values({3}, 1, DType::f32));
        }).find("GRUCell: x (3) should be (N,3)") == 0);
  CHECK(message([&] { ConvLSTM(1, 2, 4, 8, g); }).find("ConvLSTM: a kernel of 4x4; both sides must be odd") ==
        0);
  CHECK(message([&] { ConvLSTM(1, 0, 3, 8, g); }).find("ConvLSTM: 1 input and 0 hidden channels on 8x8") ==
        0);
  ConvLSTM conv(2, 3, 3, {4, 5}, g);
  CHECK(message([&] {
          conv(values({1, 4, 4, 2}, 1, DType::f32));
        }).find("ConvLSTM: x (1,4,4,2) should be (N,4,5,2)") == 0);
  CHECK(message([&] {
          conv({}, {values({1, 4, 5, 3}, 1, DType::f32), {}});
        }).find("ConvLSTM: 2 input channels, and no input") == 0);
  CHECK(message([&] { conv({}); }).find("ConvLSTM: 2 input channels, and neither input nor state") == 0);
}

}  // namespace gesso::nn
