/** Things to try: what a learner chooses, and one sentence on what to see. A test checks each claim. */

const USUAL = {
  data: "circles",
  noise: 0.1,
  seed: 1,
  hidden: [8],
  activation: "tanh",
  optimizer: "adam",
  rate: 0.03,
  batch: 32,
};

/** @type {{name: string, says: string, spec: import("./run.js").Spec}[]} */
export const presets = [
  {
    name: "First try",
    says: "Eight units draw eight soft lines. Press Start and watch the network bend them into a closed curve.",
    spec: {},
  },
  {
    name: "No hidden layer",
    says: "One neuron draws one straight line, and no line separates a disc from the ring around it.",
    spec: { hidden: [], rate: 0.1 },
  },
  {
    name: "One unit too few",
    says: "Two ReLU units cannot close a curve around the disc. Add a third one and start again.",
    spec: { hidden: [2], activation: "relu", rate: 0.05 },
  },
  {
    name: "Depth without a bend",
    says: "Three hidden layers without an activation are one linear map: XOR stays out of reach.",
    spec: { data: "xor", hidden: [8, 8, 8], activation: "identity" },
  },
  {
    name: "The spiral",
    says: "Two layers follow both arms. The first draws lines; the second combines them into curves.",
    spec: { data: "spiral", hidden: [12, 12], rate: 0.01 },
  },
  {
    name: "Too high a rate",
    says: "Each step jumps across the valley, and the loss goes up and down. Divide the rate by ten and start again.",
    spec: { data: "moons", seed: 2, hidden: [8, 8], optimizer: "sgd", rate: 10 },
  },
  {
    name: "Dying ReLU",
    says: "A few huge steps push units below 0 for every point. Their gradient is 0 from then on, so they stay off.",
    spec: { hidden: [8, 8], activation: "relu", optimizer: "sgd", rate: 5 },
  },
  {
    name: "Vanishing gradients",
    says: "Four layers of sigmoids: compare the gradients of the first layer and the last one in the table.",
    spec: { hidden: [8, 8, 8, 8], activation: "sigmoid", optimizer: "sgd", rate: 0.3 },
  },
  {
    name: "Learning the noise",
    says: "The training loss keeps falling while the loss on held-out points rises: the network learns the noise.",
    spec: { data: "moons", noise: 0.6, hidden: [16, 16], activation: "relu", rate: 0.02 },
  },
  {
    name: "Digits",
    says: "Real digits: 784 pixels, 32 units, 10 classes. The pictures show what each unit of the first layer has learned to look for.",
    spec: { data: "digits", hidden: [32], activation: "relu", rate: 0.003 },
  },
  {
    name: "Digits, no hidden layer",
    says: "One picture for each class, from 0 to 9: green pixels speak for the digit, purple ones against it.",
    spec: { data: "digits", hidden: [], rate: 0.003 },
  },
].map(({ spec, ...more }) => ({ ...more, spec: { ...USUAL, ...spec } }));
