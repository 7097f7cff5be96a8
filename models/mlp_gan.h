// The networks of mlp-gan: two multilayer perceptrons, as in Goodfellow et al. 2014, arXiv:1406.2661; the game is gan.h's.
//
// D is held back by dropout and by half of G's learning rate. Without either, two plain perceptrons end within ten epochs at
// loss_d = 0 and one picture (measured on MNIST; PyTorch's do too).
#pragma once

#include "models/gan.h"

namespace gesso::models {

std::vector<Option> mlp_gan_options();
/// G: 100-128-256-512-784, D: 784-512-256-128-1 where nothing else is set. Dropout draws from `noise`, which must outlive the
/// network.
GanNetwork mlp_gan(const Recipe& recipe, Generator& g, Generator& noise);

}  // namespace gesso::models
