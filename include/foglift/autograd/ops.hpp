#pragma once

/// Every differentiable operation, for Tensors and for Vars.
#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/attention.hpp"
#include "foglift/autograd/ops/conv.hpp"
#include "foglift/autograd/ops/dropout.hpp"
#include "foglift/autograd/ops/embedding.hpp"
#include "foglift/autograd/ops/gated.hpp"
#include "foglift/autograd/ops/linear.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/autograd/ops/matmul.hpp"
#include "foglift/autograd/ops/norm.hpp"
#include "foglift/autograd/ops/pointwise.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/autograd/ops/resample.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/autograd/ops/softmax.hpp"
