/**
 * Functions of each number by itself: what PyTorch calls them, and the parameter of those that have
 * one. They stand in the order of `native/functions.h`, which begins with the identity.
 */

/** @satisfies {Record<string, ActivationFunction>} */
export const ACTIVATIONS = {
  sigmoid: { title: "Sigmoid" },
  tanh: { title: "Tanh" },
  relu: { title: "ReLU" },
  leaky_relu: { title: "LeakyReLU", usual: 0.01 },
  elu: { title: "ELU", usual: 1 },
  gelu: { title: "GELU" },
  silu: { title: "SiLU" },
  hard_swish: { title: "Hardswish" },
  softplus: { title: "Softplus" },
  scaled_tanh: { title: "ScaledTanh" }, // LeCun et al. (1998), equation 6
};
