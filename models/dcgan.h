// The networks of dcgan: Radford, Metz & Chintala 2016, arXiv:1511.06434; the game is gan.h's.
//
// Strided convolutions in place of pooling, batch norm in both networks but not in G's last nor D's first layer, no dense
// layers at 64x64 (section 3). Adam with 2e-4 and beta1 = 0.5, batches of 128 (section 4).
#pragma once

#include "models/gan.h"

namespace gesso::models {

std::vector<Option> dcgan_options();
/// Images of 28x28, 32x32 and 64x64, of any number of channels C; UsageError for others. Where nothing else is set:
///
///   64x64  G  z -> (4,4,512) -> (8,8,256) -> (16,16,128) -> (32,32,64) -> (64,64,C), filters of 4x4, ReLU
///          D  mirrors it, with leaky ReLU; a filter as large as its last image makes the logit
///   32x32  the same with one layer less: z -> (4,4,256) -> ..
///   28x28  G  z -> dense -> (7,7,256) -> (7,7,128) -> (14,14,64) -> (28,28,C), filters of 5x5, leaky ReLU
///          D  (28,28,C) -> (14,14,64) -> (7,7,128) -> dense -> 1
GanNetwork dcgan(const Recipe& recipe, Generator& g, Generator& noise);

/// As it all starts: N(0, 0.02) for filters and matrices (section 4), N(1, 0.02) for batch norm's weights (the authors' code), 0
/// for biases.
void start_as_radford(nn::Module& m, Generator& g);

}  // namespace gesso::models
