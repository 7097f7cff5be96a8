#include "tests/models/workshop.h"

#include <cmath>

namespace gesso::models {
namespace {

/// Height and width of a PNG file.
std::pair<int, int> size_of(const std::filesystem::path& png) {
  const std::string bytes = nn::bytes_of(png);
  REQUIRE(bytes.size() > 24);
  const auto number = [&](std::size_t at) {
    int n = 0;
    for (std::size_t i = at; i < at + 4; ++i) n = 256 * n + static_cast<unsigned char>(bytes[i]);
    return n;
  };
  return {number(20), number(16)};
}
/// Of a grid of so many rows and columns of images of 8x8, each pixel drawn 3x3.
std::pair<int, int> grid_of(int rows, int columns) { return {3 * (10 * rows + 2), 3 * (10 * columns + 2)}; }

TEST_CASE("gesso edit: pictures and figures of what was restored") {
  const Workshop w;
  REQUIRE(w.train("--steps 200 --out run").code == 0);
  const Outcome text = w.gesso("edit run denoise --noise 0.4 --seed 2 --count 5"),
                as_json = w.gesso("edit run denoise --noise 0.4 --seed 2 --count 5 --json --out d.png");
  CAPTURE(text.err);
  REQUIRE(text.code == 0);
  CHECK(text.out.ends_with("\nrun/samples/denoise.png\n"));
  CHECK(text.out.find("noise gaussian, amount 0.4, images 5, seed 2\n") != std::string::npos);
  CHECK(nn::bytes_of(w / "run/samples/denoise.png") == nn::bytes_of(w / "d.png"));
  CHECK(size_of(w / "d.png") == grid_of(4, 5));
  const json noise = json::parse(as_json.out);
  CHECK(noise["images"] == 5);
  CHECK(noise["psnr_spoiled"].get<double>() == doctest::Approx(-20 * std::log10(0.4)).epsilon(0.1));
  CHECK(noise["psnr_found"] > noise["psnr_spoiled"]);
  CHECK(text.out.find(fmt::format("{:.4f}", noise["psnr_found"].get<double>())) != std::string::npos);
  CHECK(json::parse(w.gesso("edit run denoise --noise 0.4 --seed 3 --count 5 --json").out) != noise);

  const json holes = json::parse(w.gesso("edit run inpaint --hide left --json").out);
  CHECK(holes["images"] == 16);
  CHECK(holes["error_found"] < holes["error_mean"]);
  CHECK(holes["picture"] == "run/samples/inpaint.png");
  CHECK(size_of(w / "run/samples/inpaint.png") == grid_of(4, 16));
}

TEST_CASE("gesso edit: interpolations and attributes, by labels and factors") {
  const Workshop w;
  REQUIRE(w.gesso("train beta-vae --data sprites:8x1 --set width=0.1 --steps 5 --out run").code == 0);
  CHECK(w.gesso("edit run interpolate --count 3").out == "run/samples/interpolate.png\n");
  CHECK(size_of(w / "run/samples/interpolate.png") == grid_of(9, 13));
  CHECK(w.gesso("edit run interpolate --count 2 --from shape=star --to 1 --out pairs.png").out ==
        "pairs.png\n");
  CHECK(size_of(w / "pairs.png") == grid_of(6, 13));
  CHECK(w.gesso("edit run interpolate --out pairs.jpeg").err.find("expected a name that ends in .png") !=
        std::string::npos);
  CHECK(w.gesso("edit run attribute --add x=high --subtract x=low").out == "run/samples/attribute.png\n");
  CHECK(size_of(w / "run/samples/attribute.png") == grid_of(6, 10));
  const Outcome wrong = w.gesso("edit run attribute --add shape=sqare");
  CHECK(wrong.code == 2);
  CHECK(wrong.err.find("did you mean \"shape=square\"?") != std::string::npos);
}

TEST_CASE("gesso edit: a model without codes") {
  const Workshop w;
  REQUIRE(w.train("--steps 1 --out gan", "mlp-gan").code == 0);
  const Outcome o = w.gesso("edit gan inpaint");
  CHECK(o.code == 2);
  CHECK(o.err.find("mlp-gan has no q(z|x), and so no code to edit; mlp-vae") != std::string::npos);
}

}  // namespace
}  // namespace gesso::models
