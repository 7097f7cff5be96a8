// Training that was interrupted.
#include "tests/models/support.h"
#include "tests/threads.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace gesso::models {
namespace {

struct Case {
  const char* model;
  std::vector<std::string> set = {};
};

const Case kCases[] = {{"mlp-vae"},
                       {"mlp-vae", {"binarize=true", "warmup=5"}},
                       {"conv-vae", {"likelihood=gaussian"}},
                       {"beta-vae"},
                       {"mlp-gan"},
                       {"dcgan", {"ema=0.5"}},
                       {"conv-gan"},
                       {"vq-vae", {"codes=16", "dim=4", "restart=0.9", "codebook=ema"}},
                       {"vq-vae", {"codes=16", "dim=4", "restart=0.9", "codebook=gradient"}},
                       {"vq-vae-2", {"codes=16", "dim=4", "restart=0.9"}},
                       {"pixelcnn", {"layers=2", "binarize=true"}},
                       {"convlstm", {"hidden=4,3", "kernel=3", "patch=1"}},
                       {"convlstm", {"hidden=5", "cell=lstm"}}};

}  // namespace

TEST_CASE("every model: interrupted and resumed is as if never interrupted, on any number of threads") {
  for (const Entry& entry : catalogue())
    CHECK(std::any_of(std::begin(kCases), std::end(kCases),
                      [&](const Case& c) { return c.model == std::string(entry.name); }));
  for (const auto& [name, set] : kCases) {
    CAPTURE(std::string(name));
    CAPTURE(set.empty() ? "" : set.back());
    const Entry& entry = find_model(name);
    const bool of_films = name == std::string("convlstm"), large = name == std::string("dcgan");
    const Shape image = large || of_films ? small_image(entry) : Shape{8, 8, 1};
    std::vector<std::string> all = set;
    all.push_back("width=0.125");
    const auto make = [&] { return entry.make(recipe_of(entry.options, all, image, entry.lr)); };
    const auto train = [&](Model& model, int from, int end) {
      for (int i = from; i < end; ++i) {
        const auto seed = static_cast<std::uint64_t>(i);
        model.step(of_films ? films(6, image[0] / image[1], image[1], seed) : squares(8, image[0], seed));
      }
    };
    const auto drawn = [](Model& model) {
      Generator noise(1);
      const Tensor x = model.sample(3, noise);
      return x.defined() ? x.to_vector<float>() : std::vector<float>();
    };
    const auto whole = make(), first = make(), second = make();
    train(*whole, 0, 6);
    const std::vector<float> pictures = drawn(*whole);
    train(*first, 0, 3);
    const tests::Threads three(3);
    nn::load_state(second->network(), kept(nn::state(first->network())));
    second->load_training_state(kept(first->training_state()));
    train(*second, 3, 6);
    CHECK(drawn(*second) == pictures);
    check_same_state(nn::state(whole->network()), nn::state(second->network()));
    check_same_state(whole->training_state(), second->training_state());
  }
}

}  // namespace gesso::models
