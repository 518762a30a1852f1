"""purenn: neural networks as pure functions on JAX, with every derivative worked out by hand."""

from purenn import initializers
from purenn.backprop.by_hand import by_hand
from purenn.backprop.tail import Tail
from purenn.backprop.value_and_grad import value_and_grad
from purenn.core.layer import Layer
from purenn.core.op import Op
from purenn.core.padded import Padded
from purenn.data.idx import read_idx
from purenn.data.mnist import load_mnist
from purenn.inspect.check_gradients import check_gradients
from purenn.inspect.compare import compare
from purenn.inspect.explain import explain
from purenn.inspect.summary import summary
from purenn.layers.as_dtype import as_dtype
from purenn.layers.attention import AttentionParams, attention
from purenn.layers.avg_pool import avg_pool
from purenn.layers.batch_norm import BatchNormParams, BatchNormState, batch_norm
from purenn.layers.conv1d import Conv1dParams, conv1d
from purenn.layers.conv2d import Conv2dParams, conv2d
from purenn.layers.conv2d_transpose import Conv2dTransposeParams, conv2d_transpose
from purenn.layers.dense import DenseParams, dense
from purenn.layers.dropout import dropout
from purenn.layers.embedding import EmbeddingParams, embedding
from purenn.layers.flatten import flatten
from purenn.layers.gated_dense import GatedDenseParams, gated_dense
from purenn.layers.global_avg_pool import global_avg_pool
from purenn.layers.group_norm import GroupNormParams, group_norm
from purenn.layers.gru import GruParams, gru
from purenn.layers.layer_norm import LayerNormParams, layer_norm
from purenn.layers.lstm import LstmParams, lstm
from purenn.layers.max_pool import max_pool
from purenn.layers.mixed_precision import mixed_precision
from purenn.layers.mlp import mlp
from purenn.layers.parallel import parallel
from purenn.layers.position_embedding import PositionEmbeddingParams, position_embedding
from purenn.layers.recompute import recompute
from purenn.layers.repeat import repeat
from purenn.layers.rescale import rescale
from purenn.layers.residual import residual
from purenn.layers.rms_norm import RmsNormParams, rms_norm
from purenn.layers.serial import serial
from purenn.layers.stepwise import stepwise
from purenn.layers.tied_embedding import tied_embedding
from purenn.ops.activations import (
    gelu,
    leaky_relu,
    relu,
    sigmoid,
    silu,
    softplus,
    tanh,
)
from purenn.ops.binary_cross_entropy import binary_cross_entropy, sigmoid_binary_cross_entropy
from purenn.ops.categorical_cross_entropy import categorical_cross_entropy, softmax_cross_entropy
from purenn.ops.elu import elu, selu
from purenn.ops.huber import huber
from purenn.ops.l2_penalty import l2_penalty
from purenn.ops.mae import mae
from purenn.ops.mse import mse
from purenn.ops.softmax import log_softmax, softmax
from purenn.optimizers.adagrad import adagrad
from purenn.optimizers.adam import adam, adamw
from purenn.optimizers.adamax import adamax
from purenn.optimizers.base import Optimizer, apply_updates
from purenn.optimizers.chain import chain
from purenn.optimizers.clip_by_global_norm import clip_by_global_norm
from purenn.optimizers.momentum import momentum
from purenn.optimizers.rmsprop import rmsprop
from purenn.optimizers.schedules import (
    cosine_decay,
    exponential_decay,
    inverse_time_decay,
    linear_warmup,
    piecewise_constant,
    polynomial_decay,
)
from purenn.optimizers.sgd import sgd
from purenn.storage.save import load, save
from purenn.training.accuracy import accuracy
from purenn.training.evaluate import evaluate, predict
from purenn.training.fit import fit
from purenn.training.position import EpochRecord
from purenn.training.train import Progress, train
from purenn.training.train_step import TrainState, train_step
from purenn.training.training_run import training_run

__version__ = "0.1.0"

__all__ = [
    "AttentionParams",
    "BatchNormParams",
    "BatchNormState",
    "Conv1dParams",
    "Conv2dParams",
    "Conv2dTransposeParams",
    "DenseParams",
    "EmbeddingParams",
    "EpochRecord",
    "GatedDenseParams",
    "GroupNormParams",
    "GruParams",
    "Layer",
    "LayerNormParams",
    "LstmParams",
    "Op",
    "Optimizer",
    "Padded",
    "PositionEmbeddingParams",
    "Progress",
    "RmsNormParams",
    "Tail",
    "TrainState",
    "accuracy",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "apply_updates",
    "as_dtype",
    "attention",
    "avg_pool",
    "batch_norm",
    "binary_cross_entropy",
    "by_hand",
    "categorical_cross_entropy",
    "chain",
    "check_gradients",
    "clip_by_global_norm",
    "compare",
    "conv1d",
    "conv2d",
    "conv2d_transpose",
    "cosine_decay",
    "dense",
    "dropout",
    "elu",
    "embedding",
    "evaluate",
    "explain",
    "exponential_decay",
    "fit",
    "flatten",
    "gated_dense",
    "gelu",
    "global_avg_pool",
    "group_norm",
    "gru",
    "huber",
    "initializers",
    "inverse_time_decay",
    "l2_penalty",
    "layer_norm",
    "leaky_relu",
    "linear_warmup",
    "load",
    "load_mnist",
    "log_softmax",
    "lstm",
    "mae",
    "max_pool",
    "mixed_precision",
    "mlp",
    "momentum",
    "mse",
    "parallel",
    "piecewise_constant",
    "polynomial_decay",
    "position_embedding",
    "predict",
    "read_idx",
    "recompute",
    "relu",
    "repeat",
    "rescale",
    "residual",
    "rms_norm",
    "rmsprop",
    "save",
    "selu",
    "serial",
    "sgd",
    "sigmoid",
    "sigmoid_binary_cross_entropy",
    "silu",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "stepwise",
    "summary",
    "tanh",
    "tied_embedding",
    "train",
    "train_step",
    "training_run",
    "value_and_grad",
]
