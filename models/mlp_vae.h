// The networks of mlp-vae: two multilayer perceptrons, as in Kingma & Welling 2014, arXiv:1312.6114; the loss is vae.h's.
#pragma once

#include "models/vae.h"

namespace gesso::models {

std::vector<Option> mlp_vae_options();
/// 784-400-20, 20-400-784 where nothing else is set.
VaeNetwork mlp_vae(const Recipe& recipe, Generator& g);

}  // namespace gesso::models
