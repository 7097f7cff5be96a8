// Tensors print as NumPy prints them: tests/golden/print.txt holds NumPy's text for some two hundred tensors.
#include "tensor/ops.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>

using namespace gesso;

namespace {

/// The tensor that a line "> f32 2,3 : values" describes.
Tensor parse(const std::string& line) {
  std::istringstream in(line.substr(1));
  std::string dtype, extents, word;
  in >> dtype >> extents;
  Shape shape;
  if (extents != ":") {
    std::istringstream list(extents);
    while (std::getline(list, word, ',')) shape.push_back(std::stoll(word));
    in >> word;
  }
  const DType type = dtype == "f32"   ? DType::f32
                     : dtype == "f64" ? DType::f64
                     : dtype == "i64" ? DType::i64
                     : dtype == "u8"  ? DType::u8
                                      : DType::b8;
  std::vector<double> values;
  std::vector<std::int64_t> integers;
  while (in >> word) {
    if (word == "arange") {
      std::string start, step;
      in >> start >> step;
      for (std::int64_t i = 0; i < shape.size(); ++i)
        values.push_back(std::stod(start) + static_cast<double>(i) * std::stod(step));
    } else if (type == DType::i64) {
      integers.push_back(std::stoll(word));
    } else {
      values.push_back(type == DType::f32 ? static_cast<double>(std::strtof(word.c_str(), nullptr))
                                          : std::strtod(word.c_str(), nullptr));
    }
  }
  return integers.empty() ? Tensor::from(values, shape).to(type) : Tensor::from(integers, shape);
}

}  // namespace

TEST_CASE("text is NumPy's") {
  std::ifstream file(GESSO_SOURCE_DIR "/tests/golden/print.txt");
  REQUIRE(file);
  std::string line, head, expected;
  int cases = 0, different = 0;
  const auto finish = [&] {
    if (head.empty()) return;
    ++cases;
    const std::string text = parse(head).text() + "\n";
    different += text != expected;
    INFO(head);
    CHECK(text == expected);
  };
  std::getline(file, line);  // which NumPy
  while (std::getline(file, line)) {
    if (line[0] != '>') {
      expected += line + "\n";
      continue;
    }
    finish();
    head = line;
    expected.clear();
  }
  finish();
  CHECK(cases > 200);
  CHECK(different == 0);
}

TEST_CASE("undefined tensors and streams") {
  CHECK(Tensor().text() == "undefined");
  std::ostringstream out;
  out << Tensor::from({1.5f, -2.0f});
  CHECK(out.str() == "[ 1.5 -2. ]");
}
