#include "models/options.h"

#include <doctest/doctest.h>

#include <functional>

namespace gesso::models {
namespace {

std::string mistake(const std::function<void()>& f) {
  try {
    f();
  } catch (const UsageError& e) {
    return e.what();
  }
  return "no UsageError";
}

TEST_CASE("options: a suggestion is the nearest name, or else all of them") {
  const std::vector<std::string> names = {"hidden", "latent", "width"};
  CHECK(suggestion("lattent", names) == "; did you mean \"latent\"?");
  CHECK(suggestion("hiddne", names) == "; did you mean \"hidden\"?");
  CHECK(suggestion("Width", names) == "; did you mean \"width\"?");
  CHECK(suggestion("boot", {"coat", "ankle boot"}) == "; there is: coat, ankle boot");
  CHECK(suggestion("momentum", names) == "; there is: hidden, latent, width");
  CHECK(suggestion("x", {}) == "");
}

TEST_CASE("options: numbers are read whole, or not at all") {
  CHECK(number("--lr", "1e-3") == 1e-3);
  CHECK(integer("--steps", "-12") == -12);
  CHECK(mistake([] { number("--lr", "fast"); }) == "--lr: \"fast\" is not a number");
  CHECK(mistake([] { number("--lr", "1e-3x"); }) == "--lr: \"1e-3x\" is not a number");
  CHECK(mistake([] { number("--lr", ""); }) == "--lr: \"\" is not a number");
  CHECK(mistake([] { number("--lr", "nan"); }) == "--lr: nan is not a finite number");
  CHECK(mistake([] { number("--lr", "inf"); }) == "--lr: inf is not a finite number");
  CHECK(mistake([] { number("--lr", "1e999"); }) == "--lr: \"1e999\" is not a number in range");
  CHECK(mistake([] { integer("--steps", "1.5"); }) == "--steps: \"1.5\" is not a whole number");
  CHECK(mistake([] { integer("--steps", "99999999999999999999"); }) ==
        "--steps: \"99999999999999999999\" is not a whole number in range");
}

TEST_CASE("options: set, and what cannot be set") {
  Options options({{"hidden", "400", ""}, {"latent", "20", ""}});
  options.set("hidden=128,256");
  CHECK(options.counts("hidden") == std::vector<std::int64_t>{128, 256});
  CHECK(options.count("latent") == 20);
  CHECK(mistake([&] { options.set("lattent=3"); }) ==
        "--set lattent=3: this model has no option \"lattent\"; did you mean \"latent\"?");
  CHECK(mistake([&] { options.set("latent"); }).find("expected key=value") != std::string::npos);
  CHECK(mistake([&] { options.set("=3"); }).find("expected key=value") != std::string::npos);
  for (const char* bad : {"0", "-3", "", "3,", "2000000", "three", "3.5", "99999999999999999999"}) {
    CAPTURE(bad);
    options.set(std::string("hidden=") + bad);
    CHECK(mistake([&] { options.counts("hidden"); }) != "no UsageError");
  }
  CHECK(mistake([&] { options.set("latent=3,4"), options.count("latent"); }) != "no UsageError");
  options.set("latent=nan");
  CHECK(mistake([&] { options.between("latent", 0, 1); }) != "no UsageError");
  options.set("latent=-1");
  CHECK(mistake([&] { options.whole("latent"); }) ==
        "--set latent=-1: expected a whole number of at least 0");
  options.set("latent=0");
  CHECK(options.whole("latent") == 0);
  CHECK(mistake([&] { options.flag("latent"); }) ==
        "--set latent=0: there is no latent \"0\"; there is: false, true");
  options.set("latent=true");
  CHECK(options.flag("latent"));
  CHECK(options.choice("latent", {"true", "maybe"}) == "true");
  options.set("latent=mayeb");
  CHECK(mistake([&] { options.choice("latent", {"true", "maybe"}); }).ends_with("did you mean \"maybe\"?"));
  CHECK_THROWS_AS(options.text("depth"), Error);  // a mistake of ours, not of the user's
}

}  // namespace
}  // namespace gesso::models
