// The networks of conv-vae: strided convolutions with batch norm (Radford et al. 2016, arXiv:1511.06434) as
// encoder and, mirrored, as decoder of a variational autoencoder; the loss is vae.h's.
#pragma once

#include "models/vae.h"

namespace gesso::models {

std::vector<Option> conv_vae_options();
/// Images (H,W,C) of 8x8 or more, halved until the smaller side is 4 at the most; UsageError for others. Where nothing else is
/// set:
///
///   64x64  (64,64,C) -> (32,32,32) -> (16,16,64) -> (8,8,128) -> (4,4,256) -> 128 numbers
///   32x32  (32,32,C) -> (16,16,32) -> (8,8,64) -> (4,4,128) -> 32
///   28x28  (28,28,C) -> (14,14,32) -> (7,7,64) -> (3,3,128) -> 24
VaeNetwork conv_vae(const Recipe& recipe, Generator& g);

}  // namespace gesso::models
