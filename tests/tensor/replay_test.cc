// What is recorded and done again: the same as if it had been asked for again.
#include "tensor/replay.h"

#include "tensor/ops.h"
#include "tests/tensor/mistakes.h"

#include <doctest/doctest.h>

namespace gesso::tensor {
namespace {

/// A device with graphs: the emulated one, where this build has it.
bool has_emu() { return kernels::in_build(Device::emu); }

TEST_CASE("a replay reads what its inputs hold now, and writes where it wrote before") {
  if (!has_emu()) return;
  Tensor x = Tensor::from({1.f, 2.f, 3.f}).to(Device::emu);
  Replay replay(Device::emu);
  const Tensor y = replay.record([&] { return add(mul(x, 2), x); });
  CHECK(y.to_vector<double>() == std::vector<double>{3, 6, 9});
  copy_(x, Tensor::from({10.f, 20.f, 30.f}));
  CHECK(y.to_vector<double>() == std::vector<double>{3, 6, 9});
  replay.run();
  CHECK(y.to_vector<double>() == std::vector<double>{30, 60, 90});
}

TEST_CASE("a replay's draws go on where the last ones ended") {
  if (!has_emu()) return;
  // 5 and 3 numbers: the stream is not at the beginning of a block of four when they are drawn
  const auto draw = [](Generator& g) {
    const Tensor u = uniform(g, {5}, 0, 1, DType::f32, Device::emu),
                 n = normal(g, {3}, 1, 2, DType::f32, Device::emu);
    return concat({u, n});
  };
  Generator g(4), same(4);
  Replay replay(Device::emu);
  const Tensor y = replay.record([&] { return draw(g); });
  for (int i = 0; i < 5; ++i) {
    if (i > 0) replay.run();
    CAPTURE(i);
    CHECK(y.to_vector<float>() == draw(same).to_vector<float>());
    CHECK(g.state.offset == same.state.offset);
  }
}

TEST_CASE("what the host says to do each time is done each time, in order") {
  if (!has_emu()) return;
  std::string done;
  Replay replay(Device::emu);
  replay.record([&] {
    each_time([&] { done += 'a'; });
    each_time([&] { done += 'b'; });
    done += 'c';
    return 0;
  });
  replay.run();
  CHECK(done == "abcab");
  each_time([&] { done += 'd'; });  // nothing is recorded
  replay.run();
  CHECK(done == "abcabdab");
}

TEST_CASE("memory of a replay is nobody else's until it ends") {
  if (!has_emu()) return;
  const auto in_use = [] { return kernels::backend(Device::emu)->memory->use().in_use; };
  const std::size_t before = in_use();
  {
    const Tensor x = full({1000}, 1, DType::f32, Device::emu);
    Tensor outlives, lost;
    {
      Replay replay(Device::emu);
      const Tensor y = replay.record([&] {
        const Tensor gone = mul(x, 2);
        outlives = add(x, 5);
        lost = add(x, 8);
        return add(gone, 1);
      });
      lost = {};
      std::vector<Tensor>
          others;  // would get the blocks that were given back during the recording, and after it
      for (int i = 0; i < 8; ++i) others.push_back(full({1000}, 7, DType::f32, Device::emu));
      replay.run();
      CHECK(y.to_vector<float>() == std::vector<float>(1000, 3));
      for (const Tensor& other : others) CHECK(other.to_vector<float>() == std::vector<float>(1000, 7));
    }
    CHECK(outlives.to_vector<float>() == std::vector<float>(1000, 6));
  }
  CHECK(in_use() == before);
}

TEST_CASE("what cannot be recorded is said, and then all is as before") {
  if (!has_emu()) return;
  const Tensor x = full({3}, 1, DType::f32, Device::emu);
  Replay reads(Device::emu);
  CHECK_THROWS_WITH(reads.record([&] { return mul(x, 2)[0].item(); }),
                    "a copy from the device, while a graph of kernels is being recorded");
  Replay writes(Device::emu);
  CHECK_THROWS_WITH(writes.record([&] { return Tensor::from({1.f}).to(Device::emu); }),
                    "a copy to the device, while a graph of kernels is being recorded");
  CHECK(!Replay::recording());
  CHECK(mul(x, 2).to_vector<float>() == std::vector<float>(3, 2));
  Replay good(Device::emu);
  const Tensor y = good.record([&] { return mul(x, 4); });
  CHECK(y.to_vector<float>() == std::vector<float>(3, 4));
  tests::check_messages({{[&] { reads.run(); }, "Replay: run() before record()"},
                         {[&] { good.record([] { return 0; }); }, "Replay: record() once, and one at a time"},
                         {[] { Replay none(Device::cpu); }, "Replay: cpu has no graphs"}});
}

}  // namespace
}  // namespace gesso::tensor
