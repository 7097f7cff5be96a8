#include "models/run_folder.h"

#include "tests/models/support.h"

namespace gesso::models {
namespace {

Config config() {
  Config c;
  c.model = "mlp-vae";
  c.data = "mnist";
  c.seed = 18446744073709551615u;
  c.batch_size = 12;
  c.lr = 0.1;
  c.steps = 7;
  c.set = {"hidden=9", "latent=2"};
  c.image = {8, 8, 1};
  c.train_images = 100;
  return c;
}

std::unique_ptr<Model> make(const Config& c) { return find_model(c.model).make(c.recipe()); }
const auto kNoWarning = [](const std::string& what) { FAIL(what); };

TEST_CASE("run folder: a config comes back as it was written") {
  const TempFolder folder;
  RunFolder run(folder / "run");
  CHECK(!run.has_run());
  run.lock();
  run.save_config(config());
  CHECK(run.has_run());
  const Config c = run.load_config();
  CHECK(c.to_json() == config().to_json());
  CHECK(c.lr == 0.1);
  CHECK(c.seed == 18446744073709551615u);
  CHECK(c.steps_per_epoch() == 9);
  CHECK(c.total_steps() == 7);
}

TEST_CASE("run folder: an epoch leaves out a last batch of one image, but not all of them") {
  Config c = config();
  c.train_images = 97;
  CHECK(c.drops_last());
  CHECK(c.steps_per_epoch() == 8);
  c.batch_size = 1;
  CHECK(!c.drops_last());
  CHECK(c.steps_per_epoch() == 97);
}

TEST_CASE("run folder: a config that is none names the file and the key") {
  const TempFolder folder;
  RunFolder run(folder / "run");
  const auto error = [&] {
    const auto e = nn::file_error([&] { run.load_config(); });
    REQUIRE(e.has_value());
    return std::string(e->what());
  };
  CHECK(error().find("no such run folder") != std::string::npos);
  run.lock();
  CHECK(error().find("cannot be read") != std::string::npos);
  nn::put_bytes(run.config_file(), "{\"model\": ");
  CHECK(error().find("not JSON") != std::string::npos);
  const nlohmann::ordered_json good = config().to_json();
  for (const auto& [key, value] : good.items()) {
    if (key == "gesso") continue;
    CAPTURE(key);
    for (const nlohmann::ordered_json& bad : {nlohmann::ordered_json(), {{"x", 1}}}) {
      nlohmann::ordered_json json = good;
      if (bad.is_null())
        json.erase(key);
      else
        json[key] = bad;
      nn::put_bytes(run.config_file(), json.dump());
      CHECK(error().find("config.json: \"" + key + "\"") != std::string::npos);
    }
  }
}

TEST_CASE("run folder: only one process may train in it") {
  const TempFolder folder;
  RunFolder first(folder / "run");
  {
    RunFolder second(folder / "run");
    second.lock();
    const auto e = nn::file_error([&] { first.lock(); });
    REQUIRE(e.has_value());
    CHECK(e->reason == "another process is training here");
  }
  first.lock();
}

TEST_CASE("run folder: a checkpoint restores weights, optimizer and noise, bit for bit") {
  const TempFolder folder;
  RunFolder run(folder / "run");
  run.lock();
  for (const char* name : {"mlp-vae", "mlp-gan"}) {
    Config c = config();
    c.model = name;
    const auto a = make(c), b = make(c);
    for (int i = 0; i < 3; ++i) a->step(squares(12, 8, i));
    run.save_checkpoint(*a, 3);
    CHECK(run.load_checkpoint(*b, kNoWarning) == 3);
    for (int i = 3; i < 6; ++i)
      CHECK(a->step(squares(12, 8, i))[0].value == b->step(squares(12, 8, i))[0].value);
    const nn::State s = nn::state(a->network()), t = nn::state(b->network());
    for (const auto& [key, tensor] : s) CHECK(tensor.to_vector<float>() == t.at(key).to_vector<float>());
  }
}

TEST_CASE("run folder: when the newest checkpoint does not verify, the one before serves, with a warning") {
  const TempFolder folder;
  RunFolder run(folder / "run");
  run.lock();
  const auto model = make(config()), other = make(config());
  for (std::int64_t step : {1, 2}) {
    model->step(squares(12, 8, step));
    run.save_checkpoint(*model, step);
  }
  std::string bytes = nn::bytes_of(run.checkpoint_file());
  bytes[bytes.size() - 9] ^= 1;
  nn::put_bytes(run.checkpoint_file(), bytes);
  std::string warning;
  CHECK(run.load_checkpoint(*other, [&](const std::string& what) { warning = what; }) == 1);
  CHECK(warning.find("checkpoint.safetensors") != std::string::npos);
  CHECK(run.load_checkpoint(*other, kNoWarning) == 1);  // and is the newest from now on

  nn::put_bytes(run.checkpoint_file(), "");
  CHECK(nn::file_error([&] { run.load_checkpoint(*other, kNoWarning); }).has_value());
}

TEST_CASE("run folder: a checkpoint of another model is an error that says what differs") {
  const TempFolder folder;
  RunFolder run(folder / "run");
  run.lock();
  Config c = config();
  run.save_checkpoint(*make(c), 1);
  c.set = {"latent=3"};
  const auto other = make(c);
  try {
    run.load_checkpoint(*other, kNoWarning);
    FAIL("no error");
  } catch (const Error& e) {
    CHECK(std::string(e.what()).find("mu.weight") != std::string::npos);
  }
}

TEST_CASE("run folder: model.safetensors has the weights alone, under their names") {
  const TempFolder folder;
  RunFolder run(folder / "run");
  run.lock();
  const auto model = make(config()), other = make(config());
  model->step(squares(12, 8, 1));
  run.save_model(*model, config());
  run.load_model(*other);
  for (const auto& [name, t] : nn::state(model->network()))
    CHECK(t.to_vector<float>() == nn::state(other->network()).at(name).to_vector<float>());
}

}  // namespace
}  // namespace gesso::models
