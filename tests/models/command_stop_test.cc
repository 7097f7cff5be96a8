// Runs that end otherwise than planned: by a signal, a full disk, a second process, or losses that diverge.
#include "tests/models/workshop.h"

#include <chrono>
#include <csignal>
#include <thread>

namespace gesso::models {
namespace {

void wait_for(const std::filesystem::path& file) {
  for (int i = 0; i < 1000 && !std::filesystem::exists(file); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  REQUIRE(std::filesystem::exists(file));
}

const std::string kLong =
    "train mlp-vae --data data --set hidden=16 --set latent=3 --batch-size 7 --epochs 100000 --out run";

TEST_CASE(
    "gesso train: SIGINT and SIGTERM stop after the step, save, and the run can go on as if nothing had "
    "been") {
  const Workshop w;
  for (const int number : {SIGINT, SIGTERM}) {
    std::filesystem::remove_all(w / "run");
    Command long_run(w, words(kLong));
    wait_for(w / "run/samples/epoch_002.png");
    long_run.signal(number);
    const Outcome o = long_run.wait();
    CAPTURE(o.err);
    CHECK(o.code == 128 + number);
    CHECK(o.err.find("gesso train --resume run") != std::string::npos);
    CHECK(std::filesystem::exists(w / "run/report.html"));
    const std::int64_t step = metrics(w / "run").back()["step"], more = step + 5;
    REQUIRE(w.gesso(fmt::format("train --resume run --steps {}", more)).code == 0);
    REQUIRE(w.train(fmt::format("--steps {} --out whole-{}", more, number)).code == 0);
    check_same_run(w / "run", w / fmt::format("whole-{}", number));
  }
}

TEST_CASE("gesso train: a run that was killed goes on from its last checkpoint, bit for bit") {
  const Workshop w;
  Command long_run(w, words(kLong + " --save-every 0.01"));
  wait_for(w / "run/checkpoint.previous.safetensors");
  long_run.signal(SIGKILL);
  CHECK(long_run.wait().code == 256 + SIGKILL);
  const std::string log = nn::bytes_of(w / "run/metrics.jsonl");
  nn::put_bytes(w / "run/metrics.jsonl", log + "{\"step\": 1, \"sp");  // the torn line of a machine that died
  const Outcome too_few = w.gesso("train --resume run --steps 1");
  CAPTURE(too_few.err);
  REQUIRE(too_few.code == 2);
  const std::string before = "has already made ";
  const std::size_t at = too_few.err.find(before);
  REQUIRE(at != std::string::npos);
  const int step = std::stoi(too_few.err.substr(at + before.size()));
  CHECK(step > 1);
  REQUIRE(w.gesso(fmt::format("train --resume run --steps {}", step + 20)).code == 0);
  REQUIRE(w.train(fmt::format("--steps {} --out whole", step + 20)).code == 0);
  check_same_run(w / "run", w / "whole");
  std::int64_t last = 0;
  for (const json& line : metrics(w / "run")) {  // no step was logged again
    CHECK(line["step"] >= last);
    last = line["step"];
  }
  CHECK(last == step + 20);
}

TEST_CASE("gesso train: a second signal exits at once, without saving") {
  const Workshop w;
  Command long_run(w, words(kLong));
  wait_for(w / "run/config.json");
  long_run.signal(SIGSTOP);  // so that both signals are there when it next runs
  long_run.signal(SIGINT);
  long_run.signal(SIGTERM);
  long_run.signal(SIGCONT);
  const Outcome o = long_run.wait();
  CHECK((o.code == 128 + SIGINT || o.code == 128 + SIGTERM));
  CHECK(o.err.find("stopped and saved") == std::string::npos);
  CHECK(!std::filesystem::exists(w / "run/checkpoint.safetensors"));
}

TEST_CASE("gesso train: a checkpoint that cannot be written is a warning, but at the end a failure") {
  const Workshop w;
  // Larger than the log and the pictures of so small a run, smaller than its checkpoint of 70,000 bytes or so.
  const std::uint64_t limit = 40000;
  const Outcome o = Command(w,
                            words("train mlp-vae --data data --set hidden=32 --set latent=3 --batch-size 7 "
                                  "--steps 400 --save-every 0.01 --out run"),
                            limit)
                        .wait();
  CAPTURE(o.err);
  CHECK(o.code == 1);
  CHECK(o.err.find("warning: run/checkpoint.safetensors") != std::string::npos);
  CHECK(o.err.find("could not be saved in full") != std::string::npos);
  CHECK(metrics(w / "run").back()["step"] == 400);  // it went on to its end
  for (const auto& entry : std::filesystem::directory_iterator(w / "run"))
    CHECK(entry.path().filename().string().find(".tmp.") == std::string::npos);
  CHECK(w.gesso("train --resume run").err.find("begin it anew") != std::string::npos);
}

TEST_CASE("gesso train: a second process in the same run folder is refused") {
  const Workshop w;
  Command first(w, words(kLong));
  wait_for(w / "run/config.json");
  const Outcome second = w.gesso("train --resume run");
  CHECK(second.code == 1);
  CHECK(second.err.find("another process is training here") != std::string::npos);
  first.signal(SIGINT);
  CHECK(first.wait().code == 130);
}

TEST_CASE(
    "gesso train: a posterior that collapses is an alarm in the log, metrics and report; a healthy run has "
    "none") {
  const Workshop w;
  const Outcome ill = w.train("--steps 600 --out ill --set beta=10000"),
                well = w.train("--steps 600 --out well");
  CAPTURE(ill.err);
  CHECK(ill.err.find("warning: posterior collapse: no latent unit") != std::string::npos);
  REQUIRE(!alarms(w / "ill").empty());
  CHECK(alarms(w / "ill").front().starts_with("posterior collapse"));
  CHECK(nn::bytes_of(w / "ill/report.html").find("posterior collapse") != std::string::npos);
  CHECK(well.err.find("warning") == std::string::npos);
  CHECK(alarms(w / "well").empty());
  CHECK(nn::bytes_of(w / "well/report.html").find("class=alarm>") == std::string::npos);
}

TEST_CASE("gesso train: losses that are no longer finite stop the run and keep its checkpoint") {
  const Workshop w;
  REQUIRE(w.train("--steps 2 --out run --lr 1e30").code == 1);
  const Outcome o = w.train("--steps 50 --out run2 --lr 1e30");
  CAPTURE(o.err);
  CHECK(o.code == 1);
  CHECK(o.err.find("diverged") != std::string::npos);
}

TEST_CASE("gesso train: a run that diverges after its first step leaves an alarm in metrics and report") {
  const Workshop w;
  const Outcome o = w.train("--steps 50 --out run --lr 10");
  CAPTURE(o.err);
  CHECK(o.code == 1);
  REQUIRE(alarms(w / "run").size() == 1);
  CHECK(alarms(w / "run").front().find("diverged") != std::string::npos);
  CHECK(nn::bytes_of(w / "run/report.html").find("diverged") != std::string::npos);
}

}  // namespace
}  // namespace gesso::models
