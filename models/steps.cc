#include "models/steps.h"

#include "kernels/profile.h"

namespace gesso::models {

Steps::Steps(Model& model, As as, std::function<void(const std::string&)> say)
    : model_(model), records_(as == As::graph && model.device != Device::cpu), say_(std::move(say)) {}

void Steps::give_up(const std::string& why) {
  records_ = false;
  say_(fmt::format("training steps are not replayed as a graph: {}", why));
}

StepLosses Steps::operator()(const Tensor& images) {
  if (made_++ == 0) {
    shape_ = images.shape();
    const std::string differs =
        kernels::Profile::running() ? "a profile times each kernel" : model_.steps_differ();
    if (records_ && !differs.empty()) give_up(differs);
  }
  // The last images of an epoch may be fewer.
  return records_ && images.shape() == shape_ ? recorded(images) : one_by_one(images);
}

StepLosses Steps::one_by_one(const Tensor& images) {
  const auto there = [&] {
    const kernels::Phase phase("data");
    return images.to(model_.device);
  };
  const Tensor x = there();
  const kernels::Phase phase("forward");
  return model_.launch_step(x);
}

/// The first steps are ordinary ones: what is made once is made, and the second shows whether a step does what no graph holds.
StepLosses Steps::recorded(const Tensor& images) {
  if (made_ == 1) return one_by_one(images);
  if (!watched_) return watched(images);
  if (replay_) {
    tensor::copy_(images_, images);
    replay_->run();
  } else {
    images_ = Tensor(shape_, images.dtype(), model_.device);
    tensor::copy_(images_, images);
    replay_.emplace(model_.device);
    losses_ = replay_->record([this] { return model_.launch_step(images_); });
  }
  StepLosses losses{.values = {}, .named = losses_.named};  // the next replay writes over its values
  for (const Tensor& value : losses_.values) losses.values.push_back(value.clone());
  return losses;
}

StepLosses Steps::watched(const Tensor& images) {
  watched_ = true;
  const Tensor x = images.to(model_.device);
  const kernels::Memory& memory = *kernels::backend(model_.device)->memory;
  const kernels::MemoryUse before = memory.use();
  StepLosses losses = model_.launch_step(x);
  const kernels::MemoryUse after = memory.use();
  if (after.waits != before.waits)
    give_up("a step waits for the device");
  else if (after.uploads != before.uploads)
    give_up("a step copies to the device");
  return losses;
}

}  // namespace gesso::models
