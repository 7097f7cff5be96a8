// Convolution, differentiable to any order: three ops that are each other's gradients.
//
// T(x,w,y) = sum x[n, p stride + r dilation - padding, .., c] w[k,r,s,c] y[n,p,q,k] is linear in each of its arguments, so
// each op leaves one of them open and its gradients are the other two ops.
#pragma once

#include "autograd/var.h"
#include "tensor/conv.h"

namespace gesso {

/// y (N,P,Q,K) = act(x (N,H,W,C) * w (K,R,S,C/groups) + b (K)): one kernel. b may be undefined; slope belongs to leaky_relu,
/// 0 is ReLU.
Var conv2d(const Var& x, const Var& w, const Conv2dGeometry& g, const Var& b = {},
           Activation act = Activation::none, double slope = 0);
/// x (N,H,W,C) from y (N,P,Q,K) and w: the adjoint of conv2d in x, which is the transposed convolution. b (C).
Var conv2d_input(const Var& y, const Var& w, const Conv2dGeometry& g, const Var& b = {},
                 Activation act = Activation::none, double slope = 0);
/// w (K,R,S,C/groups) from x (N,H,W,C) and y (N,P,Q,K): the adjoint of conv2d in w.
Var conv2d_filter(const Var& x, const Var& y, const Conv2dGeometry& g);

}  // namespace gesso
